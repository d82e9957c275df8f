"""What a payee does about a clawback: the form becomes one request to the API."""

from uuid import UUID

from gateway.pages.asking import Api, Told
from gateway.pages.forms import Typed, given


async def object_to(api: Api, clawback_id: UUID, typed: Typed) -> Told:
    """Say why it is wrong. Raises ServiceUnavailable."""
    body = given(text=typed.get("text"))
    return await api.send("POST", f"/v1/clawbacks/{clawback_id}/objection", body, key=typed.key)
