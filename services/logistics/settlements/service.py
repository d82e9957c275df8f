"""What can be done with settlements: freeze a statement, pay it, hold it against what the bank says."""

import asyncio
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from catalogue.days import bounds_of
from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import WriteSession
from chassis.problems import FieldError, InvalidInput, Text, must_exist
from services.logistics.clawbacks import service as clawbacks
from services.logistics.flags import service as flags
from services.logistics.office import lock_reference, payee
from services.logistics.programmes import service as programmes
from services.logistics.settlements import corrections, queries
from services.logistics.settlements.bank import BadRow, Fault, Payout, Reconciled, decoded, reconcile, rows_of
from services.logistics.settlements.models import (
    PARTY_PAID,
    AlreadyPaid,
    Due,
    NothingToSettle,
    Party,
    ReferenceTaken,
    Settlement,
)
from services.logistics.settlements.queries import Line, Owed
from services.logistics.settlements.schemas import NewPayment, NewSettlement
from services.logistics.subsidy import queries as ledger
from services.logistics.subsidy import service as subsidy

STILL_POSTING = timedelta(minutes=6)
"""No transaction lasts so long."""
OTHER_PARTY = Text("此项目不向他们支付。", "This programme does not pay them.")
BACKWARDS = Text("结束日须不早于开始日。", "The last day must not be before the first.")
BAD_ROWS: dict[Fault, Text] = {
    "columns": Text(
        "须有凭证号（reference）与金额（amount_fen 或 amount）两栏。",
        "There are a column `reference`, and one `amount_fen` or `amount` (yuan).",
    ),
    "fen": Text("金额须为整分。", "The amount is a whole number of fen."),
    "yuan": Text("金额须为数字，单位元，至多两位小数。", "The amount is a number of CNY with at most two decimals."),
    "too many": Text("行数过多。", "There are too many lines."),
    "text": Text("不是可读的 CSV 文本（UTF-8 或 GB18030）。", "It is no CSV that can be read (UTF-8 or GB18030)."),
}


async def freeze(session: WriteSession, caller: Caller, new: NewSettlement) -> Settlement:
    """The statement of all that was posted for this payee in the period and is in no statement yet.

    Where the period reaches up to now, under the lock of the programme's fund: nothing is posted meanwhile. One that is
    over needs none, so that a month of a million parcels holds nobody up. Raises NotFound, NothingToSettle, and
    InvalidInput where the programme pays nobody of that kind.
    """
    programme, _ = await programmes.find(session, new.programme_id)
    if new.party != PARTY_PAID[programme.kind]:
        raise InvalidInput(errors=[FieldError(f"#/{new.party}_id", OTHER_PARTY)])
    now = await database_now(session)
    if new.ends_at > now - STILL_POSTING:
        await ledger.locked_funds(session, [new.programme_id])
    settlement = Settlement(
        id=uuid7(),
        programme_id=new.programme_id,
        party=new.party,
        payee_id=new.payee_id,
        begins_at=new.begins_at,
        ends_at=new.ends_at,
        lines=0,
        amount_fen=0,
        frozen_by=caller.account_id,
        frozen_at=now,
    )
    settlement.lines, settlement.amount_fen = await subsidy.freeze(
        session, settlement.id, new.programme_id, new.payee_id, new.begins_at, new.ends_at
    )
    if settlement.lines == 0:
        raise NothingToSettle()
    session.add(settlement)
    await session.flush()
    if new.party == "carrier":
        period = (new.begins_at, new.ends_at)
        settled = await queries.lines_settled(session, new.programme_id, new.payee_id, settlement.id)
        await flags.raise_for(session, settlement.id, new.programme_id, new.payee_id, *period, settled, now)
    return settlement


async def pay(session: WriteSession, caller: Caller, settlement_id: UUID, new: NewPayment) -> Settlement:
    """Pay what is still owed of a statement, less what is to be recovered from its payee; the same again with the same
    reference changes nothing.

    Locks: the settlement, then clawbacks, then the fund. Raises NotFound, AlreadyPaid, PayoutHeld,
    CorrectionPending, ReferenceTaken, NothingToPay.
    """
    settlement = must_exist(await queries.locked_settlement(session, settlement_id))
    if settlement.reference == new.reference:
        return settlement
    if settlement.reference is not None:
        raise AlreadyPaid(reference=settlement.reference)
    await flags.must_be_reviewed(session, caller, settlement.id)
    await corrections.must_be_decided(session, settlement.id)
    await lock_reference(session, new.reference)
    upheld = await clawbacks.upheld_against(session, settlement.programme_id, settlement.payee_id)
    fund = (await ledger.locked_funds(session, [settlement.programme_id]))[settlement.programme_id]
    if await queries.is_taken(session, new.reference):
        raise ReferenceTaken()
    programme, _ = await programmes.find(session, settlement.programme_id)
    version, owed_fen = programme.version_at(fund.at).version, await subsidy.pay_out(session, settlement.id, fund.at)
    if owed_fen:
        fund.pay(owed_fen, str(settlement.id), version)
    recovered_fen = await clawbacks.net(session, upheld, fund, owed_fen, str(settlement.id), version)
    settlement.pay(new.reference, owed_fen, recovered_fen, caller.account_id, fund.at)
    await subsidy.write(session, [fund])
    return settlement


async def due(session: AsyncSession, settlement: Settlement) -> Due | None:
    """What paying it now would come to, reckoned as `pay` does; None once it is paid."""
    if settlement.status == "paid":
        return None
    owed_fen = settlement.amount_fen - await queries.reversed_fen(session, settlement.id)
    to_recover_fen = await clawbacks.to_recover_fen(session, settlement.programme_id, settlement.payee_id)
    return Due(owed_fen, min(owed_fen, to_recover_fen))


async def find(session: AsyncSession, caller: Caller, settlement_id: UUID) -> Settlement:
    """A statement that the caller sees. Raises NotFound."""
    return must_exist(await queries.settlement_of(session, settlement_id, payee(caller)))


async def owed(session: AsyncSession, programme_id: UUID, after: UUID | None, limit: int) -> tuple[list[Owed], Party]:
    """Whom a programme owes what is in no statement yet, and what they are. Raises NotFound."""
    programme, _ = await programmes.find(session, programme_id)
    return await queries.owed_by(session, programme_id, after, limit), PARTY_PAID[programme.kind]


async def lines_of(session: AsyncSession, settlement: Settlement, after: UUID | None, limit: int) -> list[Line]:
    return await queries.lines_after(session, settlement.id, after, limit)


async def compare(
    session: AsyncSession, file: bytes, programme_id: UUID | None, begins: date, ends: date
) -> Reconciled:
    """What was paid on these days, against what the bank's CSV says of it.

    Raises InvalidInput, naming the line or the day, and NotFound of the programme.
    """
    if ends < begins:
        raise InvalidInput(errors=[FieldError("#/query/to", BACKWARDS)])
    try:  # before the session's first statement: no transaction is open while a long file is read
        rows = await asyncio.to_thread(lambda: rows_of(decoded(file)))
    except BadRow as bad:
        raise InvalidInput(errors=[FieldError(f"#/{bad.line}", BAD_ROWS[bad.what])]) from bad
    if programme_id is not None:
        await programmes.find(session, programme_id)
    paid = await queries.paid_between(session, programme_id, bounds_of(begins)[0], bounds_of(ends)[1])
    # of what was netted whole the bank knows nothing
    return reconcile([Payout(str(each.reference), each.paid_fen) for each in paid if each.paid_fen], rows)
