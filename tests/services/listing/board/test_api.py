"""The public board: urgent first, nothing personal, no place finer than the county."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.db import Database
from services.listing.board import service
from services.listing.board.schemas import BoardSummary
from tests.services.listing.listings.test_service import age, hear, posted, supply
from tests.support.services import Issuer


async def test_the_board_needs_no_token_and_shows_the_most_urgent_first(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    producer = issuer.caller("producer")
    now = datetime.now(UTC)
    for hours in (30, 10, 20):
        await posted(client, producer, best_before=(now + timedelta(hours=hours)).isoformat())
    seen, after = [], ""
    for _ in range(3):
        page = (await client.get(f"/v1/board?limit=1{after}")).json()
        seen += [round(each["hours_left"]) for each in page["items"]]
        after = f"&after={page['next']}"
    assert seen == [10, 20, 30]
    assert page["next"] is None


async def test_nothing_personal_and_no_place_finer_than_the_county(client: httpx.AsyncClient, issuer: Issuer) -> None:
    secret = {"adcode": "321323", "village": "暗号村", "lon": 118.123456, "lat": 33.654321}
    listing = await posted(client, issuer.caller("producer"), origin=secret)
    for path in ("/v1/board", f"/v1/board/{listing['id']}"):
        text = (await client.get(path)).text
        for private in ("暗号村", "118.123456", "33.654321", listing["producer_id"]):
            assert private not in text
        assert "泗阳县" in text


async def test_filters_narrow_by_produce_place_and_words(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer = issuer.caller("producer")
    berry = await posted(client, producer, variety="红颜")
    await posted(client, producer, produce="cabbage", origin={"adcode": "110101"})

    async def found(query: str) -> list[str]:
        return [each["id"] for each in (await client.get(f"/v1/board?{query}")).json()["items"]]

    words = ("q=草莓", "q=红颜", "q=strawb", "q=泗阳", "q=宿迁市", "q=江苏", "q=321323", "q=泗阳 草莓", "q=红颜 江苏")
    for query in ("produce=strawberry", "adcode=32", "adcode=321323", *words):
        assert await found(query) == [berry["id"]], query
    assert await found("q=泗阳 白菜") == await found("q=泗") == await found("q=x泗阳") == []
    assert await found("q=榴莲糖") == []
    assert len(await found("")) == 2


async def test_a_word_that_names_produce_names_no_place(client: httpx.AsyncClient, issuer: Issuer) -> None:
    from_zaozhuang = await posted(client, issuer.caller("producer"), produce="cabbage", origin={"adcode": "370402"})
    for query, shown in (("枣庄", [from_zaozhuang["id"]]), ("枣", [])):
        items = (await client.get("/v1/board", params={"q": query})).json()["items"]
        assert [each["id"] for each in items] == shown


async def test_what_is_sold_out_withdrawn_or_spoiled_is_off_the_board(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    sold, spoiled, withdrawn = [await posted(client, producer) for _ in range(3)]
    await hear(db, supply(sold, 1, remaining_g=0, agreed_g=1_200_000))
    await age(db, spoiled["id"], spoils_at=datetime.now(UTC) - timedelta(seconds=1))  # the job has not run yet
    await client.post(f"/v1/listings/{withdrawn['id']}/withdraw", headers=producer)
    assert (await client.get("/v1/board")).json()["items"] == []
    assert (await client.get(f"/v1/board/{sold['id']}")).json()["sold_kg"] == 1200
    assert (await client.get(f"/v1/board/{withdrawn['id']}")).status_code == 404
    assert (await client.get(f"/v1/board/{uuid4()}")).status_code == 404


async def test_a_cursor_that_is_not_ours_is_named(client: httpx.AsyncClient) -> None:
    for cursor in ("x", "1.x", "9" * 60 + "." + str(uuid4())):
        answer = await client.get("/v1/board", params={"after": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/query/after"), cursor


async def test_the_board_in_figures_adds_up_what_is_open_by_county_and_produce(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    sold = await posted(client, producer, quantity_kg=1000)
    await posted(client, producer, quantity_kg=50.5)
    await posted(client, producer, produce="cabbage", quantity_kg=2000, origin={"adcode": "110101"})
    gone = await posted(client, producer, quantity_kg=70)
    await client.post(f"/v1/listings/{gone['id']}/withdraw", headers=producer)
    await hear(db, supply(sold, 1, remaining_g=600_000, agreed_g=400_000))
    answer = await client.get("/v1/board/summary")
    assert answer.headers["cache-control"] == "public, max-age=2"
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert (told["lots"], told["remaining_kg"], told["sold_kg"]) == (3, 2650.5, 400)
    assert [(each["county"]["name"], each["lots"], each["remaining_kg"]) for each in told["counties"]] == [
        ("东城区", 1, 2000),
        ("泗阳县", 2, 650.5),
    ]
    assert [(each["produce"], each["name_zh"], each["sold_kg"]) for each in told["kinds"]] == [
        ("cabbage", "卷心菜", 0),
        ("strawberry", "草莓", 400),
    ]
    of_county = (await client.get("/v1/board/summary?adcode=321323")).json()
    assert (of_county["lots"], of_county["remaining_kg"], of_county["sold_kg"]) == (2, 650.5, 400)
    assert (await client.get("/v1/board/summary?adcode=11&produce=strawberry")).json()["lots"] == 0
    assert (await client.get("/v1/board/summary?adcode=x")).status_code == 422


async def test_a_filter_by_produce_that_nobody_grows_is_named(client: httpx.AsyncClient) -> None:
    for path in ("/v1/board", "/v1/board/summary"):
        answer = await client.get(path, params={"produce": "xyz"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/query/produce")


async def test_a_code_in_another_scripts_digits_is_named(client: httpx.AsyncClient) -> None:
    for path in ("/v1/board", "/v1/board/summary"):
        answer = await client.get(path, params={"adcode": "\u0663\u0662"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/query/adcode"), path


@pytest.mark.parametrize("path", ["/v1/board", "/v1/board/summary"])
@pytest.mark.parametrize("code", ["99", "3299", "329999", "990000"])
async def test_a_place_that_there_is_not_is_named_in_the_readers_language(
    client: httpx.AsyncClient, path: str, code: str
) -> None:
    said = {"zh-CN": "没有区划代码以此开头，见 /v1/places。", "en": "No adcode begins so; see /v1/places."}
    for language, detail in said.items():
        answer = await client.get(path, params={"adcode": code}, headers={"Accept-Language": language})
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"pointer": "#/query/adcode", "detail": detail}]


async def test_the_figures_are_put_together_once_for_all_who_ask_beside_the_event_loop(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await posted(client, issuer.caller("producer"))
    totals, make, made = service.Totals(), BoardSummary.of, []

    def of(*asked: Any) -> BoardSummary:
        made.append((asked[1:], threading.current_thread() is threading.main_thread()))
        return make(*asked)

    monkeypatch.setattr(BoardSummary, "of", of)
    monkeypatch.setattr(service, "TOTALS_S", 60.0)
    for _ in range(2):
        told = set(await asyncio.gather(*(totals.summary(db, None, None) for _ in range(20))))
    assert BoardSummary.model_validate_json(told.pop()).lots == 1
    await totals.summary(db, "strawberry", "32")
    assert (told, made) == (set(), [((None, None), False), (("strawberry", "32"), False)])
    monkeypatch.setattr(service, "TOTALS_S", 0.0)
    await totals.summary(db, None, None)
    assert len(made) == 3, "what was put together goes with the figures"
