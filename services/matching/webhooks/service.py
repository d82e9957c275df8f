"""What can be done with webhooks. Who sends is in `leasing` and `delivering`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.addresses import UrlRefused, target_of
from chassis.auth import Caller
from chassis.db import WriteSession
from chassis.problems import FieldError, InvalidInput, NotFound
from chassis.vault import Vault
from services.matching.clock import database_now
from services.matching.webhooks import queries
from services.matching.webhooks.models import ENDPOINTS_MAX, LOOP, Delivery, Endpoint, Status, TooManyWebhooks
from services.matching.webhooks.schemas import NewWebhook, Rewind, WebhookChange
from services.matching.webhooks.signing import about, new_secret

OLD_SECRET_LIVES = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the API needs for webhooks: it seals secrets, and says where none may lead."""

    vault: Vault
    allow_private: bool = False

    def must_be_sendable(self, url: str) -> None:
        """Raises InvalidInput for what nothing would ever be sent to. What a name leads to is seen when it is sent."""
        try:
            target_of(url, allow_private=self.allow_private)
        except UrlRefused as refused:
            raise InvalidInput(errors=[FieldError("#/url", refused.text)]) from refused


async def register(session: WriteSession, desk: Desk, caller: Caller, new: NewWebhook) -> tuple[Endpoint, str]:
    """A new webhook and its secret. It is told of what comes into the feed from now on."""
    desk.must_be_sendable(new.url)
    if await queries.count_of(session, caller.account_id) >= ENDPOINTS_MAX:
        raise TooManyWebhooks(most=ENDPOINTS_MAX)
    endpoint_id, secret = uuid7(), new_secret()
    endpoint = Endpoint(
        id=endpoint_id,
        account_id=caller.account_id,
        version=1,
        url=new.url,
        types=new.types,
        secret=desk.vault.seal(secret, about(endpoint_id)),
        after_seq=await queries.head_of(session, caller.account_id),
        enabled=True,
        created_at=await database_now(session),
    )
    session.add(endpoint)
    await session.flush()
    return endpoint, secret


def owner(caller: Caller) -> UUID | None:
    """Whose webhooks a caller sees: their own; an admin everyone's (None)."""
    return None if caller.role == "admin" else caller.account_id


async def find(session: AsyncSession, caller: Caller, endpoint_id: UUID) -> Endpoint:
    endpoint = await queries.endpoint_of(session, endpoint_id, owner(caller))
    if endpoint is None:
        raise NotFound()
    return endpoint


async def deliveries(
    session: AsyncSession, caller: Caller, endpoint_id: UUID, *, status: Status | None, before: int | None, limit: int
) -> Sequence[Delivery]:
    await find(session, caller, endpoint_id)
    return await queries.deliveries_of(session, endpoint_id, status=status, before=before, limit=limit)


async def change(
    session: WriteSession, desk: Desk, caller: Caller, endpoint_id: UUID, version: int | None, wanted: WebhookChange
) -> Endpoint:
    """Change a webhook that the caller has read in this version.

    Enabled again it loses nothing: what was given up when it was disabled is sent, and what came since.
    """
    endpoint = await _locked(session, caller, endpoint_id)
    endpoint.must_be(version)
    sent = wanted.model_dump(exclude_unset=True)
    if "url" in sent:
        desk.must_be_sendable(wanted.url)
    if wanted.model_fields_set & {"enabled"} and endpoint.disabled_at is not None:
        await queries.take_up_again(session, endpoint_id, endpoint.disabled_at)
    if sent:
        endpoint.change(url=sent.get("url"), types=sent.get("types"), enabled=sent.get("enabled"))
        session.wake(LOOP)
    return endpoint


async def rotate(session: WriteSession, desk: Desk, caller: Caller, endpoint_id: UUID) -> tuple[Endpoint, str]:
    """A new secret. The one before signs beside it for a day, so that nobody need change it at one moment."""
    endpoint = await _locked(session, caller, endpoint_id)
    secret = new_secret()
    endpoint.rotate(desk.vault.seal(secret, about(endpoint_id)), await database_now(session) + OLD_SECRET_LIVES)
    return endpoint, secret


async def redeliver(session: WriteSession, caller: Caller, endpoint_id: UUID, wanted: Rewind) -> Endpoint:
    """Have everything behind a seq sent again, under the ids that it had."""
    endpoint = await _locked(session, caller, endpoint_id)
    endpoint.rewind(wanted.after_seq)
    session.wake(LOOP)
    return endpoint


async def remove(session: WriteSession, caller: Caller, endpoint_id: UUID) -> Endpoint:
    """Delete a webhook; what waited for it is not sent any more, and what is known of its deliveries is forgotten."""
    endpoint = await _locked(session, caller, endpoint_id)
    await queries.forget_deliveries(session, [endpoint_id])
    await session.delete(endpoint)
    return endpoint


async def forget_webhooks(session: WriteSession, account_ids: Collection[UUID]) -> None:
    """Delete the webhooks of these accounts, with their secrets and all that was sent or waited."""
    endpoint_ids = await queries.lock_all_of(session, account_ids)
    await queries.forget_deliveries(session, endpoint_ids)
    await queries.forget_endpoints(session, endpoint_ids)


async def _locked(session: WriteSession, caller: Caller, endpoint_id: UUID) -> Endpoint:
    endpoint = await queries.locked_endpoint(session, endpoint_id, owner(caller))
    if endpoint is None:
        raise NotFound()
    return endpoint
