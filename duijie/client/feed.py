"""Reading a feed without ever losing one's place in it.

What is behind is read by pages, what happens now comes as server-sent events; whichever breaks off, the next begins
behind the last item that was worked off. `seq` has no gap, so a gap would show.
"""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple, Protocol

import httpx

from duijie.client.caller import Caller
from duijie.client.errors import NoAnswer
from duijie.client.models import FeedItem

PAGE: Final = 500
HEAD: Final = "Feed-Head"
SILENCE_S: Final = 45.0
"""A stream says something every 15 s; who hears nothing for so long has lost it."""
PAUSE_MIN_S, PAUSE_MAX_S = 0.1, 5.0
LINE_END: Final = re.compile(rb"\r\n|\n|\r(?!\Z)")  # a CR at the end of what came may be half of a CR LF


class FeedGap(Exception):
    """An item is missing, which can't be: another store answers at this address now, or the place is another feed's."""


class PlaceAhead(Exception):
    """The place is beyond the last item that there is: the platform was restored to an earlier moment, or the place is
    another feed's. What happens from here on would be missed without a word.

    Read your matches (`Duijie.matches`) and compare; then begin anew at `head`, the last `seq` there is, or at 0.
    """

    def __init__(self, after: int, head: int) -> None:
        self.after = after
        self.head = head
        super().__init__(
            f"the place is {after}, but the feed ends at {head}: was the platform restored from a backup? "
            f"Compare your matches, then begin anew behind {head} or 0"
        )


class Place(Protocol):
    """Where a reader stands: the `seq` of the last item that was worked off."""

    def load(self) -> int: ...

    def save(self, seq: int) -> None: ...


class MemoryPlace:
    """For as long as the process lives."""

    def __init__(self, after: int = 0) -> None:
        self._after = after

    def load(self) -> int:
        return self._after

    def save(self, seq: int) -> None:
        self._after = seq


class FilePlace:
    """In a small file, replaced as a whole, so that a crash leaves the old place or the new one.

    `after` is where to begin while there is no file yet. One reader's: it is read once.
    """

    def __init__(self, path: str | Path, after: int = 0) -> None:
        self._path = Path(path)
        self._after = after
        self._kept: int | None = None
        self._lock = Lock()  # who is cut off while a thread saves may begin anew beside it

    def load(self) -> int:
        if self._kept is None:
            self._kept = int(self._path.read_text()) if self._path.exists() else self._after
        return self._kept

    def save(self, seq: int) -> None:
        beside = self._path.with_name(f"{self._path.name}.new")
        with self._lock:
            with beside.open("w") as file:
                file.write(f"{seq}\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
            self._kept = seq


class Event(NamedTuple):
    """A server-sent event; a comment has no data."""

    id: str
    data: bytes


async def items_behind(caller: Caller, path: str, place: Place, *, follow: bool) -> AsyncGenerator[FeedItem, None]:
    """The items of the feed at `path` behind `place`, for ever if one is to `follow`.

    An item counts as worked off, and the place is saved, when the next one is asked for: who crashes over it is given
    it again. Raises Problem, NoAnswer where the pages can't be had, FeedGap, and PlaceAhead.
    """
    pause_s = PAUSE_MIN_S
    while True:
        async for item in _by_pages(caller, path, place):
            yield item
        if not follow:
            return
        begun = place.load()
        try:
            async with aclosing(_as_they_come(caller, path, place)) as items:
                async for item in items:
                    yield item
        except NoAnswer:
            pass  # the pages have more patience
        pause_s = PAUSE_MIN_S if place.load() > begun else min(2 * pause_s, PAUSE_MAX_S)
        await asyncio.sleep(pause_s)


async def _by_pages(caller: Caller, path: str, place: Place) -> AsyncIterator[FeedItem]:
    while True:
        page = await caller.send("GET", path, params={"after": place.load(), "limit": PAGE})
        items = page.json()["items"]
        _must_exist(place, page)
        for raw in items:
            yield _next(FeedItem.model_validate(raw), place)
            await _save(place, raw["seq"])
        if len(items) < PAGE:
            return


async def _as_they_come(caller: Caller, path: str, place: Place) -> AsyncGenerator[FeedItem, None]:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(place.load())}
    timeout = httpx.Timeout(SILENCE_S, connect=10)
    async with caller.streamed("GET", f"{path}/stream", headers=headers, timeout=timeout) as answer:
        _must_exist(place, answer)
        async for event in events_of(answer.aiter_bytes()):
            item = _next(FeedItem.model_validate_json(event.data), place)
            yield item
            await _save(place, item.seq)


async def _save(place: Place, seq: int) -> None:
    """A file waits for the disk, so it is written in a thread: others share the event loop."""
    if isinstance(place, FilePlace):
        await asyncio.to_thread(place.save, seq)
    else:
        place.save(seq)


def _must_exist(place: Place, answer: httpx.Response) -> None:
    """An older platform, and a page that is full, do not say how far the feed goes."""
    head = answer.headers.get(HEAD)
    if head is not None and place.load() > int(head):
        raise PlaceAhead(place.load(), int(head))


def _next(item: FeedItem, place: Place) -> FeedItem:
    if item.seq != place.load() + 1:
        raise FeedGap(f"{item.seq} came behind {place.load()}")
    return item


async def events_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """The events of a stream (HTML, section 9.2.6), without those that carry no data; one that breaks off is none."""
    rest, id_, data = b"", "", list[bytes]()
    async for chunk in chunks:
        *lines, rest = LINE_END.split(rest + chunk)
        for name, value in _fields(lines):
            if name == b"data":
                data.append(value)
            elif name == b"id":
                id_ = value.decode()
            elif not name and data:  # the empty line that ends an event
                yield Event(id_, b"\n".join(data))
                data = []


def _fields(lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Name and value of each line; both empty for an empty line. Comments are passed over."""
    for line in lines:
        if not line.startswith(b":"):
            name, _, value = line.partition(b":")
            yield name, value.removeprefix(b" ")
