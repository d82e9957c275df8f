"""Telling accounts of what happens to their matches, inside the transaction in which it happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import insert

from chassis.db import WriteSession
from contracts.matches import ReleaseReason
from services.matching.feed.models import FEED_PENDING, FeedType

LOOP = "feed"
"""The name under which the appender is woken."""


@dataclass(frozen=True, slots=True)
class Note:
    """One event of one match, for these accounts. `match` is its public state now, rendered here once for ever."""

    type: FeedType
    match: BaseModel
    accounts: Sequence[UUID]
    reason: ReleaseReason | None = None


async def note(
    session: WriteSession,
    event_type: FeedType,
    match: BaseModel,
    accounts: Sequence[UUID],
    *,
    reason: ReleaseReason | None = None,
) -> None:
    """Put one event into the feed of each of these accounts; the transaction holds the match's row lock."""
    await note_all(session, [Note(event_type, match, accounts, reason)])


async def note_all(session: WriteSession, notes: Sequence[Note]) -> None:
    """The same for the many matches of a round, in this order and at once."""
    if not notes:
        return
    await session.execute(insert(FEED_PENDING), [_row(each) for each in notes])
    session.wake(LOOP)


def _row(note: Note) -> dict[str, object]:
    return {
        "accounts": list(dict.fromkeys(note.accounts)),  # who buys their own lot sees the event once
        "type": note.type,
        "reason": note.reason,
        "match": note.match.model_dump_json(),
    }
