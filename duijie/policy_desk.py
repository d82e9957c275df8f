"""What `duijie policy` does with matching's database."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from chassis.clock import database_now
from chassis.db import Database, ReadSession
from duijie.dead_letters import shown
from duijie.desks import opened
from duijie.problems import CannotStart
from duijie.wiring import settings_of
from services.matching.optimiser.policy import Policy
from services.matching.policies import queries, service
from services.matching.policies.models import PolicyVersion, Refused, Span, spans_of
from services.matching.policies.numbers import NotAPolicy, policy_from
from services.matching.policies.schemas import PolicyOut


async def told(data: Path | None, version: int | None) -> dict[str, Any]:
    """The policy of that version, or the one in force, and its record."""
    async with matching(data) as db, db.reading() as session:
        number = (await queries.in_force(session)).version if version is None else version
        found = await service.find(session, number)
        spans = spans_of(await queries.periods(session))
    return PolicyOut.of(found.policy).model_dump(mode="json") | {"record": _record(found, spans)}


async def listed(data: Path | None) -> list[str]:
    """One line a version: which, since or from when, who proposed it, why."""
    async with matching(data) as db, db.reading() as session:
        versions = await queries.versions(session)
        spans = spans_of(await queries.periods(session))
        now = await database_now(session)
    return [
        f"{each.version:>4}  {_standing(each.version, spans, now):<40}  {shown(each.proposed_by)}: {shown(each.why)}"
        for each in versions
    ]


async def propose(data: Path | None, policy: Policy, *, why: str, by: str) -> int:
    """The version that it got."""
    async with matching(data) as db, db.transaction() as session:
        return await service.propose(session, policy, why=why, by=by)


async def activate(data: Path | None, version: int, starts_at: datetime | None, *, by: str) -> datetime:
    """From when it is in force."""
    async with matching(data) as db, db.transaction() as session:
        return (await service.activate(session, version, starts_at=starts_at, by=by)).starts_at


async def policy_of(session: ReadSession, version: int) -> Policy:
    return (await service.find(session, version)).policy


def policy_in(file: Path) -> Policy:
    """The policy of a file with its JSON; it has no version yet. Raises CannotStart, which names the field."""
    try:
        return policy_from(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotStart(f"{shown(str(file))} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CannotStart(f"{shown(str(file))} holds no policy: it is not UTF-8.") from error
    except NotAPolicy as error:
        raise CannotStart(f"{shown(str(file))} holds no policy: {shown(str(error))}") from error


@asynccontextmanager
async def matching(data: Path | None) -> AsyncIterator[Database]:
    """Matching's database. Raises CannotStart for all that is refused."""
    try:
        async with opened("matching", settings_of("matching"), data) as db:
            yield db
    except Refused as error:
        raise CannotStart(str(error)) from error


def _record(version: PolicyVersion, spans: Iterable[Span]) -> dict[str, Any]:
    """What is known of a version beside its numbers; `until` null: until another is activated."""
    return {
        "why": version.why,
        "proposed_by": version.proposed_by,
        "proposed_at": version.proposed_at.isoformat(),
        "in_force": [
            {
                "from": span.starts_at.isoformat(),
                "until": span.until and span.until.isoformat(),
                "activated_by": span.activated_by,
            }
            for span in spans
            if span.version == version.version
        ],
    }


def _standing(version: int, spans: Iterable[Span], now: datetime) -> str:
    own = [span for span in spans if span.version == version]
    for span in own:
        if span.starts_at <= now and (span.until is None or now < span.until):
            return f"in force since {_second(span.starts_at)}"
    to_come = [span for span in own if span.starts_at > now]
    if to_come:
        return f"in force from {_second(to_come[0].starts_at)}"
    return f"in force until {_second(own[-1].until)}" if own else "proposed"


def _second(instant: datetime | None) -> str:
    return "" if instant is None else instant.isoformat(timespec="seconds")
