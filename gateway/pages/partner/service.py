"""What a partner does on the pages: each form becomes one request to the API."""

from uuid import UUID

from gateway.pages.asking import Api, Told
from gateway.pages.forms import Typed, given, number


async def make_key(api: Api, typed: Typed) -> Told:
    """The answer holds its secret, which nobody tells again. Raises ServiceUnavailable, as all of these do."""
    return await api.send("POST", "/v1/clients", key=typed.key)


async def rotate_key(api: Api, client_id: str, typed: Typed) -> Told:
    """A new secret; the old one, and what it let in, ends at once."""
    return await api.send("POST", f"/v1/clients/{client_id}/rotate", key=typed.key)


async def revoke_key(api: Api, client_id: str) -> Told:
    """Take it back, and end what it let in."""
    return await api.send("DELETE", f"/v1/clients/{client_id}")


async def make_webhook(api: Api, typed: Typed) -> Told:
    """Without any type ticked it is told of all."""
    body = given(url=typed.get("url"), types=typed.many.get("type", []))
    return await api.send("POST", "/v1/webhooks", body, key=typed.key)


async def rotate_webhook(api: Api, webhook_id: UUID, typed: Typed) -> Told:
    """A new secret of the signatures; the old one signs as well for a day."""
    return await api.send("POST", f"/v1/webhooks/{webhook_id}/rotate", key=typed.key)


async def change_webhook(api: Api, webhook_id: UUID, verb: str, typed: Typed) -> Told:
    """Send again, try out or enable it; `delete` it otherwise."""
    path = f"/v1/webhooks/{webhook_id}"
    if verb == "redeliver":
        return await api.send(
            "POST", f"{path}/redeliver", given(after_seq=number(typed.get("after_seq"))), key=typed.key
        )
    if verb == "ping":
        return await api.send("POST", f"{path}/ping", key=typed.key)
    if verb == "enable":
        return await api.send("PATCH", path, {"enabled": True}, version=typed.get("version"))
    return await api.send("DELETE", path)


async def resend(api: Api, webhook_id: UUID, seq: int, typed: Typed) -> Told:
    """Send that one delivery again."""
    return await api.send("POST", f"/v1/webhooks/{webhook_id}/deliveries/{seq}/redeliver", key=typed.key)


def after(webhook_id: UUID, verb: str) -> str:
    """Where one goes on, once it is done."""
    return "/partner" if verb == "delete" else f"/partner/webhooks/{webhook_id}"
