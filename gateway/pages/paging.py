"""Lists of the API of which a page shows a part that no filter of it names: they are read until there is enough."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query

from gateway.pages.asking import Api

Cursor = Annotated[str | None, Query(max_length=100)]
"""Behind what a page of a list begins, as its address says; None for the first."""
A_PAGE = 500
LOOKED_THROUGH = 2000
"""So many of the newest at most, for those that are shown."""


@dataclass(frozen=True, slots=True)
class Found:
    """The newest of those that are shown, as the API tells them; `are_all` when there are no more of them."""

    items: Sequence[Mapping[str, Any]]
    are_all: bool


async def newest(
    api: Api, path: str, most: int, is_shown: Callable[[Mapping[str, Any]], bool], **query: object
) -> Found:
    """At most so many. Raises Refused and ServiceUnavailable."""
    found: list[Mapping[str, Any]] = []
    after: str | None = None
    for _ in range(0, LOOKED_THROUGH, A_PAGE):
        said = await api.get(path, **query, after=after, limit=A_PAGE)
        found += filter(is_shown, said["items"])
        after = said["next"]
        if after is None or len(found) > most:
            break
    return Found(found[:most], are_all=after is None and len(found) <= most)
