"""What makes an app of a farmer's pages."""

import json
import re
from io import BytesIO

import httpx
import pytest
from PIL import Image

from catalogue.places import all_places
from gateway.pages.farm.offline import places_address


async def test_the_worker_is_asked_for_anew_may_fetch_and_names_files_that_are_there(client: httpx.AsyncClient) -> None:
    worker = await client.get("/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"
    assert worker.headers["content-security-policy"] == "default-src 'self'"
    found = re.match(r"const TOLD = (.*);\n", worker.text)
    assert found is not None
    told = json.loads(found[1])
    assert re.fullmatch(r"[0-9a-f]{12}", told["version"])
    assert told["queue"] in told["files"]
    for path in told["files"]:
        kept = await client.get(path)
        assert (kept.status_code, "immutable" in kept.headers["cache-control"]) == (200, True), path


@pytest.mark.parametrize(("language", "name"), [("zh-CN", "对接"), ("en", "Duijie")])
async def test_the_app_has_a_name_in_both_languages_and_an_icon(
    client: httpx.AsyncClient, language: str, name: str
) -> None:
    answer = await client.get(f"/manifest.webmanifest?lang={language}")
    assert answer.headers["content-type"] == "application/manifest+json"
    told = answer.json()
    assert (told["short_name"], told["start_url"], told["scope"], told["display"]) == (name, "/farm", "/", "standalone")
    icon = await client.get(told["icons"][0]["src"])
    assert icon.headers["content-type"].startswith("image/svg+xml")
    assert f'href="/manifest.webmanifest?lang={language}"' in (await client.get(f"/?lang={language}")).text


async def test_phones_that_take_no_svg_have_icons_in_pixels(client: httpx.AsyncClient) -> None:
    told = (await client.get("/manifest.webmanifest")).json()["icons"]
    touch = re.search(r'<link rel="apple-touch-icon" href="([^"]*)">', (await client.get("/")).text)
    assert touch is not None
    named = [(each["src"], each["sizes"]) for each in told if each["type"] == "image/png"] + [(touch[1], "180x180")]
    assert {sizes for _, sizes in named} == {"192x192", "512x512", "180x180"}
    for address, sizes in named:
        icon = await client.get(address)
        assert icon.headers["content-type"] == "image/png"
        assert "{}x{}".format(*Image.open(BytesIO(icon.content)).size) == sizes


async def test_the_phone_is_given_every_county_packed_where_it_can_unpack(client: httpx.AsyncClient) -> None:
    plain = await client.get("/farm/places.json", headers={"Accept-Encoding": "identity"})
    packed = await client.get("/farm/places.json", headers={"Accept-Encoding": "gzip"})
    assert plain.json() == packed.json()
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < 80_000
    assert len(plain.json()) == len(all_places())
    assert ["江苏省宿迁市泗阳县", "泗阳县"] in [each[:2] for each in plain.json()]


async def test_who_takes_no_gzip_is_given_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/farm/places.json", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in answer.headers


async def test_the_places_are_kept_for_ever_under_their_own_address_alone(client: httpx.AsyncClient) -> None:
    for path, is_kept in ((places_address(), True), ("/farm/places.json?v=old", False), ("/farm/places.json", False)):
        lasts = (await client.get(path)).headers["cache-control"]
        assert lasts == ("public, max-age=31536000, immutable" if is_kept else "no-cache"), path
