"""The pages: readable without JavaScript, in the reader's language, and nothing of others' on them."""

import json
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from markupsafe import escape

from chassis.problems import Language, Problem
from gateway.pages.render import prose
from gateway.pages.texts import TEXTS
from gateway.proxy import InProcess


def lot(**changes: Any) -> dict[str, Any]:
    """A line of `/v1/board` as the listing service gives it."""
    origin = {
        "adcode": "321323",
        "name": "泗阳县",
        "prefecture": "宿迁市",
        "province": "江苏省",
        "lon": 118.7,
        "lat": 33.7,
    }
    return {
        "id": "01900000-0000-7000-8000-000000000000",
        "produce": "strawberry",
        "name_zh": "草莓",
        "name_en": "Strawberry",
        "variety": "红颜",
        "grade": "A",
        "temperature_class": "chilled",
        "min_price_fen_per_kg": 1605,
        "quantity_kg": 1200,
        "remaining_kg": 700.5,
        "sold_kg": 499.5,
        "origin": {**origin, "poverty_832": None, "watch_52": False},
        "hours_left": 5.5,
        **changes,
    }


class ListingService:
    """A listing service that answers with the lots of the test, and remembers what it was asked."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.next: str | None = None
        self.status = 200
        self.asked: dict[str, list[str]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked = parse_qs(scope["query_string"].decode())
        body = json.dumps({"items": self.items, "next": self.next}).encode()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def listing() -> ListingService:
    return ListingService()


@pytest.fixture
def upstreams(listing: ListingService) -> dict[str, Any]:
    return {"listing": InProcess(listing)}


def addresses(html: str) -> list[str]:
    """Every address that the page names."""
    found: list[str] = []

    class Finder(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value or "" for name, value in attrs if name in {"href", "src", "action"})

    Finder().feed(html)
    return found


async def test_home_says_what_this_is_in_the_readers_language(client: httpx.AsyncClient) -> None:
    chinese = await client.get("/", headers={"Accept-Language": "zh-CN,en;q=0.5"})
    english = await client.get("/", headers={"Accept-Language": "en-GB"})
    assert (chinese.headers["content-language"], english.headers["content-language"]) == ("zh-CN", "en")
    assert TEXTS["tagline"].zh in chinese.text
    assert TEXTS["tagline"].en in english.text


async def test_the_readers_choice_wins_and_goes_along(client: httpx.AsyncClient) -> None:
    page = await client.get("/?lang=en", headers={"Accept-Language": "zh-CN"})
    assert '<html lang="en">' in page.text
    assert "/board?lang=en" in addresses(page.text)
    assert "/?lang=zh-CN" in addresses(page.text)


@pytest.mark.parametrize("path", ["/", "/board", "/docs", "/problems/stale-version"])
async def test_a_page_names_nothing_outside_and_runs_no_script(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)
    assert page.status_code == 200
    assert all(address.startswith(("/", "#")) for address in addresses(page.text))
    assert "<script" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]


async def test_every_address_on_the_first_page_answers(client: httpx.AsyncClient) -> None:
    for address in addresses((await client.get("/")).text):
        answer = await client.get(address)
        # this test's service has no document and no readiness of its own, so the whole may say that it is not ready
        assert answer.status_code == 200 or address == "/readyz"


async def test_the_style_sheet_is_kept_and_its_address_changes_with_it(client: httpx.AsyncClient) -> None:
    (address,) = [each for each in addresses((await client.get("/")).text) if each.startswith("/static/")]
    assert re.fullmatch(r"/static/duijie\.css\?[0-9a-f]{12}", address)
    sheet = await client.get(address)
    assert sheet.headers["content-type"].startswith("text/css")
    assert "immutable" in sheet.headers["cache-control"]


@pytest.mark.parametrize("path", ["/static/../api.py", "/static/%2e%2e/api.py", "/static/none.css"])
async def test_nothing_else_is_served_as_a_file(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_the_board_shows_lots_in_the_services_order(client: httpx.AsyncClient, listing: ListingService) -> None:
    listing.items = [lot(), lot(name_zh="大白菜", name_en="Napa cabbage", hours_left=90.0)]
    page = (await client.get("/board?lang=zh")).text
    assert page.index("草莓") < page.index("大白菜")
    for shown in ("江苏省泗阳县", "5.5", "700.5", "499.5", "16.05", "红颜"):
        assert shown in page
    assert page.count('class="urgent"') == 1
    assert "Strawberry" in (await client.get("/board?lang=en")).text


async def test_the_first_photo_of_a_lot_is_shown_small_and_a_lot_without_one_has_none(
    client: httpx.AsyncClient, listing: ListingService
) -> None:
    listing.items = [lot(photos=["/v1/board/1/photos/2", "/v1/board/1/photos/3"]), lot(photos=[]), lot()]
    page = (await client.get("/board")).text
    assert re.findall(r'<img src="([^"]*)"', page) == ["/v1/board/1/photos/2?size=thumbnail"]


async def test_what_a_producer_wrote_is_text_and_never_markup(
    client: httpx.AsyncClient, listing: ListingService
) -> None:
    listing.items = [lot(variety="<script>alert(1)</script>")]
    page = (await client.get("/board", params={"q": '"><script>'})).text
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_search_and_pages_are_passed_on(client: httpx.AsyncClient, listing: ListingService) -> None:
    listing.items, listing.next = [lot()], "12.34"
    page = (await client.get("/board", params={"q": "草莓", "after": "1.2", "adcode": "32"})).text
    assert listing.asked == {"q": ["草莓"], "after": ["1.2"], "adcode": ["32"]}
    (more,) = [address for address in addresses(page) if "after=" in address]
    assert parse_qs(more.partition("?")[2]) == {"q": ["草莓"], "adcode": ["32"], "after": ["12.34"]}


async def test_an_empty_board_says_so(client: httpx.AsyncClient) -> None:
    assert TEXTS["empty"].en in (await client.get("/board?lang=en")).text


@pytest.mark.parametrize(("status", "shown", "text"), [(500, 503, "unavailable"), (422, 422, "not_understood")])
async def test_a_board_that_cant_be_read_is_still_a_page(
    client: httpx.AsyncClient, listing: ListingService, status: int, shown: int, text: str
) -> None:
    listing.status = status
    page = await client.get("/board?lang=en")
    assert page.status_code == shown
    assert TEXTS[text].en in page.text


async def test_the_reference_shows_every_operation_with_parameters_body_and_example(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/docs")).text
    document = (await client.get("/openapi.json")).json()
    for path, item in document["paths"].items():
        for method in item:
            assert f"<b>{method.upper()}</b> {path}" in page
    assert "grant_type=otp&amp;phone=13812345678" in page, "the example of a form"
    assert "application/x-www-form-urlencoded" in page
    assert "refresh_token" in page


async def test_the_reference_is_in_the_readers_language_with_a_way_to_the_other(client: httpx.AsyncClient) -> None:
    chinese = (await client.get("/docs", headers={"Accept-Language": "zh-CN"})).text
    english = (await client.get("/docs?lang=en", headers={"Accept-Language": "zh-CN"})).text
    for page, told, other in ((chinese, 0, "en"), (english, 1, "zh-CN")):
        for texts in (("换取访问令牌", "Get an access token"), ("所有人", "Everyone"), ("可能的问题", "Problems")):
            assert texts[told] in page
            assert texts[1 - told] not in page
        assert f"/docs?lang={other}" in addresses(page)


async def test_code_is_shown_as_code_and_never_as_markup_of_others(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs?lang=en")).text
    assert "<code>grant_type=otp</code>" in page
    assert "`" not in page
    assert prose("a `<b>` & c") == "a <code>&lt;b&gt;</code> &amp; c"


async def test_every_problem_that_the_reference_names_has_its_page(client: httpx.AsyncClient) -> None:
    found = {each for each in addresses((await client.get("/docs?lang=zh")).text) if each.startswith("/problems/")}
    assert "/problems/invalid-request?lang=zh-CN" in found
    for address in found:
        page = await client.get(address)
        assert page.status_code == 200
        assert '<html lang="zh-CN">' in page.text


@pytest.mark.parametrize("slug", sorted(Problem.known()))
async def test_a_problem_page_says_what_it_means_and_what_to_do(client: httpx.AsyncClient, slug: str) -> None:
    known = Problem.known()[slug]
    languages: tuple[Language, ...] = ("zh-CN", "en")
    for language in languages:
        page = (await client.get(f"/problems/{slug}", headers={"Accept-Language": language})).text
        assert str(escape(known.title.in_language(language))) in page
        for told in ("problem.means", "problem.do"):
            assert TEXTS[told].in_language(language) in page
        assert "{" not in page, "a blank that only a single answer fills"
        assert '<link rel="stylesheet"' in page


async def test_a_parameter_tells_its_kind_and_default_and_is_never_null(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs?lang=zh")).text
    assert "<code>limit</code> <small>整数 · 查询 · 默认 50</small>" in page
    assert "<code>after</code> <small>文本 · 查询</small>" in page
    assert "<code>grant_type</code> <small>文本 · <b>必填</b></small>" in page
