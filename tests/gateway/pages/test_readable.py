"""People read a page wherever they are refused, and programs the same problem as JSON."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from gateway.app import create_gateway
from gateway.origins import Proxies
from gateway.pages.render import LANGUAGE_COOKIE
from gateway.shield import PAGE_POLICY
from gateway.tokens import Signer
from tests.gateway.support import Phones
from tests.gateway.test_limits import by, slow
from tests.support.services import client_of

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}


async def broken(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"unlike": "a board"}'})


@pytest.fixture
async def client(db: Database, signer: Signer, vault: Vault, sms: Phones) -> AsyncIterator[httpx.AsyncClient]:
    proxies = Proxies.named("127.0.0.1/32")
    gateway = create_gateway(db, signer, vault, {"listing": broken}, send_code=sms.send, limits=slow, proxies=proxies)
    async with client_of(gateway) as client:
        yield client


def is_page(answer: httpx.Response, title: str) -> bool:
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == PAGE_POLICY
    return f"<h1>{title}</h1>" in answer.text and 'href="/"' in answer.text


async def test_who_asks_too_often_reads_when_to_come_back(client: httpx.AsyncClient) -> None:
    for _ in range(10):
        await client.get("/nothing", headers=by("198.51.100.1"))
    refused = await client.get("/docs", headers=BROWSER | by("198.51.100.1"))
    assert (refused.status_code, is_page(refused, "Too many requests")) == (429, True)
    assert int(refused.headers["retry-after"]) >= 1
    program = await client.get("/docs", headers=by("198.51.100.1"))
    assert program.headers["content-type"] == "application/problem+json"


async def test_a_form_of_another_site_is_refused_by_a_page(client: httpx.AsyncClient) -> None:
    refused = await client.post("/sign-out", headers=BROWSER | {"Sec-Fetch-Site": "cross-site"})
    assert (refused.status_code, is_page(refused, "The request comes from another site")) == (403, True)


async def test_a_refused_forms_other_language_is_where_the_form_stands(client: httpx.AsyncClient) -> None:
    came = {"Sec-Fetch-Site": "cross-site", "Referer": "http://duijie.test/board?q=x"}
    refused = await client.post("/orders/x/y", headers=BROWSER | came)
    assert 'href="/board?q=x&amp;lang=zh-CN"' in refused.text


async def test_a_form_that_is_too_large_is_refused_by_a_page(client: httpx.AsyncClient) -> None:
    refused = await client.post("/sign-in", data={"phone": "1" * 300_000}, headers=BROWSER)
    assert (refused.status_code, is_page(refused, "The body is too large")) == (413, True)


@pytest.mark.parametrize("path", ["/nothing", "/problems/nothing", "/board/x/y/z"])
async def test_an_address_of_nothing_is_a_page_with_a_way_on(client: httpx.AsyncClient, path: str) -> None:
    refused = await client.get(path, headers=BROWSER)
    assert (refused.status_code, is_page(refused, "Not found")) == (404, True)


async def test_the_page_of_a_refusal_is_in_the_language_that_was_chosen(client: httpx.AsyncClient) -> None:
    chosen = {"Cookie": f"{LANGUAGE_COOKIE}=zh-CN"}
    refused = await client.get("/problems/nothing", headers=BROWSER | chosen)
    assert (refused.headers["content-language"], is_page(refused, "未找到")) == ("zh-CN", True)


async def test_a_failure_of_ours_is_a_page_that_shows_nothing_of_the_inside(client: httpx.AsyncClient) -> None:
    transport = httpx.ASGITransport(app=client._transport.app, raise_app_exceptions=False)  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=transport, base_url="http://duijie.test") as careless:
        failed = await careless.get("/board", headers=BROWSER)
    assert (failed.status_code, is_page(failed, "Internal error")) == (500, True)
    assert "unlike" not in failed.text


async def test_the_api_and_files_answer_browsers_as_programs(client: httpx.AsyncClient) -> None:
    for path in ("/v1/unknown", "/static/none"):
        refused = await client.get(path, headers=BROWSER | by("198.51.100.2"))
        assert refused.headers["content-type"] == "application/problem+json", path


async def test_who_is_signed_in_sees_that_on_every_page_of_problems(client: httpx.AsyncClient, sms: Phones) -> None:
    await client.post("/sign-in", data={"phone": "13812345678"}, headers=BROWSER)
    await client.post("/sign-in/code", data={"phone": "13812345678", "code": sms.last_code()}, headers=BROWSER)
    for path in ("/problems", "/problems/not-found", "/problems/nothing", "/nothing"):
        page = await client.get(path, headers=BROWSER)
        assert ("Sign out" in page.text, page.headers["cache-control"]) == (True, "private, no-store"), path
