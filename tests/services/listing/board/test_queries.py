"""The board's order of urgency, and the cursor that stands in it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.db import Database
from services.listing.board.queries import BoardPlace
from tests.services.listing.listings.test_service import age, hear, posted, supply
from tests.support.services import Issuer

MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))


@given(MOMENTS, st.uuids())
def test_a_cursor_comes_back_to_the_microsecond(spoils_at: datetime, listing_id: UUID) -> None:
    place = BoardPlace(spoils_at, listing_id)
    assert BoardPlace.parse(str(place)) == place
    assert len(str(place)) <= 80, "what the route takes"


@given(st.text(max_size=80))
def test_any_text_is_a_place_or_refused_as_none(text: str) -> None:
    with suppress(ValueError):
        assert BoardPlace.parse(str(BoardPlace.parse(text))) == BoardPlace.parse(text)


async def board(client: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await client.get(f"/v1/board{query}")
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


async def test_lots_that_spoil_at_one_moment_are_paged_without_gap_or_repeat(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    producer = issuer.caller("producer")
    spoils_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    lots = [(await posted(client, producer, best_before=spoils_at))["id"] for _ in range(7)]
    seen: list[str] = []
    query = "?limit=2"
    while query:
        page = (await client.get(f"/v1/board{query}")).json()
        seen += [each["id"] for each in page["items"]]
        query = f"?limit=2&after={page['next']}" if page["next"] else ""
    assert seen == sorted(lots)


@pytest.mark.parametrize(
    ("adcode", "found"),
    [
        *(("32", True), ("320000", True), ("3213", True), ("321300", True), ("321323", True)),
        *(("33", False), ("330000", False), ("321324", False)),
    ],
)
async def test_an_area_is_named_by_its_beginning_or_by_its_full_code(
    client: httpx.AsyncClient, issuer: Issuer, adcode: str, found: bool
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    own = (await client.get(f"/v1/listings?adcode={adcode}", headers=producer)).json()["items"]
    assert [each["id"] for each in own] == ([lot["id"]] if found else [])
    assert await board(client, f"?adcode={adcode}") == ([lot["id"]] if found else [])


@pytest.mark.parametrize(
    "query", ["adcode=3", "adcode=3213231", "adcode=ab", "adcode=99", "limit=0", "limit=501", "q=%00"]
)
async def test_a_wrong_query_names_its_parameter(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/board?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"#/query/{query.partition('=')[0]}"


@pytest.mark.parametrize("wildcard", ["%25", "_", "红_", "%5C"])
async def test_what_is_searched_for_is_text_and_no_pattern(
    client: httpx.AsyncClient, issuer: Issuer, wildcard: str
) -> None:
    await posted(client, issuer.caller("producer"), variety="红颜")
    assert await board(client, f"?q={wildcard}&produce=strawberry") in ([], await board(client))
    assert await board(client, f"?q=x{wildcard}") == []


async def test_a_lot_whose_window_has_closed_is_off_the_board_before_the_job_has_run(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    lot = await posted(client, issuer.caller("producer"))
    await age(db, lot["id"], available_until=datetime.now(UTC) + timedelta(hours=1))
    assert await board(client) == [lot["id"]]
    await age(db, lot["id"], available_until=datetime.now(UTC) - timedelta(seconds=1))
    assert await board(client) == []


async def test_a_lot_of_which_all_is_held_is_still_waiting(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    lot = await posted(client, issuer.caller("producer"))
    await hear(db, supply(lot, 1, remaining_g=0, held_g=1_200_000))
    assert await board(client) == [lot["id"]]


async def test_a_line_says_what_a_buyer_needs(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    lot = await posted(client, issuer.caller("producer"), variety="红颜", households=12, story="故事")
    await hear(db, supply(lot, 1, remaining_g=700_500, agreed_g=499_500))
    item = (await client.get(f"/v1/board/{lot['id']}")).json()
    assert item == (await client.get("/v1/board")).json()["items"][0] | {"hours_left": item["hours_left"]}
    assert (item["name_zh"], item["name_en"], item["variety"]) == ("草莓", "Strawberry", "红颜")
    assert (item["quantity_kg"], item["remaining_kg"], item["sold_kg"]) == (1200, 700.5, 499.5)
    assert (item["households"], item["story"], item["min_price_fen_per_kg"]) == (12, "故事", 1600)
    assert 47.9 <= item["hours_left"] <= 48
    origin = item["origin"]
    assert (origin["adcode"], origin["name"], origin["province"]) == ("321323", "泗阳县", "江苏省")
    assert origin["watch_52"] is False
    assert "village" not in origin


async def test_hours_left_are_never_negative(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    lot = await posted(client, issuer.caller("producer"))
    await age(db, lot["id"], spoils_at=datetime.now(UTC) - timedelta(hours=3))
    assert (await client.get(f"/v1/board/{lot['id']}")).json()["hours_left"] == 0


async def test_an_address_that_is_none_is_not_found(client: httpx.AsyncClient) -> None:
    for path in (uuid4(), "x", "%00"):
        answer = await client.get(f"/v1/board/{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_a_token_that_has_ended_keeps_nobody_from_what_is_public(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    ended = issuer.token("producer", exp=datetime.now(UTC) - timedelta(hours=1))
    assert (await client.get("/v1/board", headers={"Authorization": f"Bearer {ended}"})).status_code == 200
