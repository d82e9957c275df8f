"""What can be done with clawbacks: notice, objection, decision, recovery."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from catalogue.days import bounds_of, local_day
from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.problems import FieldError, InvalidInput, Text, must_exist
from services.logistics.clawbacks import queries
from services.logistics.clawbacks.models import (
    CLAWBACK_LINES,
    RECOVERIES,
    Cause,
    ClaimedBackAlready,
    Clawback,
    RecoveryKind,
    RepaidOtherwise,
    recovery_subject,
)
from services.logistics.clawbacks.queries import Paid
from services.logistics.clawbacks.schemas import (
    OBJECTION,
    SUBJECTS_MAX,
    NewClawback,
    NewClawbackDecision,
    NewObjection,
    NewRepayment,
)
from services.logistics.office import lock_reference, payee
from services.logistics.programmes import service as programmes
from services.logistics.subsidy import queries as ledger
from services.logistics.subsidy import service as subsidy
from services.logistics.subsidy.eligibility import waybill_identity
from services.logistics.subsidy.fund import Fund

NOT_PAID = Text("此项目没有为它拨付补贴。", "This programme has paid nothing for it.")
OTHER_PAYEE = Text("收款方不止一个；每案只追一方。", "There is more than one payee; a clawback is against one.")
ALREADY = Text("已在另一追回案中。", "It is part of another clawback.")
CAME_BACK = "扫描显示已退回，补贴已拨付。Scanned as returned after it was paid for."
Key = TypeVar("Key", str, UUID)


async def notice(session: WriteSession, caller: Caller, new: NewClawback) -> Clawback:
    """Open a clawback, naming each of what it is about that was not paid, or is part of another."""
    await programmes.find(session, new.programme_id)
    if new.waybills:
        names = [waybill_identity(each) for each in new.waybills]
        found = _named("waybills", names, await queries.paid_called(session, new.programme_id, names))
    else:
        found = _named("match_ids", new.match_ids, await queries.paid_matches(session, new.programme_id, new.match_ids))
    paid = list({each.subject_id: each for each in found}.values())
    if len({each.payee_id for each in paid}) > 1:
        raise InvalidInput(errors=[FieldError("#", OTHER_PAYEE)])
    field = "waybills" if new.waybills else "match_ids"
    live = await queries.live_among(session, [each.subject_id for each in paid])
    taken = [place for place, each in enumerate(found) if each.subject_id in live]
    if taken:
        raise ClaimedBackAlready(errors=[FieldError(f"#/{field}/{place}", ALREADY) for place in taken])
    period = timedelta(days=new.objection_days)
    return await _open(session, paid, new.cause, new.evidence, period, await database_now(session), caller.account_id)


async def notice_returned(db: Database, before: datetime | None = None) -> int:
    """Open a clawback for each programme and payee of whose paid parcels some came back (before a moment); how many."""
    opened = 0
    while True:
        by_payee: dict[tuple[UUID, UUID], list[Paid]] = defaultdict(list)
        try:
            async with db.transaction() as session:
                returned = await queries.came_back_unclaimed(session, before, SUBJECTS_MAX)
                for each in returned:
                    by_payee[each.programme_id, each.payee_id].append(each)
                now = await database_now(session)
                for paid in by_payee.values():
                    await _open(session, paid, "returned_after_payment", CAME_BACK, OBJECTION, now, None)
        except ClaimedBackAlready:  # an officer, or another worker, was quicker
            return opened
        opened += len(by_payee)
        if len(returned) < SUBJECTS_MAX:
            return opened


async def notice_days_returned(db: Database) -> int:
    """The same for the days (Asia/Shanghai) that are over: one a payee and day, not one a parcel."""
    async with db.reading() as session:
        today = local_day(await database_now(session))
    return await notice_returned(db, bounds_of(today)[0])


async def object_to(session: WriteSession, caller: Caller, clawback_id: UUID, new: NewObjection) -> Clawback:
    """The payee's word, within the period. Raises NotFound and NoObjection."""
    clawback = must_exist(await queries.locked_clawback(session, clawback_id, payee(caller)))
    clawback.object(new.text, await database_now(session))
    return clawback


async def decide(session: WriteSession, caller: Caller, clawback_id: UUID, new: NewClawbackDecision) -> Clawback:
    """Uphold or dismiss it. Raises NotFound, DecidedClawback, SecondOfficerNeeded and ObjectionPeriod."""
    clawback = must_exist(await queries.locked_clawback(session, clawback_id, None))
    clawback.decide(new.decision, new.note, caller.account_id, await database_now(session))
    if clawback.status == "dismissed":
        await session.flush()
        await queries.release_lines(session, clawback_id)
    return clawback


async def repay(session: WriteSession, caller: Caller, clawback_id: UUID, new: NewRepayment) -> Clawback:
    """What the payee paid back by itself goes into the fund; the same again changes nothing.

    Locks: the clawback, then the fund. Raises NotFound, NotRecoverable and RepaidOtherwise.
    """
    clawback = must_exist(await queries.locked_clawback(session, clawback_id, None))
    await lock_reference(session, f"repaid {new.reference}")  # a payout's is another
    known = await queries.repaid_by(session, new.reference)
    if known is not None:
        if known != (clawback_id, new.amount_fen):
            raise RepaidOtherwise(amount_fen=known[1])
        return clawback
    fund = (await ledger.locked_funds(session, [clawback.programme_id]))[clawback.programme_id]
    programme, _ = await programmes.find(session, clawback.programme_id)
    version = programme.version_at(fund.at).version
    recovered = _recovered(clawback, fund, new.amount_fen, "repaid", new.reference, version)
    await session.execute(insert(RECOVERIES).values(recovered))
    await subsidy.write(session, [fund])
    return clawback


async def upheld_against(session: WriteSession, programme_id: UUID, payee_id: UUID) -> Sequence[Clawback]:
    """What is still to be recovered from this payee, locked: before the programme's fund."""
    return await queries.locked_upheld(session, programme_id, payee_id)


async def to_recover_fen(session: AsyncSession, programme_id: UUID, payee_id: UUID) -> int:
    """As much as a payment to this payee would be kept back for now, were it long enough; nothing is locked."""
    return await queries.upheld_fen(session, programme_id, payee_id)


async def net(
    session: WriteSession, upheld: Sequence[Clawback], fund: Fund, owed_fen: int, reference: str, rule_version: int
) -> int:
    """Recover as much as `owed_fen` allows, the oldest first; how much. The caller locked the fund, and writes it."""
    netted_fen, rows = 0, []
    for clawback in upheld:
        part_fen = min(owed_fen - netted_fen, clawback.left_fen)
        if part_fen > 0:
            rows.append(_recovered(clawback, fund, part_fen, "netted", reference, rule_version))
            netted_fen += part_fen
    if rows:
        await session.execute(insert(RECOVERIES).values(rows))
    return netted_fen


async def find(session: AsyncSession, caller: Caller, clawback_id: UUID) -> Clawback:
    """A clawback that the caller sees. Raises NotFound."""
    return must_exist(await queries.clawback_of(session, clawback_id, payee(caller)))


async def _open(
    session: WriteSession,
    paid: Sequence[Paid],
    cause: Cause,
    evidence: str,
    period: timedelta,
    now: datetime,
    opened_by: UUID | None,
) -> Clawback:
    clawback = Clawback(
        id=uuid7(),
        programme_id=paid[0].programme_id,
        payee_id=paid[0].payee_id,
        cause=cause,
        evidence=evidence,
        amount_fen=sum(each.amount_fen for each in paid),
        recovered_fen=0,
        status="noticed",
        opened_by=opened_by,
        noticed_at=now,
        objection_until=now + period,
    )
    session.add(clawback)
    await session.flush()
    subjects = sorted(each.subject_id for each in paid)  # so that no two can wait for each other
    rows = [{"clawback_id": clawback.id, "subject_id": each, "is_live": True} for each in subjects]
    added = await session.execute(
        insert(CLAWBACK_LINES).values(rows).on_conflict_do_nothing().returning(CLAWBACK_LINES.c.subject_id)
    )
    if len(added.all()) < len(rows):  # somebody else opened one in the same moment
        raise ClaimedBackAlready()
    await queries.claim_lines(session, subjects, now)
    return clawback


def _named(field: str, names: Sequence[Key], paid: Mapping[Key, Paid]) -> list[Paid]:
    missing = [FieldError(f"#/{field}/{place}", NOT_PAID) for place, name in enumerate(names) if name not in paid]
    if missing:
        raise InvalidInput(errors=missing)
    return [paid[name] for name in names]


def _recovered(
    clawback: Clawback, fund: Fund, amount_fen: int, kind: RecoveryKind, reference: str, rule_version: int
) -> dict[str, Any]:
    """The row of `RECOVERIES` for so much, which goes back into the fund."""
    clawback.recover(amount_fen)
    fund.claw_back(amount_fen, recovery_subject(clawback.id, kind, reference), rule_version)
    row = {"clawback_id": clawback.id, "kind": kind, "reference": reference}
    return row | {"amount_fen": amount_fen, "at": fund.at}
