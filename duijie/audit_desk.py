"""What `duijie ledger replay` and `duijie programme whatif` do with the database of logistics."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chassis.validation import invalid_input
from duijie.dead_letters import shown
from duijie.desks import opened
from duijie.problems import CannotStart
from services.logistics.audit import service
from services.logistics.audit.queries import Granted
from services.logistics.audit.schemas import OtherRules
from services.logistics.audit.service import Replay, Tried
from services.logistics.audit.whatif import Day
from services.logistics.settings import LogisticsSettings

SHOWN_MOST = 50
WRONG_MOST = 10


async def replayed(data: Path | None, day: date) -> Replay:
    async with opened("logistics", LogisticsSettings, data) as db:
        return await service.replay_day(db, day)


async def tried(data: Path | None, rules: OtherRules, first: date, last: date) -> Tried:
    async with opened("logistics", LogisticsSettings, data) as db:
        return await service.what_if(db, rules, first, last)


def rules_in(file: Path) -> OtherRules:
    """The rules of a file. Raises CannotStart, which names each field and says what it must be."""
    try:
        return OtherRules.model_validate_json(file.read_bytes())
    except OSError as error:
        raise CannotStart(f"{shown(str(file))} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        raise CannotStart(f"{shown(str(file))} holds no rules: {_wrong(error)}") from error


def _wrong(error: ValidationError) -> str:
    """In words of ours, as the API says it; of what is no JSON where."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return f"it is no valid JSON: {shown(str(first['ctx']['error']))}."
    wrong = invalid_input(error, WRONG_MOST).errors
    return " ".join(f"{shown(each.pointer.removeprefix('#/'))}: {shown(each.detail.en)}" for each in wrong)


def told(replay: Replay) -> Iterator[str]:
    """A day as lines: each programme's entries and fen, beside what they were recomputed to be, and what differs."""
    for each in replay.programmes:
        if not each.sums:
            continue
        yield f"programme {each.programme.id} ({each.programme.kind}) {shown(each.programme.name)}"
        yield f"  {'':<10} {'entries':>12} {'fen':>22} {'recomputed':>12} {'fen':>22}"
        for kind, of in each.sums.items():
            yield f"  {kind:<10} {of.entries:>12,} {of.fen:>22,} {of.recomputed:>12,} {of.recomputed_fen:>22,}"
    for found in replay.differences[:SHOWN_MOST]:
        ledger, recomputed = shown(found.ledger), shown(found.recomputed)
        yield f"differs: {shown(found.subject)}: {found.what}: {ledger}; recomputed {recomputed}"
    if replay.differing > SHOWN_MOST:
        yield f"and {replay.differing - SHOWN_MOST} more"
    verdict = f"{replay.differing} differences" if replay.differing else "to the fen"
    if replay.not_judged:
        verdict += f", but {replay.not_judged} not judged: it was not recorded yet what they were decided on"
    yield f"{replay.day}: {replay.asked} claims and {entries(replay)} entries recomputed: {verdict}"


def entries(replay: Replay) -> int:
    return sum(of.entries for each in replay.programmes for of in each.sums.values())


def as_json(tried: Tried) -> dict[str, Any]:
    """What other rules come to, as one object."""
    outcome = tried.outcome
    return {
        "asked": outcome.asked,
        "granted": outcome.granted,
        "fen": outcome.fen,
        "returned_fen": outcome.returned_fen,
        "exhausted_at": outcome.exhausted_at and outcome.exhausted_at.isoformat(),
        "refused": dict(+outcome.refused),
        "days": [
            {"day": day.isoformat(), "asked": of.asked, "granted": of.granted, "fen": of.fen}
            for day, of in sorted(outcome.days.items())
        ],
        "as_it_was": [
            {"programme_id": str(each.programme_id), "day": each.day.isoformat()}
            | {"granted": each.granted, "fen": each.fen}
            for each in tried.granted
        ],
        "unrecorded": tried.unrecorded,
    }


def compared(tried: Tried) -> Iterator[str]:
    """The same as lines."""
    outcome = tried.outcome
    days = sorted({*outcome.days, *(each.day for each in tried.granted)})
    yield f"{'':<12} {'':>12} {'these rules':>12} {'':>22} {'as it was':>12}"
    yield f"{'day':<12} {'asked':>12} {'granted':>12} {'fen':>22} {'granted':>12} {'fen':>22}"
    for day in days:
        of, was = outcome.days.get(day, Day()), [each for each in tried.granted if each.day == day]
        yield _line(day.isoformat(), of.asked, of.granted, of.fen, was)
    yield _line("in all", outcome.asked, outcome.granted, outcome.fen, tried.granted)
    yield f"came back: {outcome.returned_fen:,} fen, which are in no sum above"
    for reason, many in (+outcome.refused).most_common():
        yield f"refused, {reason}: {many:,}"
    if outcome.exhausted_at is not None:
        yield f"the money was too little from {outcome.exhausted_at.isoformat()} on"
    if tried.unrecorded:
        yield f"{tried.unrecorded:,} matches are only in what was: it was not recorded yet when they asked"


def _line(day: str, asked: int, granted: int, fen: int, was: Sequence[Granted]) -> str:
    were, were_fen = sum(each.granted for each in was), sum(each.fen for each in was)
    return f"{day:<12} {asked:>12,} {granted:>12,} {fen:>22,} {were:>12,} {were_fen:>22,}"
