"""What can be done with webhooks. Who sends is in `leasing` and `delivering`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.addresses import UrlRefused, target_of
from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.problems import FieldError, InvalidInput, Text, must_exist
from chassis.vault import Vault
from services.matching.webhooks import queries
from services.matching.webhooks.models import (
    ENDPOINTS_MAX,
    LOOP,
    PING_SEQ,
    Delivery,
    Endpoint,
    Status,
    TooManyWebhooks,
)
from services.matching.webhooks.queries import Told
from services.matching.webhooks.schemas import NewWebhook, Rewind, WebhookChange
from services.matching.webhooks.signing import about, new_secret

OLD_SECRET_LIVES = timedelta(hours=24)
FORGET_BATCH = 1000


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
        raise TooManyWebhooks()
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


async def find(session: AsyncSession, caller: Caller, endpoint_id: UUID) -> Endpoint:
    """A webhook that the caller sees. Raises NotFound."""
    return must_exist(await queries.endpoint_of(session, endpoint_id, caller.owner_id))


async def deliveries(
    session: AsyncSession, caller: Caller, endpoint_id: UUID, *, status: Status | None, before: int | None, limit: int
) -> Sequence[Told]:
    endpoint = await find(session, caller, endpoint_id)
    return await queries.deliveries_of(session, endpoint, status=status, before=before, limit=limit)


async def delivery(session: AsyncSession, caller: Caller, endpoint_id: UUID, seq: int) -> Told:
    """What became of one event, or of the last ping. Raises NotFound."""
    return await _told(session, await find(session, caller, endpoint_id), seq)


async def ping(session: WriteSession, caller: Caller, endpoint_id: UUID) -> Told:
    """Have an event sent that says nothing, by the way that all go. Raises NotFound, WebhookDisabled."""
    endpoint = await _locked(session, caller, endpoint_id)
    endpoint.must_be_enabled()
    now = await database_now(session)
    last = await queries.locked_delivery(session, endpoint_id, PING_SEQ)
    if last is None:
        session.add(Delivery.ping(endpoint_id, now))
    else:
        last.ping_again(now)
    await session.flush()
    session.wake(LOOP)
    return await _told(session, endpoint, PING_SEQ)


async def redeliver_one(session: WriteSession, caller: Caller, endpoint_id: UUID, seq: int) -> Told:
    """Have one delivery sent again, under the id that it had. Raises NotFound, WebhookDisabled."""
    endpoint = await _locked(session, caller, endpoint_id)
    found = must_exist(await queries.locked_delivery(session, endpoint_id, seq))
    endpoint.must_be_enabled()
    found.send_again(await database_now(session))
    await session.flush()
    session.wake(LOOP)
    return await _told(session, endpoint, seq)


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
    if sent.get("enabled") and endpoint.disabled_at is not None:
        await queries.take_up_again(session, endpoint_id, endpoint.disabled_at)
    if sent:
        now = await database_now(session)
        endpoint.change(url=sent.get("url"), types=sent.get("types"), enabled=sent.get("enabled"), now=now)
        session.wake(LOOP)
    return endpoint


async def rotate(session: WriteSession, desk: Desk, caller: Caller, endpoint_id: UUID) -> tuple[Endpoint, str]:
    """A new secret. The one before signs beside it for a day, so that nobody need change it at one moment."""
    endpoint = await _locked(session, caller, endpoint_id)
    secret = new_secret()
    endpoint.rotate(desk.vault.seal(secret, about(endpoint_id)), await database_now(session) + OLD_SECRET_LIVES)
    return endpoint, secret


async def redeliver(
    session: WriteSession, caller: Caller, endpoint_id: UUID, wanted: Rewind
) -> tuple[Endpoint, int | None]:
    """Have everything behind a seq sent again, under the ids that it had; how many events that is, if it was counted.

    Raises InvalidInput for a seq that the feed has not come to.
    """
    endpoint = await _locked(session, caller, endpoint_id)
    head = await queries.head_of(session, endpoint.account_id)
    if wanted.after_seq > head:
        told = Text(f"推送流现在到 {head} 为止。", f"The feed ends at {head} now.")
        raise InvalidInput(errors=[FieldError("#/after_seq", told)])
    endpoint.rewind(wanted.after_seq, await database_now(session))
    session.wake(LOOP)
    return endpoint, await queries.count_behind(session, endpoint, head)


async def remove(session: WriteSession, caller: Caller, endpoint_id: UUID) -> Endpoint:
    """Delete a webhook, with its secrets; what waited for it is not sent any more, and `forget_removed` deletes it."""
    endpoint = await _locked(session, caller, endpoint_id)
    await session.delete(endpoint)
    return endpoint


async def forget_removed(db: Database) -> int:
    """Delete the deliveries of webhooks that are deleted, some at a time, for they may be millions; how many."""
    async with db.reading() as session:
        removed = await queries.ownerless(session)
    deleted, last = 0, FORGET_BATCH
    while removed and last == FORGET_BATCH:
        async with db.transaction() as session:
            last = await queries.forget_deliveries(session, removed, limit=FORGET_BATCH)
        deleted += last
    return deleted


async def end_webhooks(session: WriteSession, account_ids: Collection[UUID]) -> None:
    """Send nothing more to these accounts; `forget_some` deletes what was sent or waited, which may be very much."""
    await queries.end_endpoints(session, await queries.lock_all_of(session, account_ids))


async def forget_some(session: WriteSession, account_id: UUID, _: UUID | None) -> UUID | None:
    """A step of `ERASED.forget`: delete the deliveries of the account, and at last its webhooks with their secrets."""
    endpoint_ids = await queries.lock_all_of(session, [account_id])
    if await queries.forget_deliveries(session, endpoint_ids, limit=FORGET_BATCH) == FORGET_BATCH:
        return account_id
    await queries.forget_endpoints(session, endpoint_ids)
    return None


async def _told(session: AsyncSession, endpoint: Endpoint, seq: int) -> Told:
    return must_exist(await queries.delivery_of(session, endpoint, seq))


async def _locked(session: WriteSession, caller: Caller, endpoint_id: UUID) -> Endpoint:
    return must_exist(await queries.locked_endpoint(session, endpoint_id, caller.owner_id))
