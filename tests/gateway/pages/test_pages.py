"""The pages: readable without JavaScript, in the reader's language, and nothing of others' on them."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from markupsafe import escape

from chassis.problems import Language, Problem
from contracts.accounts import Role
from gateway.pages.shown import prose
from gateway.pages.texts import TEXTS
from gateway.tokens import Signer
from tests.gateway.pages.played import Played
from tests.gateway.support import bearer


@pytest.fixture
def upstreams() -> dict[str, Any]:
    listing = Played()
    listing.say("/v1/board", {"items": [], "next": None})
    return {"listing": listing.upstream}


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


@pytest.mark.parametrize(
    ("role", "cards"),
    [
        ("producer", {"/farm/new"}),
        ("citizen", {"/orders"}),
        ("carrier", {"/carrier"}),
        ("auditor", {"/programmes"}),
        ("supervisor", {"/backlog"}),
        ("admin", {"/farm/new", "/orders", "/carrier", "/programmes", "/backlog"}),
    ],
)
async def test_no_card_of_the_first_page_leads_to_where_one_may_not_go(
    client: httpx.AsyncClient, signer: Signer, role: Role, cards: set[str]
) -> None:
    page = (await client.get("/", headers=bearer(signer, role))).text
    assert set(re.findall(r'class="card" href="([^"]+)"', page)) == {"/board"} | cards


@pytest.mark.parametrize("path", ["/", "/board", "/docs", "/problems/stale-version"])
async def test_a_page_names_nothing_outside_and_runs_no_script(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)
    assert page.status_code == 200
    found = addresses(page.text)
    assert found
    assert all(address.startswith(("/", "#")) for address in found)
    assert "<script" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]


async def test_every_address_on_the_first_page_answers(client: httpx.AsyncClient) -> None:
    found = addresses((await client.get("/")).text)
    assert found
    for address in found:
        answer = await client.get(address)
        # this test's service has no document and no readiness of its own, so the whole may say that it is not ready
        # what is for who is signed in leads to signing in
        led = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
        assert answer.status_code == 200 or led or address == "/readyz", address


async def test_the_style_sheet_is_kept_and_its_address_changes_with_it(client: httpx.AsyncClient) -> None:
    (address,) = [each for each in addresses((await client.get("/")).text) if each.startswith("/static/duijie.css")]
    assert re.fullmatch(r"/static/duijie\.css\?v=[0-9a-f]{12}", address)
    sheet = await client.get(address)
    assert sheet.headers["content-type"].startswith("text/css")
    assert "immutable" in sheet.headers["cache-control"]
    assert (await client.get("/static/duijie.css")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/static/../api.py", "/static/%2e%2e/api.py", "/static/none.css"])
async def test_nothing_else_is_served_as_a_file(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


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
        assert "{" not in re.sub(r"/\{\w+_id\}", "", page), "a blank that only a single answer fills"
        assert '<link rel="stylesheet"' in page


async def test_a_parameter_tells_its_kind_and_default_and_is_never_null(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs?lang=zh")).text
    assert "<code>limit</code> <small>整数 · 查询 · 默认 50</small>" in page
    assert "<code>after</code> <small>文本 · 查询</small>" in page
    assert "<code>grant_type</code> <small>文本 · <b>必填</b></small>" in page
