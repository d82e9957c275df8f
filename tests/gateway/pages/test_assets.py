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
    "name",
    ["none.css", "../api.py", "%2e%2e/api.py", "vendor/../../render.py", "/etc/passwd", "%00", "", "a" * 300, "farm"],
)
async def test_nothing_else_is_a_file(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/static/{name}")
    assert answer.status_code == 404


async def test_what_is_no_file_is_looked_for_in_no_folder_and_kept_nowhere(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert address_of("duijie.css")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "is_file", lambda _: pytest.fail("it went to the disk"))
        for at in range(20):
            assert (await client.get(f"/static/{at}.css")).status_code == 404
    assert (assets._files.cache_info().currsize, assets._digests.cache_info().currsize) == (1, 1)


async def test_a_file_can_only_be_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/static/duijie.css")).status_code in {404, 405}


def test_what_npm_did_not_bring_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for cached in (assets._files, assets._digests):
        cached.cache_clear()
    monkeypatch.setattr(assets, "VENDORED", {"vendor/echarts.js": Path("/nowhere/echarts.js")})
    assert address_of("vendor/echarts.js") == ""
    for cached in (assets._files, assets._digests):
        cached.cache_clear()
