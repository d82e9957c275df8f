"""What an officer asks to change of a programme, and another decides: rules, budget, whether it pays at all.

Decided is under the lock of the programme's fund, as the last lock. What is approved has its moment by the clock read
under that lock, so every claim that was granted before it has an earlier moment, and every desk that gets the lock
after it sees that `changes` has moved on: at no moment does any claim go by rules that were not those of its moment.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from catalogue.days import bounds_of, local_day
from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import WriteSession
from chassis.problems import must_exist
from contracts.programmes import (
    ProgrammeClosed,
    ProgrammeEvent,
    ProgrammeExhausted,
    ProgrammePaused,
    ProgrammeResumed,
    ProgrammeRuleChanged,
    ProgrammeToppedUp,
)
from services.logistics.office import lock_reference
from services.logistics.programmes import queries
from services.logistics.programmes.granting import fact
from services.logistics.programmes.models import LEADS_TO, Approval, BudgetTooLarge, ChangeKind, Programme, StandingFrom
from services.logistics.programmes.schemas import NewChange, NewDecision, NewRules, NewTopUp, next_rule
from services.logistics.subsidy import queries as ledger
from services.logistics.subsidy import service as subsidy
from services.logistics.subsidy.fund import Fund
from services.logistics.subsidy.ledger import LARGEST_FEN

TOLD: Final[dict[ChangeKind, type[ProgrammeEvent]]] = {
    "rules": ProgrammeRuleChanged,
    "topup": ProgrammeToppedUp,
    "pause": ProgrammePaused,
    "resume": ProgrammeResumed,
    "close": ProgrammeClosed,
}
TICK: Final = timedelta(microseconds=1)


async def ask(
    session: WriteSession,
    caller: Caller,
    programme_id: UUID,
    kind: ChangeKind,
    wanted: NewRules | NewTopUp | NewChange,
) -> Approval:
    """Keep what is asked for until another officer decides. Who asks for a pause (or its end, or the programme's) and
    has asked already is given what waits. Raises NotFound, ClosedProgramme, NothingToChange and BudgetTooLarge."""
    if kind in LEADS_TO:
        await lock_reference(session, f"{kind} {programme_id} {caller.account_id}")
    programme = await _found(session, programme_id)
    now = await database_now(session)
    programme.must_allow(kind, now)
    if kind in LEADS_TO:
        waits = await queries.pending_of(session, programme_id, kind, caller.account_id)
        if waits is not None:
            return waits
    if isinstance(wanted, NewTopUp):
        _must_be_counted((await ledger.head_of(session, programme_id)).balances.budget_fen, wanted.amount_fen)
    approval = Approval(
        id=uuid7(),
        programme_id=programme_id,
        kind=kind,
        wanted=wanted.model_dump(mode="json", exclude_unset=True),
        status="pending",
        asked_by=caller.account_id,
        asked_at=now,
    )
    session.add(approval)
    await session.flush()
    return approval


async def find(session: AsyncSession, programme_id: UUID, approval_id: UUID) -> Approval:
    """Raises NotFound."""
    return must_exist(await queries.approval_of(session, programme_id, approval_id))


async def decide(
    session: WriteSession, caller: Caller, programme_id: UUID, approval_id: UUID, wanted: NewDecision
) -> Approval:
    """Reject it, or let it take effect now.

    Raises NotFound, AlreadyDecided, SecondOfficerNeeded; ClosedProgramme and NothingToChange where another change came
    before it. Locks: the approval, then the fund.
    """
    approval = must_exist(await queries.locked_approval(session, programme_id, approval_id))
    fund = (await ledger.locked_funds(session, [programme_id]))[programme_id]
    fund.at = max(fund.at, await database_now(session))  # read under the lock: what was granted is of before
    approval.decide("approved" if wanted.decision == "approve" else "rejected", caller.account_id, fund.at)
    if approval.status == "approved":
        programme = await _found(session, programme_id)
        programme.must_allow(approval.kind, fund.at)
        had_caps = programme.has_caps
        EFFECTS[approval.kind](approval, programme, fund)
        if approval.kind == "rules":
            await _carry_on(session, programme, fund)
        if programme.has_caps and not had_caps:
            await queries.count_granted(session, programme, bounds_of(local_day(fund.at))[0])
        programme.changes += 1
        fund.change(programme.least_rate_fen(fund.at))
        session.emit(fact(TOLD[approval.kind], programme, fund))
        session.emit(*(fact(ProgrammeExhausted, programme, each) for each in await subsidy.write(session, [fund])))
    return approval


def _change_rules(approval: Approval, programme: Programme, fund: Fund) -> None:
    wanted = NewRules.model_validate(approval.wanted)
    effective_at = _takes_effect(wanted, programme, fund.at)
    number = programme.rules[-1].version + 1
    programme.rules.append(next_rule(wanted, programme.version_at(effective_at), number, effective_at))


def _takes_effect(wanted: NewRules, programme: Programme, decided_at: datetime) -> datetime:
    """Not before it was decided, nor before the programme starts: the first rules would undo it there."""
    return max(wanted.effective_at or decided_at, decided_at, programme.starts_at)


async def _carry_on(session: WriteSession, programme: Programme, fund: Fund) -> None:
    """Write what is dated anew upon what is now in force before it: a version is whole, and would undo the rest."""
    dated = defaultdict[datetime, list[NewRules]](list)
    for each in await queries.rules_approved(session, programme.id):
        wanted = NewRules.model_validate(each.wanted)
        dated[_takes_effect(wanted, programme, each.decided_at or fund.at)].append(wanted)
    for moment in sorted(moment for moment in dated if moment > max(fund.at, programme.starts_at)):
        number, rules = programme.rules[-1].version + 1, programme.version_at(moment - TICK)
        for wanted in dated[moment]:
            rules = next_rule(wanted, rules, number, moment)
        if not rules.says_the_same_as(programme.version_at(moment)):
            programme.rules.append(rules)


def _top_up(approval: Approval, programme: Programme, fund: Fund) -> None:
    version, amount_fen = programme.version_at(fund.at).version, NewTopUp.model_validate(approval.wanted).amount_fen
    _must_be_counted(fund.head.balances.budget_fen, amount_fen)
    fund.bring(amount_fen, str(approval.id), version)


def _must_be_counted(budget_fen: int, more_fen: int) -> None:
    """Raises BudgetTooLarge where the sum is no integer of JSON any more."""
    if budget_fen + more_fen > LARGEST_FEN:
        raise BudgetTooLarge(most_fen=LARGEST_FEN - budget_fen)


def _stand(approval: Approval, programme: Programme, fund: Fund) -> None:
    standing = LEADS_TO[approval.kind]
    programme.standings.append(
        StandingFrom(programme_id=programme.id, effective_at=fund.at, standing=standing, approval_id=approval.id)
    )


EFFECTS: Final[dict[ChangeKind, Callable[[Approval, Programme, Fund], None]]] = {
    "rules": _change_rules,
    "topup": _top_up,
    "pause": _stand,
    "resume": _stand,
    "close": _stand,
}


async def _found(session: WriteSession, programme_id: UUID) -> Programme:
    return must_exist(await queries.whole(session, programme_id))
