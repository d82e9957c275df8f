"""Corrections of a frozen statement: what one officer asks for and another decides, before it is paid.

A statement stays as it was frozen. What is wrong in it is reversed by transfers of its own, so that it is not paid;
what was paid already is recovered by a clawback.
"""

from collections.abc import Sequence
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.auth import Caller
from chassis.bulk import insert_given, parameters_of
from chassis.clock import database_now
from chassis.db import WriteSession
from chassis.problems import FieldError, InvalidInput, Text, must_exist
from services.logistics.parcels.settling import reverse_posted
from services.logistics.programmes.schemas import NewDecision
from services.logistics.programmes.support import reverse_support
from services.logistics.settlements import queries
from services.logistics.settlements.models import (
    CORRECTION_LINES,
    AlreadyPaid,
    Correction,
    CorrectionPending,
    Settlement,
)
from services.logistics.settlements.queries import Line
from services.logistics.settlements.schemas import NewCorrection
from services.logistics.subsidy.eligibility import waybill_identity

NOT_OWED: Final = Text("结算单中没有它，或已不再应付。", "It is not in this statement, or no longer owed.")
_INSERT_LINES = insert_given(CORRECTION_LINES, "correction_id", "subject_id")
Name = TypeVar("Name", str, UUID)


async def ask(session: WriteSession, caller: Caller, settlement_id: UUID, new: NewCorrection) -> Correction:
    """Keep what is held to be wrong until another officer decides; the payout waits.

    Raises NotFound, AlreadyPaid, and InvalidInput naming each line that is not owed.
    """
    await _unpaid(session, settlement_id)
    if new.waybills:
        names = [waybill_identity(each) for each in new.waybills]
        found = _named("waybills", names, await queries.owed_called(session, settlement_id, names))
    else:
        owed = await queries.owed_among(session, settlement_id, new.match_ids)
        found = _named("match_ids", new.match_ids, owed)
    correction = Correction(
        id=uuid7(),
        settlement_id=settlement_id,
        reason=new.reason,
        lines=len(found),
        amount_fen=sum(found.values()),
        status="pending",
        asked_by=caller.account_id,
        asked_at=await database_now(session),
    )
    session.add(correction)
    await session.flush()
    rows = [{"correction_id": correction.id, "subject_id": each} for each in found]
    await session.execute(_INSERT_LINES, parameters_of(rows, "correction_id", "subject_id"))
    return correction


async def find(session: AsyncSession, settlement_id: UUID, correction_id: UUID) -> tuple[Correction, list[Line]]:
    """With the lines that it is about. Raises NotFound."""
    correction = must_exist(await queries.correction_of(session, settlement_id, correction_id))
    return correction, await queries.corrected_lines(session, correction_id)


async def decide(
    session: WriteSession, caller: Caller, settlement_id: UUID, correction_id: UUID, new: NewDecision
) -> Correction:
    """Reject it, or reverse what was posted for its lines and is owed still.

    Locks: the settlement, the correction, its parcels, then the fund. Raises NotFound, AlreadyPaid, AlreadyDecided and
    SecondOfficerNeeded.
    """
    settlement = await _unpaid(session, settlement_id)
    correction = must_exist(await queries.locked_correction(session, settlement_id, correction_id))
    now = await database_now(session)
    correction.decide("approved" if new.decision == "approve" else "rejected", caller.account_id, now)
    if correction.status == "approved":
        subjects = await queries.subjects_of(session, correction_id)
        reverse = reverse_posted if settlement.party == "carrier" else reverse_support
        correction.lines, correction.amount_fen = await reverse(session, subjects)
    return correction


async def must_be_decided(session: AsyncSession, settlement_id: UUID) -> None:
    """Raises CorrectionPending while one waits."""
    count = await queries.pending_corrections(session, settlement_id)
    if count:
        raise CorrectionPending(count=count)


async def _unpaid(session: WriteSession, settlement_id: UUID) -> Settlement:
    settlement = must_exist(await queries.locked_settlement(session, settlement_id))
    if settlement.reference is not None:
        raise AlreadyPaid(reference=settlement.reference)
    return settlement


def _named(field: str, names: Sequence[Name], owed: dict[Name, tuple[UUID, int]]) -> dict[UUID, int]:
    """The fen of each subsidy that is named, once."""
    missing = [FieldError(f"#/{field}/{place}", NOT_OWED) for place, name in enumerate(names) if name not in owed]
    if missing:
        raise InvalidInput(errors=missing)
    return dict(owed[name] for name in names)
