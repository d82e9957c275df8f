"""Looking things up in the catalogue, page by page."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from catalogue import places, produce
from catalogue.places import Place
from catalogue.produce import Produce
from chassis.problems import FieldError, InvalidInput, Text

Item = TypeVar("Item")


def find_produce(q: str, after: str | None, limit: int) -> Sequence[Produce]:
    """At most `limit + 1` kinds that answer to `q`, best first, behind the slug `after`; all of them for ""."""
    found = produce.search(q, limit=len(produce.all_produce()))
    return _page(found, lambda item: item.slug, after, limit)


def find_places(q: str, after: str | None, limit: int) -> Sequence[Place]:
    """At most `limit + 1` counties that answer to `q`, best first, behind the adcode `after`; all of them for ""."""
    found = places.search(q, limit=len(places.all_places())) if q.strip() else places.all_places()
    return _page(found, lambda item: item.adcode, after, limit)


def _page(found: Sequence[Item], key: Callable[[Item], str], after: str | None, limit: int) -> Sequence[Item]:
    """The table doesn't change while the process runs, so the last key of a page is cursor enough."""
    if after is None:
        return found[: limit + 1]
    keys = [key(item) for item in found]
    if after not in keys:
        text = Text("请使用上一页给出的 next。", "Send the `next` of the page before.")
        raise InvalidInput(errors=[FieldError("#/query/after", text)])
    start = keys.index(after) + 1
    return found[start : start + limit + 1]
