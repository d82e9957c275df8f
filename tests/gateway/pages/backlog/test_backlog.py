"""The backlog's pages: what they ask the API for, that every figure of theirs is its, and for whom."""

import csv
import io
import json
import re
from typing import Any

import httpx
import pytest

from catalogue.places import all_places
from catalogue.produce import all_produce
from gateway.pages.backlog.table import COLUMNS
from gateway.tokens import Signer
from tests.gateway.pages.backlog.test_views import an_item
from tests.gateway.pages.played import Asked, Played
from tests.gateway.support import bearer

LOT = "01900000-0000-7000-8000-00000000000a"
HEZHANG = {"adcode": "520527", "name": "赫章县", "province": "贵州省", "poverty_832": True, "watch_52": True}
AS_OF = "2026-11-29T12:00:00Z"
EN = {"Accept-Language": "en"}
DAY = {"day": "2026-11-28", "open_kg": None, "at_risk_kg": None, "sold_kg": 12.5, "spoiled_kg": 0}


def a_lot(**changes: Any) -> dict[str, Any]:
    return {
        "id": LOT,
        "produce": "strawberry",
        "name_zh": "草莓",
        "name_en": "Strawberry",
        "variety": "<b>红颜",
        "grade": "A",
        "min_price_fen_per_kg": 1605,
        "origin": {**HEZHANG, "prefecture": "毕节市", "lon": 104.7, "lat": 27.1},
        "remaining_kg": 700.5,
        "spoils_at": AS_OF,
        "hours_left": 20,
        "unsold_share": 0.61,
        "at_risk_kg": 427.305,
        "forecast": "prior",
        **changes,
    }


def the_backlog(listing: Played, *items: dict[str, Any], more: str | None = None) -> None:
    listing.say("/v1/backlog", {"as_of": AS_OF, "items": items, "next": more})


class Listing(Played):
    """Asked for the supervised counties it leaves out the others, as the service does."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        status, said = self.answers["GET", "/v1/backlog"]
        if b"watch_52=true" in scope["query_string"] and status == 200 and not callable(said):
            narrowed = {**said, "items": [each for each in said["items"] if each["area"]["watch_52"]]}
            answers = {**self.answers, ("GET", "/v1/backlog"): (200, narrowed)}
            await Played(answers, self.asked)(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


@pytest.fixture
def listing() -> Played:
    played = Listing()
    the_backlog(played, an_item(at_risk_kg=500.25), an_item(area=HEZHANG))
    played.say("/v1/backlog/lots", {"as_of": AS_OF, "items": [a_lot()], "next": None})
    played.say("/v1/backlog/trend", {"items": [DAY, {**DAY, "day": "2026-11-29", "open_kg": 2401, "at_risk_kg": 800}]})
    return played


@pytest.fixture
def matching() -> Played:
    return Played()


@pytest.fixture
def upstreams(listing: Played, matching: Played) -> dict[str, Any]:
    return {"listing": listing.upstream, "matching": matching.upstream}


@pytest.fixture
def supervisor(signer: Signer) -> dict[str, str]:
    return bearer(signer, "supervisor") | EN


def shown(page: str, row: str) -> dict[str, str]:
    """The figures of one row of the table, as the reader sees them."""
    (line,) = re.findall(rf'<tr[^>]* data-row="{row}">(.*?)</tr>', page, re.DOTALL)
    return dict(re.findall(r'data-figure="(\w+)"[^>]*>([^<]*)<', line))


async def test_figures_are_the_apis_and_the_supervised_counties_come_first(
    client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]
) -> None:
    page = (await client.get("/backlog", headers=supervisor)).text
    figures = {"open_kg": "1,200.5", "at_risk_kg": "500", "listings": "2", "hours_left_median": "30 h"}
    assert shown(page, "321323:strawberry") == figures
    for total in ("2,401", ">800<", "33 %"):  # of both
        assert total in page
    assert page.index('data-row="520527:strawberry"') < page.index('data-row="321323:strawberry"')
    asked = [each.query for each in listing.requests("GET", "/v1/backlog")]
    assert {"level": ["county"], "watch_52": ["true"], "limit": ["500"]} in asked


async def test_every_column_of_kilograms_says_so(client: httpx.AsyncClient, supervisor: dict[str, str]) -> None:
    page = (await client.get("/backlog", headers=supervisor)).text
    headings = re.findall(r'<th scope="col" class="number">([^<]*)</th>', page)
    masses = [each for each in headings if each.startswith(("Open", "At risk", "Sold", "Spoiled"))]
    assert len(masses) >= 8
    assert [each for each in masses if not each.endswith(" (kg)")] == []


async def test_at_the_level_of_counties_none_is_shown_twice(
    client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]
) -> None:
    the_backlog(listing, an_item(area=HEZHANG))
    page = (await client.get("/backlog?level=county", headers=supervisor)).text
    assert page.count('data-row="520527:strawberry"') == 1
    of_province = (await client.get("/backlog?level=province", headers=supervisor)).text
    assert of_province.count("has supervised counties") == 1


async def test_filters_go_to_the_api_and_along_with_every_link(
    client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]
) -> None:
    the_backlog(listing, an_item(), more="12.34.5")
    asked = {"level": "prefecture", "produce": "strawberry", "adcode": "320000"}
    page = (await client.get("/backlog", params=asked, headers=supervisor)).text
    queries = [each.query for each in listing.requests("GET", "/v1/backlog")]
    assert all(each["produce"] == ["strawberry"] and each["adcode"] == ["320000"] for each in queries)
    assert '<option value="320000" selected>' in page
    assert "level=prefecture&amp;produce=strawberry&amp;adcode=320000&amp;after=12.34.5" in page
    assert "/backlog/table.csv?level=prefecture&amp;produce=strawberry&amp;adcode=320000" in page


async def test_pages_behind_the_first_go_on_with_the_rows_alone(
    client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]
) -> None:
    page = (await client.get("/backlog?after=12.34.5", headers=supervisor)).text
    assert any(each.query.get("after") == ["12.34.5"] for each in listing.requests("GET", "/v1/backlog"))
    assert 'data-row="321323:strawberry"' in page
    assert 'id="plane-drawn"' not in page


async def test_the_plane_says_the_same_to_the_reader_and_to_the_script(
    client: httpx.AsyncClient, supervisor: dict[str, str]
) -> None:
    page = (await client.get("/backlog", headers=supervisor)).text
    (told,) = re.findall(r'id="plane-data">(.*?)</script>', page, re.DOTALL)
    dots = {each["name"]: each for each in json.loads(told)["dots"]}
    assert (dots["泗阳县"]["risk"], dots["泗阳县"]["tone"]) == (500.25, "soon")
    assert dots["泗阳县"]["href"] == "/backlog/321323"
    assert "<title>泗阳县: 500 / 1,200.5 kg</title>" in page


async def test_a_day_on_which_nobody_looked_is_empty_and_not_zero(
    client: httpx.AsyncClient, supervisor: dict[str, str]
) -> None:
    page = (await client.get("/backlog", headers=supervisor)).text
    assert '<td class="kept">2026-11-28</td><td class="number">–</td>' in page
    assert '<td class="kept">2026-11-29</td><td class="number">2,401</td>' in page


async def test_an_empty_backlog_says_so(client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]) -> None:
    the_backlog(listing)
    page = (await client.get("/backlog", headers=supervisor)).text
    assert 'class="empty"' in page
    assert "Nothing waits here." in page


async def test_an_area_shows_its_lots_and_where_it_lies(
    client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]
) -> None:
    page = (await client.get("/backlog/520527?produce=strawberry", headers=supervisor)).text
    for told in ("赫章县", "贵州省", "毕节市", "20 h", "427", "700.5", "61 %", "16.05", "&lt;b&gt;红颜"):
        assert told in page, told
    assert f'href="/board/{LOT}"' in page
    (lots,) = listing.requests("GET", "/v1/backlog/lots")
    assert lots.query == {"limit": ["50"], "produce": ["strawberry"], "adcode": ["520527"]}


async def test_a_province_is_told_by_prefectures_and_a_code_of_nowhere_is_no_page(
    client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]
) -> None:
    await client.get("/backlog/320000", headers=supervisor)
    assert listing.requests("GET", "/v1/backlog")[0].query["level"] == ["prefecture"]
    for path in ("/backlog/999999", "/backlog/32"):
        assert (await client.get(path, headers=supervisor)).status_code == 404


async def test_why_a_lot_does_not_move_is_for_whom_the_api_tells_it(
    client: httpx.AsyncClient, matching: Played, signer: Signer, supervisor: dict[str, str]
) -> None:
    reason = {"code": "price_gap", "quantity_kg": 700.5, "count": 2, "text": "700.5 kg: too dear"}
    fix = {"change": "min_price_fen_per_kg", "to": 1400, "would_match_kg": 200}
    said = {"state": "unsold", "reasons": [reason], "cheapest_fix": fix}
    matching.say(f"/v1/listings/{LOT}/explanation", said)
    page = (await client.get(f"/backlog/520527?why={LOT}", headers=bearer(signer, "admin") | EN)).text
    assert "700.5 kg: too dear" in page
    assert "a floor price of 14.00 CNY/kg would sell another 200 kg" in page
    matching.refuse(f"/v1/listings/{LOT}/explanation", "forbidden", 403, method="GET")
    page = (await client.get(f"/backlog/520527?why={LOT}", headers=supervisor)).text
    assert 'id="why"' not in page
    assert "Why?" not in page


async def test_an_area_is_shown_though_nobody_can_say_why_a_lot_does_not_move(
    client: httpx.AsyncClient, matching: Played, signer: Signer
) -> None:
    matching.away = True
    page = await client.get(f"/backlog/520527?why={LOT}", headers=bearer(signer, "admin") | EN)
    assert (page.status_code, "can&#39;t be told just now" in page.text) == (200, True)


async def test_the_table_is_a_file_for_a_spreadsheet_with_the_supervised_counties_first(
    client: httpx.AsyncClient, supervisor: dict[str, str]
) -> None:
    answer = await client.get("/backlog/table.csv", headers=supervisor)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("\ufeff"), "or Excel takes it for something else"
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert tuple(lines[0]) == tuple(COLUMNS)
    first, *_, last = lines
    assert (first["adcode"], first["watch_52"]) == ("520527", "1")
    assert (last["adcode"], last["open_kg"], last["at_risk_kg"]) == ("321323", "1200.5", "500.25")


async def test_the_table_of_larger_areas_has_no_kilogram_twice(
    client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]
) -> None:
    guizhou = {**HEZHANG, "adcode": "520000", "name": "贵州省"}
    of_level = {"county": an_item(area=HEZHANG), "province": an_item(area=guizhou)}
    listing.say("/v1/backlog", lambda asked: {"items": [of_level[asked.query["level"][0]]], "next": None})
    answer = await client.get("/backlog/table.csv?level=province", headers=supervisor)
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [each["adcode"] for each in lines] == ["520000"], "the county lies in it"


async def test_a_chinese_table_has_chinese_headings(client: httpx.AsyncClient, supervisor: dict[str, str]) -> None:
    answer = await client.get("/backlog/table.csv", headers=supervisor | {"Accept-Language": "zh-CN"})
    assert answer.text.startswith("\ufeff区划代码,地区,省份,")


async def test_at_risk_under_supervision_is_of_every_page(
    client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]
) -> None:
    def paged(asked: Asked) -> dict[str, Any]:
        goes_on = "watch_52" in asked.query and "after" not in asked.query
        kind = "strawberry" if goes_on else "tomato"
        item = an_item(area=HEZHANG, produce=kind, at_risk_kg=500)
        return {"as_of": AS_OF, "items": [item], "next": "1.2.3" if goes_on else None}

    listing.say("/v1/backlog", paged)
    page = (await client.get("/backlog", headers=supervisor)).text
    assert 'id="watched-risk">1,000<' in page


async def test_what_a_table_leaves_out_can_be_unfolded(
    client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]
) -> None:
    kinds = [each.slug for each in all_produce()[:60]]
    the_backlog(listing, *(an_item(produce=each) for each in kinds))
    page = (await client.get("/backlog/320000", headers=supervisor)).text
    for told in ("The other 48 rows", "The other 10 rows"):
        assert told in page
    for each in kinds:
        assert page.count(f'data-kind="{each}"') == page.count(f'data-row="321323:{each}"') == 1, each
    assert "/backlog/table.csv?level=prefecture&amp;adcode=320000" in page


async def test_what_the_api_refuses_is_told_on_a_page(
    client: httpx.AsyncClient, listing: Played, supervisor: dict[str, str]
) -> None:
    listing.refuse("/v1/backlog", "invalid-request", 422, method="GET")
    answer = await client.get("/backlog?adcode=x", headers=supervisor)
    assert answer.status_code == 422
    assert "because invalid-request" in answer.text


async def test_others_are_led_to_sign_in_or_told_that_they_may_not(client: httpx.AsyncClient, signer: Signer) -> None:
    for path in ("/backlog", "/backlog/321323", "/backlog/table.csv"):
        assert (await client.get(path)).headers["location"].startswith("/sign-in?next=%2Fbacklog")
        assert (await client.get(path, headers=bearer(signer, "producer"))).status_code == 403


async def test_every_supervised_county_has_its_line_whether_anything_waits_there_or_not(
    client: httpx.AsyncClient, supervisor: dict[str, str]
) -> None:
    page = (await client.get("/backlog", headers=supervisor)).text
    calm = re.findall(r'<li><a href="/backlog/(\d{6})">', page)
    assert set(calm) == {each.adcode for each in all_places() if each.watch_52} - {HEZHANG["adcode"]}
    part = (await client.get("/backlog?adcode=32", headers=supervisor)).text
    assert 'id="calm"' not in part, "Jiangsu has none of them"
