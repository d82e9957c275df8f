"""Full pages of feeds in memory: they never change, so they need not be asked of the database again.

Whoever falls behind, or begins anew, turns the same pages as everyone who shares the account.
"""

from collections import OrderedDict
from collections.abc import Hashable
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from chassis.db import Database
from chassis.feed import SEALED, Feed, FeedPage

KEPT_B = 32 * 1024 * 1024
"""In one process of one service; some 350 pages of 100."""


class SealedPages:
    """The pages that were asked for last, up to so many bytes."""

    def __init__(self, kept_b: int = KEPT_B) -> None:
        self._kept_b = kept_b
        self._pages: OrderedDict[Hashable, FeedPage] = OrderedDict()
        self._size_b = 0

    def get(self, key: Hashable) -> FeedPage | None:
        found = self._pages.get(key)
        if found is not None:
            self._pages.move_to_end(key)
        return found

    def keep(self, key: Hashable, page: FeedPage) -> None:
        if key in self._pages:
            return  # two asked for it at once
        self._pages[key] = page
        self._size_b += len(page.body)
        while self._size_b > self._kept_b:
            _, oldest = self._pages.popitem(last=False)
            self._size_b -= len(oldest.body)


async def read_page(request: Request, db: Database, feed: Feed, account_id: UUID, after: int, limit: int) -> Response:
    """The page of this account's feed, as it is answered."""
    pages: SealedPages = request.app.state.sealed_pages
    key = feed, account_id, after, limit
    page = pages.get(key)
    if page is None:
        page = await feed.page(db, account_id, after, limit)
        if page.caching is SEALED:
            pages.keep(key, page)
    return Response(page.body, media_type="application/json", headers=page.caching)
