"""A reader of a feed never loses its place, whatever breaks."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from threading import get_ident
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duijie.client import Caller, FeedGap, FilePlace, MemoryPlace, PlaceAhead, Problem, feed
from duijie.client import caller as calling
from duijie.client.feed import Event, events_of, items_behind
from tests.support.rough import Asked, Said, rough

ID = "01a22800-0000-7000-8000-000000000000"
MATCH = {
    "id": ID,
    "listing_id": ID,
    "order_id": ID,
    "producer_id": ID,
    "buyer_id": ID,
    "produce": "strawberry",
    "quantity_kg": 12.5,
    "price_fen_per_kg": 1600,
    "freight_fen_per_kg": 20,
    "delivered_price_fen_per_kg": 1620,
    "amount_fen": 20000,
    "distance_km": 241.2,
    "arrives_at": "2026-11-29T00:00:00Z",
    "remaining_life_h": 60.5,
    "status": "agreed",
    "reason": None,
    "words": None,
    "consents": {"producer": True, "buyer": True},
    "agree_by": None,
    "round_id": ID,
    "origin": {"adcode": "321323", "lon": 118.69, "lat": 33.72},
    "destination": {"adcode": "320102", "lon": 118.79, "lat": 32.05},
    "version": 1,
    "created_at": "2026-11-28T12:00:00Z",
}


def item(seq: int) -> dict[str, object]:
    return {"seq": seq, "type": "match.agreed", "at": "2026-11-29T00:00:00Z", "match": MATCH}


def page(asked: Asked, last: int) -> Said:
    after = int(parse_qs(urlsplit(asked.target).query)["after"][0])
    return Said.json({"items": [item(seq) for seq in range(after + 1, last + 1)][:500], "next": last})


def events(first: int, last: int) -> bytes:
    texts = [f"id: {seq}\nevent: match.agreed\ndata: {json.dumps(item(seq))}\n\n" for seq in range(first, last + 1)]
    return ": hello\n\n".join(texts).encode()


async def read(caller: Caller, place: MemoryPlace | FilePlace, until: int) -> list[int]:
    seen = []
    async with aclosing(items_behind(caller, "/v1/feed/matches", place, follow=True)) as items:
        async for each in items:
            seen.append(each.seq)
            if each.seq == until:
                return seen
    return seen


async def test_what_is_behind_is_read_by_pages_and_then_it_ends() -> None:
    async with rough(lambda asked: page(asked, 1200)) as server, Caller(server.url) as caller:
        place = MemoryPlace(2)
        got = [each.seq async for each in items_behind(caller, "/v1/feed/matches", place, follow=False)]
        assert got == list(range(3, 1201))
        assert place.load() == 1200
        assert len(server.asked) == 3


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pauses in milliseconds."""
    monkeypatch.setattr(feed, "PAUSE_MIN_S", 0.001)
    monkeypatch.setattr(feed, "PAUSE_MAX_S", 0.005)
    monkeypatch.setattr(calling, "WAIT_MAX_S", 0.005)


@pytest.mark.usefixtures("hurry")
async def test_a_follower_goes_on_wherever_it_breaks_off() -> None:
    chance = random.Random(7)
    last = 0

    def answer(asked: Asked) -> Said | None:
        nonlocal last
        if chance.random() < 0.2:
            return None
        if not asked.target.startswith("/v1/feed/matches/stream"):
            return page(asked, last)
        after = int(asked.headers["last-event-id"])
        last = max(last, after) + chance.randrange(4)
        stream = events(after + 1, last)
        return Said(200, stream[: chance.randrange(len(stream) + 1)], {"content-type": "text/event-stream"}, True)

    async with rough(answer) as server, Caller(server.url) as caller:
        assert await read(caller, MemoryPlace(), until=60) == list(range(1, 61))


async def test_an_item_is_given_again_to_who_crashed_over_it(tmp_path: Path) -> None:
    async with rough(lambda asked: page(asked, 3)) as server, Caller(server.url) as caller:
        assert await read(caller, FilePlace(tmp_path / "seq"), until=2) == [1, 2]
        assert FilePlace(tmp_path / "seq").load() == 1
        assert await read(caller, FilePlace(tmp_path / "seq"), until=3) == [2, 3]


async def test_no_other_waits_while_a_place_goes_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written_in: list[int] = []
    monkeypatch.setattr(feed.os, "fsync", lambda _: written_in.append(get_ident()))
    async with rough(lambda asked: page(asked, 3)) as server, Caller(server.url) as caller:
        await read(caller, FilePlace(tmp_path / "seq"), until=3)
    assert len(written_in) == 2
    assert get_ident() not in written_in


async def test_a_gap_is_never_passed_over() -> None:
    gap = Said.json({"items": [item(1), item(3)], "next": 3})
    async with rough(lambda _: gap) as server, Caller(server.url) as caller:
        with pytest.raises(FeedGap, match="3 came behind 1"):
            await read(caller, MemoryPlace(), until=3)


@pytest.mark.parametrize("said_by", ["page", "stream"])
async def test_a_place_beyond_the_head_is_never_waited_at(said_by: str) -> None:
    """The platform was restored to an earlier moment: what happens there now has numbers that were read already."""

    def answer(asked: Asked) -> Said:
        if asked.target.startswith("/v1/feed/matches/stream"):
            return Said(200, b": ping\n\n", {"content-type": "text/event-stream", "feed-head": "3"}, True)
        said = {"feed-head": "3"} if said_by == "page" else {}
        return Said(200, b'{"items": [], "next": 9}', {"content-type": "application/json", **said})

    async with rough(answer) as server, Caller(server.url) as caller:
        with pytest.raises(PlaceAhead, match="the place is 9, but the feed ends at 3") as ahead:
            await read(caller, MemoryPlace(9), until=10)
    assert (ahead.value.after, ahead.value.head) == (9, 3)


async def test_a_file_that_is_not_there_yet_begins_where_one_says(tmp_path: Path) -> None:
    async with rough(lambda asked: page(asked, 5)) as server, Caller(server.url) as caller:
        place = FilePlace(tmp_path / "seq", after=2)
        assert await read(caller, place, until=4) == [3, 4]
        assert FilePlace(tmp_path / "seq", after=1).load() == 3, "what the file says comes first"


async def test_who_may_not_read_is_told() -> None:
    async with rough(lambda _: Said.json({}, 403)) as server, Caller(server.url) as caller:
        with pytest.raises(Problem, match="403"):
            await read(caller, MemoryPlace(), until=1)


@given(
    st.lists(st.tuples(st.integers(0, 99), st.text("aé\u2028 :", max_size=5)), max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.randoms(use_true_random=False),
)
async def test_events_are_read_whatever_the_line_ends_and_wherever_the_pieces_are_cut(
    told: list[tuple[int, str]], end: str, chance: random.Random
) -> None:
    text = f": comment{end}{end}" + "".join(f"id: {seq}{end}data: {data}{end}data:x{end}{end}" for seq, data in told)
    whole = text.encode() + end.encode()  # the last line end, which may be half of a CR LF, is followed by another

    async def pieces() -> AsyncIterator[bytes]:
        rest = whole
        while rest:
            size = chance.randint(1, 7)
            yield rest[:size]
            rest = rest[size:]

    got = [event async for event in events_of(pieces())]
    assert got == [Event(str(seq), f"{data}\nx".encode()) for seq, data in told]
