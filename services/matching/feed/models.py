"""The feed's tables, of Core alone: what waits for its number, the numbered items, and where each feed ends."""

from typing import Literal

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Identity, LargeBinary, Table, Text, Uuid, func

from services.matching.tables import Base

FeedType = Literal["match.proposed", "match.agreed", "match.adjusted", "match.released", "match.fulfilled"]

FEED_PENDING = Table(
    "feed_pending",
    Base.metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("accounts", ARRAY(Uuid), nullable=False),
    Column("type", Text, nullable=False),
    # Not now(), when the transaction began: a match's next event may have begun before its last one was committed.
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("reason", Text),
    Column("match", Text, nullable=False),
)
"""One row an event, with every account that sees it, written in the transaction that caused it.

The ids of one match rise in the order of its commits: each of its events was written under the match's row lock, which
is given on only by a commit. Between matches an id says nothing, for a lower one may be committed after a higher one.
"""

FEED_ITEMS = Table(
    "feed_items",
    Base.metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("item", LargeBinary, nullable=False),
)
"""The feeds: `item` is the JSON that every reader gets, byte for byte. Rows are only ever added."""

FEED_HEADS = Table(
    "feed_heads",
    Base.metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
"""The last `seq` of each account's feed."""
