"""Reading a feed: one statement along its primary key, whose answer is already the page."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from chassis.db import Database
from services.matching.feed.models import FEED_ITEMS

SEALED = {
    # The cache of one reader may keep it for ever, under the token with which it was fetched: the next
    # account that signs in on the same machine must not find it.
    "Cache-Control": "private, max-age=31536000, immutable",
    "Vary": "Authorization",
}
GROWING = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Page:
    """The bytes of a page and how long they are good for."""

    body: bytes
    caching: dict[str, str]


_ITEMS = (
    select(FEED_ITEMS.c.seq, FEED_ITEMS.c.item)
    .where(FEED_ITEMS.c.account_id == bindparam("account_id"), FEED_ITEMS.c.seq > bindparam("after"))
    .order_by(FEED_ITEMS.c.seq)
    .limit(bindparam("limit"))
    .subquery()
)
_PAGE = select(
    func.string_agg(_ITEMS.c.item, aggregate_order_by(literal(b",", LargeBinary), _ITEMS.c.seq)),
    func.count(),
    func.max(_ITEMS.c.seq),
).select_from(_ITEMS)


async def page(db: Database, account_id: UUID, after: int, limit: int) -> Page:
    """At most `limit` items of this account behind `after`. A full page never changes, as no item does."""
    async with db.at_once() as connection:
        found = await connection.execute(_PAGE, {"account_id": account_id, "after": after, "limit": limit})
    items, count, last = found.one()
    body = b'{"items":[%b],"next":%d}' % (items or b"", last or after)
    return Page(body, SEALED if count == limit else GROWING)
