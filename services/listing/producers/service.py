"""What a producer can do about those who act for them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.db import WriteSession
from chassis.problems import FieldError, InvalidInput, NotFound, Problem, Text, Unauthenticated
from services.listing.producers import queries
from services.listing.producers.models import ERASED, Consent, NoConsent
from services.listing.producers.schemas import ConsentOut

ONLY_AGENTS = Text("只有代办员可填。", "Only an agent names it.")
FOR_WHOM = Text("代办员须写明为谁代办。", "An agent says for whom.")

ERASED_AGENT = Text("该账户已注销。", "This account was erased.")


async def consents(session: AsyncSession, caller: Caller, after: UUID | None, limit: int) -> Sequence[Consent]:
    """Those that a producer gave, by agent; those that an agent was given, by producer."""
    if caller.role == "agent":
        return await queries.consents_given_to(session, caller.account_id, after=after, limit=limit)
    return await queries.consents_of(session, caller.account_id, after=after, limit=limit)


def other_side(caller: Caller, consent: ConsentOut) -> UUID:
    """By whom the caller's consents are told apart."""
    return consent.producer_id if caller.role == "agent" else consent.agent_id


async def give_consent(session: WriteSession, producer_id: UUID, agent_id: UUID) -> Consent:
    """Let the agent act; giving it twice changes nothing. Raises InvalidInput for an agent who was erased."""
    if await ERASED.among(session, [agent_id]):
        raise InvalidInput(errors=[FieldError("#/agent_id", ERASED_AGENT)])
    row = insert(Consent).values(producer_id=producer_id, agent_id=agent_id).on_conflict_do_nothing()
    await session.execute(row)
    return await session.get_one(Consent, (producer_id, agent_id))


async def withdraw_consent(session: WriteSession, producer_id: UUID, agent_id: UUID) -> None:
    rows = delete(Consent).where(Consent.producer_id == producer_id, Consent.agent_id == agent_id)
    if (await session.execute(rows.returning(Consent.agent_id))).first() is None:
        raise NotFound()


async def hear_of_erased(session: WriteSession, account_ids: Sequence[UUID]) -> None:
    """Take nothing more of these accounts, and delete what they gave, and what was given to them.

    `ERASED.forget` forgets what there is of them otherwise.
    """
    await ERASED.remember(session, account_ids)
    theirs = or_(Consent.producer_id.in_(account_ids), Consent.agent_id.in_(account_ids))
    await session.execute(delete(Consent).where(theirs))


async def producers_written_for(
    session: WriteSession, asked: Sequence[tuple[Caller, UUID | None]], now: datetime
) -> list[UUID | Problem]:
    """Whose new listings callers write: their own, or, as an agent, those of a producer who had consented by `now`.

    In its place InvalidInput, where an agent names nobody or another names somebody else, NoConsent, which erased
    producers give, or Unauthenticated for a caller who was erased.
    """
    pairs = {(named, caller.account_id) for caller, named in asked if caller.role == "agent" and named is not None}
    # first: the handler of an erasure deletes consents under the lock that this takes
    erased = await ERASED.among(session, {caller.account_id for caller, _ in asked} | {named for named, _ in pairs})
    given = {each for each in await queries.consents_among(session, pairs, now) if each[0] not in erased}
    return [
        Unauthenticated() if caller.account_id in erased else _written_for(caller, named, given)
        for caller, named in asked
    ]


def _written_for(caller: Caller, named: UUID | None, given: Collection[tuple[UUID, UUID]]) -> UUID | Problem:
    if caller.role != "agent":
        if named not in {None, caller.account_id}:
            return InvalidInput(errors=[FieldError("#/producer_id", ONLY_AGENTS)])
        return caller.account_id
    if named is None:
        return InvalidInput(errors=[FieldError("#/producer_id", FOR_WHOM)])
    return named if (named, caller.account_id) in given else NoConsent()
