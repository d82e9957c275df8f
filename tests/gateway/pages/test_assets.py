"""Files that pages load: ours and npm's, kept by a browser as long as they stay the same."""

import gzip
from pathlib import Path

import httpx
import pytest

from gateway.pages import assets
from gateway.pages.assets import address_of


async def test_a_file_is_kept_for_ever_under_its_own_hash_and_under_no_other(client: httpx.AsyncClient) -> None:
    kept = await client.get(address_of("duijie.css"))
    other = await client.get("/static/duijie.css?v=000000000000")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert other.headers["cache-control"] == "no-cache"
    assert kept.content == other.content == (assets.STATIC / "duijie.css").read_bytes()


async def test_files_come_compressed(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/static/duijie.css", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == (assets.STATIC / "duijie.css").read_bytes()
    assert len(raw) * 2 < len(gzip.decompress(raw))


@pytest.mark.parametrize(
    "name", ["none.css", "../api.py", "%2e%2e/api.py", "vendor/../../render.py", "/etc/passwd", "%00", ""]
)
async def test_nothing_else_is_a_file(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/static/{name}")
    assert answer.status_code == 404


async def test_a_file_can_only_be_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/static/duijie.css")).status_code in {404, 405}


def test_what_npm_did_not_bring_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for cached in (assets._path, assets._digest):
        cached.cache_clear()
    monkeypatch.setattr(assets, "VENDORED", {"vendor/echarts.js": Path("/nowhere/echarts.js")})
    assert address_of("vendor/echarts.js") == ""
    for cached in (assets._path, assets._digest):
        cached.cache_clear()
