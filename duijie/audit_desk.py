"""What `duijie ledger replay` and `duijie programme whatif` do with the database of logistics."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from duijie.dead_letters import shown
from duijie.desks import opened
from duijie.problems import CannotStart
from services.logistics.audit import service
from services.logistics.audit.schemas import OtherRules
from services.logistics.audit.service import Replay, Tried
from services.logistics.settings import LogisticsSettings

SHOWN_MOST = 50


async def replayed(data: Path | None, day: date) -> Replay:
    async with opened("logistics", LogisticsSettings, data) as db:
        return await service.replay_day(db, day)


async def tried(data: Path | None, rules: OtherRules, first: date, last: date) -> Tried:
    async with opened("logistics", LogisticsSettings, data) as db:
        return await service.what_if(db, rules, first, last)


def rules_in(file: Path) -> OtherRules:
    """The rules of a file. Raises CannotStart, which names the field."""
    try:
        return OtherRules.model_validate_json(file.read_bytes())
    except OSError as error:
        raise CannotStart(f"{shown(str(file))} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "/".join(map(str, first["loc"])) or "it"
        raise CannotStart(f"{shown(str(file))} holds no rules: {shown(where)}: {shown(first['msg'])}.") from error


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
        "as_it_was": [{"programme_id": str(id_), "granted": many, "fen": fen} for id_, many, fen in tried.granted],
        "unrecorded": tried.unrecorded,
    }


def compared(tried: Tried) -> Iterator[str]:
    """The same as lines."""
    outcome = tried.outcome
    yield f"{'day':<12}{'asked':>12}{'granted':>12}{'fen':>20}"
    for day, of in sorted(outcome.days.items()):
        yield f"{day.isoformat():<12}{of.asked:>12,}{of.granted:>12,}{of.fen:>20,}"
    yield f"{'in all':<12}{outcome.asked:>12,}{outcome.granted:>12,}{outcome.fen:>20,}"
    yield f"came back: {outcome.returned_fen:,} fen"
    for reason, many in (+outcome.refused).most_common():
        yield f"refused, {reason}: {many:,}"
    if outcome.exhausted_at is not None:
        yield f"the money was too little from {outcome.exhausted_at.isoformat()} on"
    for programme_id, many, fen in tried.granted:
        yield f"as it was, programme {programme_id}: {many:,} granted, {fen:,} fen"
    if tried.unrecorded:
        yield f"{tried.unrecorded:,} matches are only in what was: it was not recorded yet when they asked"
