"""Pages travel compressed, but not where their length would tell another site of what stands on them."""

import gzip
from typing import Any

import httpx
import pytest

from gateway.tokens import Signer
from tests.gateway.pages.played import Played
from tests.gateway.support import bearer

PACKED = {"Accept-Encoding": "gzip"}


@pytest.fixture
def upstreams() -> dict[str, Any]:
    services = Played()
    for name in ("listings", "matches", "board", "prices"):
        services.say(f"/v1/{name}", {"items": [], "next": None})
    return {"listing": services.upstream, "matching": services.upstream}


async def as_sent(client: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Headers, bytes]:
    """The answer's headers, and its bytes as they travelled."""
    async with client.stream("GET", path, headers=PACKED | headers) as answer:
        return answer.headers, b"".join([chunk async for chunk in answer.aiter_raw()])


@pytest.mark.parametrize("path", ["/", "/docs", "/problems", "/sw.js"])
async def test_a_page_is_packed_for_who_can_unpack_it(client: httpx.AsyncClient, path: str) -> None:
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    headers, sent = await as_sent(client, path)
    assert "content-encoding" not in plain.headers
    assert headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in headers["vary"]
    assert int(headers["content-length"]) == len(sent)
    assert gzip.decompress(sent) == plain.content
    assert len(sent) * 2 < len(plain.content)


async def test_what_is_wrong_with_a_page_is_packed_too(client: httpx.AsyncClient) -> None:
    headers, sent = await as_sent(client, "/nowhere", accept="text/html")
    assert headers["content-encoding"] == "gzip"
    assert b"<html" in gzip.decompress(sent)


@pytest.mark.parametrize(
    ("site", "encoding"), [("same-origin", "gzip"), ("none", "gzip"), ("same-site", None), ("cross-site", None)]
)
async def test_a_signed_in_readers_page_is_not_packed_for_another_site(
    client: httpx.AsyncClient, signer: Signer, site: str, encoding: str | None
) -> None:
    told = {"sec-fetch-site": site}
    headers, _ = await as_sent(client, "/farm/new", **bearer(signer, "producer"), **told)
    public, _ = await as_sent(client, "/board", **told)
    assert headers.get("content-encoding") == encoding
    assert public["content-encoding"] == "gzip", "there is nothing on it that others may not read"


async def test_who_refuses_gzip_by_name_gets_none(client: httpx.AsyncClient) -> None:
    page = await client.get("/", headers={"Accept-Encoding": "identity, gzip;q=0"})
    assert "content-encoding" not in page.headers
    assert page.text.startswith("<!doctype html>")


async def test_the_api_answers_as_before(client: httpx.AsyncClient) -> None:
    headers, sent = await as_sent(client, "/v1/produce")
    assert "content-encoding" not in headers
    assert len(sent) > 1024
