"""The public board as a page: what the listing service says, in the reader's language, and nothing of others' on it."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from gateway.pages.texts import TEXTS
from tests.gateway.pages.board.lots import lot as a_lot
from tests.gateway.pages.board.lots import summary
from tests.gateway.pages.played import Played


@pytest.fixture
def listing() -> Played:
    played = Played()
    played.say("/v1/board", {"items": [], "next": None})
    played.say("/v1/board/summary", summary())
    return played


@pytest.fixture
def upstreams(listing: Played) -> dict[str, Any]:
    return {"listing": listing.upstream}


def show(listing: Played, *lots: dict[str, Any], after: str | None = None) -> None:
    listing.say("/v1/board", {"items": lots, "next": after})


async def test_the_board_shows_lots_in_the_services_order(client: httpx.AsyncClient, listing: Played) -> None:
    show(listing, a_lot(), a_lot(name_zh="大白菜", name_en="Napa cabbage", hours_left=90.0))
    page = (await client.get("/board?lang=zh")).text
    assert page.index("<b>草莓") < page.index("<b>大白菜")
    for shown in ("江苏省泗阳县", "紧急 · 还能放 5.5 小时", "还能放 3 天 18 小时", "700.5", "499.5", "16.05", "红颜"):
        assert shown in page, shown
    assert page.count('class="card lot urgent"') == 1
    assert "Strawberry" in (await client.get("/board?lang=en")).text


async def test_the_first_photo_of_a_lot_is_shown_small_and_a_lot_without_one_has_none(
    client: httpx.AsyncClient, listing: Played
) -> None:
    show(listing, a_lot(photos=["/v1/board/1/photos/2", "/v1/board/1/photos/3"]), a_lot(photos=[]))
    page = (await client.get("/board")).text
    assert re.findall(r'<img src="([^"]*)"', page) == ["/v1/board/1/photos/2?size=thumbnail"]
    assert page.count("no-photo") == 1


async def test_what_a_producer_wrote_is_text_and_never_markup(client: httpx.AsyncClient, listing: Played) -> None:
    show(listing, a_lot(variety="<script>alert(1)</script>"))
    page = (await client.get("/board", params={"q": '"><script>'})).text
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_search_and_pages_are_passed_on(client: httpx.AsyncClient, listing: Played) -> None:
    show(listing, a_lot(), after="12.34")
    page = (await client.get("/board", params={"q": "草莓", "after": "1.2", "adcode": "32"})).text
    (asked,) = listing.requests("GET", "/v1/board")
    assert asked.query == {"q": ["草莓"], "after": ["1.2"], "adcode": ["32"], "limit": ["24"]}
    (more,) = re.findall(r'rel="next" href="([^"]*)"', page)
    assert parse_qs(unescape(more).partition("?")[2]) == {"q": ["草莓"], "adcode": ["32"], "after": ["12.34"]}


@pytest.mark.parametrize(
    ("chosen", "area"),
    [
        ({"province": "32", "adcode": "321323"}, ["321323"]),
        ({"province": "37", "adcode": "321323"}, ["37"]),
        ({"province": "", "adcode": "321323"}, None),
        ({"adcode": "321323"}, ["321323"]),
    ],
    ids=["in it", "of another", "everywhere", "by a link"],
)
async def test_a_county_counts_while_it_lies_in_the_province_beside_it(
    client: httpx.AsyncClient, listing: Played, chosen: dict[str, str], area: list[str] | None
) -> None:
    await client.get("/board", params=chosen)
    (asked,) = listing.requests("GET", "/v1/board")
    assert asked.query.get("adcode") == area


async def test_filters_offer_what_is_on_the_board_and_the_counties_of_a_province_once_it_is_chosen(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/board?lang=zh")).text
    for shown in ("草莓（3）", "江苏省（2）", "山东省（1）"):
        assert shown in page
    assert "泗阳县（2）" not in page
    assert 'value="32" selected' in (narrowed := (await client.get("/board?lang=zh&province=32")).text)
    assert "泗阳县（2）" in narrowed
    assert "曹县" not in narrowed


async def test_an_empty_board_says_so_and_one_that_was_narrowed_leads_back(client: httpx.AsyncClient) -> None:
    assert TEXTS["empty"].en in (await client.get("/board?lang=en")).text
    assert TEXTS["board.clear"].en in (await client.get("/board?lang=en&q=x")).text


@pytest.mark.parametrize(("status", "shown", "text"), [(500, 503, "unavailable"), (422, 422, "not_understood")])
async def test_a_board_that_cant_be_read_is_still_a_page(
    client: httpx.AsyncClient, listing: Played, status: int, shown: int, text: str
) -> None:
    listing.say("/v1/board", {}, status=status)
    page = await client.get("/board?lang=en")
    assert page.status_code == shown
    assert TEXTS[text].en in page.text


async def test_a_board_without_its_figures_is_a_board_still(client: httpx.AsyncClient, listing: Played) -> None:
    show(listing, a_lot())
    listing.say("/v1/board/summary", {}, status=500)
    page = await client.get("/board?lang=en")
    assert page.status_code == 200
    assert "Strawberry" in page.text
    assert "<select" not in page.text


async def test_a_county_tells_its_badges_figures_and_lots(client: httpx.AsyncClient, listing: Played) -> None:
    show(listing, a_lot())
    page = (await client.get("/counties/522326?lang=zh")).text
    for shown in ("望谟县", "挂牌督战县", "脱贫县", "2,500.5", "草莓", "<svg", "http://duijie.test/counties/522326"):
        assert shown in page, shown
    assert [each.query["adcode"] for each in listing.asked] == [["522326"]] * 2
    assert "style=" not in page


async def test_what_is_no_county_is_no_page(client: httpx.AsyncClient) -> None:
    assert (await client.get("/counties/999999")).status_code == 404
    assert (await client.get("/counties/32")).status_code == 404


async def test_a_lot_that_is_over_keeps_for_nothing_any_more(client: httpx.AsyncClient, listing: Played) -> None:
    show(listing, a_lot(hours_left=-0.1))
    page = (await client.get("/board?lang=zh")).text
    assert '<span class="badge alarm">已过期</span>' in page
    assert "还能放" not in page


@pytest.mark.parametrize("path", ["/board", "/counties/321323"])
async def test_what_the_grades_mean_stands_below_the_lots(
    client: httpx.AsyncClient, listing: Played, path: str
) -> None:
    show(listing, a_lot())
    assert f"等级：{TEXTS['board.grade.about'].zh}" in (await client.get(f"{path}?lang=zh")).text
