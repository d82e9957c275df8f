"""Telling accounts of what happens to their matches, inside the transaction in which it happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy import insert

from chassis.db import WriteSession
from contracts.matches import ReleaseReason
from services.matching.feed.models import FEED_PENDING, FeedType

LOOP = "feed"
"""The name under which the appender is woken."""

INSERT = insert(FEED_PENDING)


class MatchState(Protocol):
    """What the feed needs of a match's public form. Its class belongs to `matches`, which stands on this slice."""

    @property
    def reason(self) -> ReleaseReason | None: ...

    def model_dump_json(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Note:
    """One event of one match for these accounts. `match` is its public state now, rendered here once for ever."""

    type: FeedType
    match: MatchState
    accounts: Sequence[UUID]


async def note(session: WriteSession, event_type: FeedType, match: MatchState, accounts: Sequence[UUID]) -> None:
    """Put one event into the feed of each of these accounts; the transaction holds the match's row lock."""
    await note_all(session, [Note(event_type, match, accounts)])


async def note_all(session: WriteSession, notes: Sequence[Note]) -> None:
    """The same for the many matches of a round, in this order and at once."""
    if not notes:
        return
    await session.execute(INSERT, [_row(each) for each in notes])
    session.wake(LOOP)


def _row(note: Note) -> dict[str, object]:
    return {
        "accounts": list(dict.fromkeys(note.accounts)),  # who buys their own lot sees the event once
        "type": note.type,
        "reason": note.match.reason,
        "match": note.match.model_dump_json(),
    }
