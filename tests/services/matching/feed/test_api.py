"""Reading one's own feed: pages, their bytes, who may keep them, and what is refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import uuid4

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.db import Database
from contracts.accounts import Role
from services.matching.feed.service import Note
from tests.services.matching.feed.happenings import State, Subscriber, agreed, append_all, filled, happen, is_gapless
from tests.support.hypotheses import ON_FIXTURES
from tests.support.services import Issuer

PATH = "/v1/feed/matches"


async def test_an_item_tells_what_when_and_how_the_match_was(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    farmer = uuid4()
    state = State(id=7, step=3)
    before = datetime.now(UTC)
    await happen(db, Note("match.proposed", state, [farmer]))
    await append_all(db)
    answer = await client.get(PATH, headers=issuer.caller("producer", farmer))
    assert answer.headers["content-type"] == "application/json"
    page = answer.json()
    (item,) = page["items"]
    assert list(item) == ["seq", "type", "at", "match"]
    assert (item["seq"], item["type"], page["next"]) == (1, "match.proposed", 1)
    assert item["match"] == state.model_dump()
    at = datetime.fromisoformat(item["at"])
    assert item["at"].endswith("Z")
    assert before - timedelta(seconds=5) <= at <= datetime.now(UTC) + timedelta(seconds=5)


async def test_a_release_says_why(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    buyer = uuid4()
    await happen(db, Note("match.released", State(id=1, reason="order_cancelled"), [buyer]))
    await append_all(db)
    (item,) = (await client.get(PATH, headers=issuer.caller("platform", buyer))).json()["items"]
    assert (item["reason"], item["match"]["reason"]) == ("order_cancelled", "order_cancelled")


async def test_both_sides_read_the_same_match_each_in_its_own_numbers(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    farmer, buyer = uuid4(), uuid4()
    await happen(db, agreed(1, buyer), agreed(2, farmer, buyer))
    await append_all(db)
    his = await Subscriber(client, issuer, farmer).read_on()
    hers = await Subscriber(client, issuer, buyer).read_on()
    assert (his.seqs, hers.seqs) == ([1], [1, 2])
    assert his.items[0] | {"seq": 2} == hers.items[1]


async def test_an_account_sees_nothing_of_another(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    await filled(db, uuid4(), 3)
    answer = await client.get(PATH, headers=issuer.caller("admin"))
    assert answer.json() == {"items": [], "next": 0}


@pytest.mark.parametrize("role", get_args(Role))
async def test_who_can_have_matches_has_a_feed_and_others_are_told_so_on_the_page_and_the_stream_alike(
    client: httpx.AsyncClient, issuer: Issuer, role: Role
) -> None:
    caller = issuer.caller(role)
    answer = await client.get(PATH, headers=caller)
    stream = await client.get(f"{PATH}/stream?after=x", headers=caller)  # who may is told that this is no seq
    if role in {"producer", "agent", "platform", "group_leader", "citizen", "admin"}:
        assert (answer.status_code, answer.json(), stream.status_code) == (200, {"items": [], "next": 0}, 422)
    else:
        assert (answer.status_code, answer.json()["type"], stream.status_code) == (403, "/problems/forbidden", 403)


async def test_a_page_that_is_not_full_says_how_far_the_feed_goes(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    """A cursor that is beyond it comes from a store that knew more, as before a restore."""
    account = uuid4()
    assert (await Subscriber(client, issuer, account).page(0, 5)).headers["feed-head"] == "0"
    await filled(db, account, 3)
    reader = Subscriber(client, issuer, account)
    heads = [(await reader.page(after, 5)).headers["feed-head"] for after in (0, 3, 99_999)]
    assert heads == ["3", "3", "3"]
    full = await reader.page(0, 3)
    assert "feed-head" not in full.headers, "it is kept for ever"


async def test_without_a_token_there_is_no_feed(client: httpx.AsyncClient) -> None:
    assert (await client.get(PATH)).status_code == 401


@pytest.mark.parametrize(
    "query",
    ["after=-1", "after=x", "after=", "after=1.5", f"after={2**63}", "limit=0", "limit=501", "limit=x", "limit=-1"],
)
async def test_a_cursor_or_limit_that_can_not_be_is_refused(
    client: httpx.AsyncClient, issuer: Issuer, query: str
) -> None:
    answer = await client.get(f"{PATH}?{query}", headers=issuer.caller("platform"))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == f"#/query/{query.split('=', maxsplit=1)[0]}"


async def test_behind_the_last_item_next_is_where_the_reader_was(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    account = uuid4()
    await filled(db, account, 2)
    reader = Subscriber(client, issuer, account)
    for after in (2, 100, 2**63 - 1):
        assert (await reader.page(after, 10)).content == b'{"items":[],"next":%d}' % after


async def test_fifty_come_when_no_limit_is_said(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    account = uuid4()
    await filled(db, account, 60)
    page = (await client.get(PATH, headers=issuer.caller("platform", account))).json()
    assert (len(page["items"]), page["next"]) == (50, 50)


async def test_a_full_page_stays_the_same_bytes_and_may_be_kept_by_its_reader_alone(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    account = uuid4()
    await filled(db, account, 5)
    reader = Subscriber(client, issuer, account)
    full = await reader.page(1, 3)
    assert full.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert full.headers["vary"] == "Authorization"
    await filled(db, account, 4)
    assert (await reader.page(1, 3)).content == full.content


async def test_a_page_that_may_still_grow_is_kept_by_nobody(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    account = uuid4()
    await filled(db, account, 5)
    reader = Subscriber(client, issuer, account)
    for after, limit in ((3, 3), (5, 1), (0, 6)):
        assert (await reader.page(after, limit)).headers["cache-control"] == "no-store"


@settings(suppress_health_check=ON_FIXTURES)
@given(steps=st.lists(st.one_of(st.integers(1, 6).map(lambda limit: ("turn", limit)), st.just(("happen", 0)))))
async def test_pages_of_any_size_at_any_moment_join_to_the_same_sequence(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, steps: list[tuple[str, int]]
) -> None:
    account = uuid4()
    reader = Subscriber(client, issuer, account)
    happened = 0
    for step, limit in steps:
        if step == "turn":
            await reader.turn(limit)
        else:
            await happen(db, agreed(happened, account), agreed(happened + 1, account))
            await append_all(db)
            happened += 2
    await reader.read_on(3)
    at_once = await Subscriber(client, issuer, account).read_on()
    assert reader.items == at_once.items
    assert reader.events == [(number, 1) for number in range(happened)]
    assert is_gapless(reader.seqs)


async def test_many_readers_of_one_page_get_the_same_bytes(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    account = uuid4()
    await filled(db, account, 20)
    reader = Subscriber(client, issuer, account)
    pages = await asyncio.gather(*[reader.page(4, 10) for _ in range(15)])
    assert len({page.content for page in pages}) == 1
