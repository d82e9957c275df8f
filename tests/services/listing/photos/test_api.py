"""What a lot looks like: its producer shows it, everyone sees it while it is on the board."""

import asyncio
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image
from sqlalchemy.event import listen, remove

from chassis.db import Database
from chassis.images import PHOTO_LIMIT_B, Photo
from chassis.photos import NO_PHOTO, TOO_MANY_PIXELS
from chassis.problems import LANGUAGES, Text
from services.listing.photos import service
from services.listing.photos.models import PHOTOS_MAX
from tests.services.listing.listings.test_service import hear, posted, supply
from tests.support.services import Issuer, told

GPS = 0x8825


def picture(color: str = "red", size: tuple[int, int] = (30, 20), kind: str = "JPEG", **saved: Any) -> bytes:
    written = BytesIO()
    Image.new("RGB", size, color).save(written, kind, **saved)
    return written.getvalue()


def bomb(side_px: int) -> bytes:
    """A PNG of some hundred bytes that says it is as large as that."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(3 * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@dataclass
class Scene:
    """A lot, its producer, and what they may do with its photos."""

    client: httpx.AsyncClient
    producer: dict[str, str]
    lot: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/v1/listings/{self.lot['id']}/photos"

    @property
    def on_board(self) -> str:
        return f"/v1/board/{self.lot['id']}"

    async def show(self, content: bytes, **headers: str) -> httpx.Response:
        files = {"photo": ("strawberries.jpg", content, "image/jpeg")}
        return await self.client.post(self.path, files=files, headers=self.producer | headers)

    async def shown(self, content: bytes) -> dict[str, Any]:
        answer = await self.show(content)
        assert answer.status_code == 201, answer.text
        photo: dict[str, Any] = answer.json()
        return photo

    async def listed(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.client.get(self.path, headers=self.producer)).json()["items"]
        return items


@pytest.fixture
async def scene(client: httpx.AsyncClient, issuer: Issuer) -> Scene:
    producer = issuer.caller("producer")
    return Scene(client, producer, await posted(client, producer))


async def test_photos_are_listed_in_their_order_and_read_as_clean_jpegs(scene: Scene, db: Database) -> None:
    exif = Image.Exif()
    exif.get_ifd(GPS)[1] = "N"
    first = await scene.shown(picture("red", (2000, 1000), exif=exif))
    second = await scene.shown(picture("blue", kind="PNG"))
    assert (first["width_px"], first["height_px"]) == (1600, 800)
    assert await scene.listed() == [first, second]
    answer = await scene.client.get(f"{scene.path}/{first['id']}", headers=scene.producer)
    assert (answer.headers["content-type"], len(answer.content)) == ("image/jpeg", first["size_b"])
    assert answer.headers["cache-control"].startswith("private")
    medium = await scene.client.get(f"{scene.path}/{first['id']}?size=medium", headers=scene.producer)
    assert Image.open(BytesIO(medium.content)).size == (640, 320)
    image = Image.open(BytesIO(answer.content))
    assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (1600, 800), {})
    assert len(await told(db)) == 1, "a photo is no news of the lot"


async def test_everyone_sees_them_on_the_board_and_small_ones_in_lists(scene: Scene) -> None:
    photo = await scene.shown(picture("red", (2000, 1000)))
    address = f"{scene.on_board}/photos/{photo['id']}"
    assert (await scene.client.get(scene.on_board)).json()["photos"] == [address]
    assert (await scene.client.get("/v1/board")).json()["items"][0]["photos"] == [address]
    full, small = await scene.client.get(address), await scene.client.get(f"{address}?size=thumbnail")
    medium, again = [await scene.client.get(f"{address}?size=medium") for _ in range(2)]
    assert Image.open(BytesIO(full.content)).size == (1600, 800)
    assert Image.open(BytesIO(medium.content)).size == (640, 320)
    assert again.content == medium.content
    assert Image.open(BytesIO(small.content)).size == (320, 160)
    for answer in (full, medium, small):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "public, max-age=300"
    assert len({each.headers["etag"] for each in (full, medium, small)}) == 3


async def test_a_preview_is_made_once_for_all_who_look_and_then_its_photo_is_not_read(
    scene: Scene, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = await scene.shown(picture("red", (2000, 1000)))
    address = f"{scene.on_board}/photos/{photo['id']}?size=medium"
    make, made, read = service.reencoded, [], []

    async def reencoded(*how: Any) -> Photo:
        made.append(how)
        return await make(*how)

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if "listing_photos.content" in statement:
            read.append(statement)

    monkeypatch.setattr(service, "reencoded", reencoded)
    listen(db.engine.sync_engine, "before_cursor_execute", note)
    try:
        answers = await asyncio.gather(*(scene.client.get(address) for _ in range(10)))
        answers.append(await scene.client.get(address))
        answers.append(await scene.client.get(f"{scene.path}/{photo['id']}?size=medium", headers=scene.producer))
    finally:
        remove(db.engine.sync_engine, "before_cursor_execute", note)
    assert {each.status_code for each in answers} == {200}
    assert len({each.content for each in answers}) == 1
    assert (len(made), len(read)) == (1, 1)


@pytest.mark.parametrize(("sent", "status"), [("{}", 304), ("W/{}", 304), ('"x", {}', 304), ("*", 304), ('"x"', 200)])
async def test_who_has_it_is_told_so(scene: Scene, sent: str, status: int) -> None:
    address = f"{scene.on_board}/photos/{(await scene.shown(picture()))['id']}"
    tag = (await scene.client.get(address)).headers["etag"]
    again = await scene.client.get(address, headers={"If-None-Match": sent.format(tag)})
    assert (again.status_code, again.headers["etag"], again.content == b"") == (status, tag, status == 304)


async def test_off_the_board_there_is_no_photo_but_for_the_owner(scene: Scene, db: Database) -> None:
    photo = await scene.shown(picture())
    address = f"{scene.on_board}/photos/{photo['id']}"
    await hear(db, supply(scene.lot, 1, remaining_g=0, agreed_g=1_200_000))
    assert (await scene.client.get(address)).status_code == 200, "sold out, and still shown to who has its address"
    await scene.client.post(f"/v1/listings/{scene.lot['id']}/withdraw", headers=scene.producer)
    assert (await scene.client.get(address)).status_code == 404
    assert await scene.listed() == [photo]
    refused = await scene.show(picture("blue"))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/listing-closed")


async def test_a_photo_of_another_lot_is_not_found_under_this_one(scene: Scene) -> None:
    photo, other = await scene.shown(picture()), await posted(scene.client, scene.producer)
    wrong = [f"/v1/board/{other['id']}/photos/{photo['id']}", f"{scene.on_board}/photos/{uuid4()}"]
    for path in (*wrong, f"/v1/listings/{other['id']}/photos/{photo['id']}"):
        assert (await scene.client.get(path, headers=scene.producer)).status_code == 404
    gone = await scene.client.delete(f"/v1/listings/{other['id']}/photos/{photo['id']}", headers=scene.producer)
    assert (gone.status_code, len(await scene.listed())) == (404, 1)


async def test_a_removed_photo_is_gone_everywhere(scene: Scene) -> None:
    photo, kept = await scene.shown(picture()), await scene.shown(picture("blue"))
    address = f"{scene.on_board}/photos/{photo['id']}"
    assert (await scene.client.get(f"{address}?size=medium")).status_code == 200
    gone = await scene.client.delete(f"{scene.path}/{photo['id']}", headers=scene.producer)
    assert (gone.status_code, gone.json()) == (200, {"id": photo["id"]})
    assert await scene.listed() == [kept]
    for size in ("full", "medium", "thumbnail"):
        assert (await scene.client.get(f"{address}?size={size}")).status_code == 404, size
    assert (await scene.client.delete(f"{scene.path}/{photo['id']}", headers=scene.producer)).status_code == 404


async def test_the_same_picture_is_one_whatever_the_camera_wrote_beside_it(scene: Scene) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a phone"
    one, same = await scene.shown(picture()), await scene.shown(picture(exif=exif, comment=b"again"))
    assert one == same
    assert await scene.listed() == [one]


async def test_of_many_at_once_only_so_many_stay(scene: Scene) -> None:
    colors = [f"rgb({shade}, 0, 0)" for shade in range(0, 240, 20)]
    answers = await asyncio.gather(*(scene.show(picture(color)) for color in colors))
    assert sorted(each.status_code for each in answers) == [201] * PHOTOS_MAX + [409] * (len(colors) - PHOTOS_MAX)
    refused = next(each for each in answers if each.status_code == 409)
    assert refused.json()["type"] == "/problems/too-many-photos"
    assert len(await scene.listed()) == PHOTOS_MAX
    kept = next(each.json() for each in answers if each.status_code == 201)
    await scene.client.delete(f"{scene.path}/{kept['id']}", headers=scene.producer)
    assert (await scene.show(picture("green"))).status_code == 201


async def test_the_same_key_and_form_get_the_first_answer(scene: Scene) -> None:
    form = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n' + picture() + b"\r\n--b--\r\n"
    headers = scene.producer | {"Idempotency-Key": "photo-1", "Content-Type": "multipart/form-data; boundary=b"}
    first, again = [await scene.client.post(scene.path, content=form, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", NO_PHOTO),
        (b"no picture", NO_PHOTO),
        (picture(kind="GIF"), NO_PHOTO),
        (bomb(60_000), TOO_MANY_PIXELS),
        (bomb(7_100), TOO_MANY_PIXELS),
    ],
)
async def test_what_is_no_photo_or_a_bomb_is_named_in_both_languages(scene: Scene, content: bytes, why: Text) -> None:
    for language in LANGUAGES:
        wrong = await scene.show(content, **{"Accept-Language": language})
        (error,) = wrong.json()["errors"]
        assert (wrong.status_code, error["pointer"]) == (422, "#/photo")
        assert error["detail"] == why.in_language(language)
    assert await scene.listed() == []


async def test_two_photos_in_one_form_are_not_half_taken(scene: Scene) -> None:
    files = [("photo", ("a.jpg", picture(), "image/jpeg")), ("photo", ("b.jpg", picture("blue"), "image/jpeg"))]
    both = await scene.client.post(scene.path, files=files, headers=scene.producer)
    assert (both.status_code, both.json()["errors"][0]["pointer"]) == (422, "#/photo")
    assert await scene.listed() == []


async def test_what_is_too_large_is_refused_and_a_form_without_photo_names_it(scene: Scene) -> None:
    assert (await scene.show(b"\0" * (PHOTO_LIMIT_B + 300 * 1024))).status_code == 413
    missing = await scene.client.post(scene.path, files={"other": b"x"}, headers=scene.producer)
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "#/photo")


async def test_an_agent_with_consent_shows_a_lot_and_a_stranger_does_not(scene: Scene, issuer: Issuer) -> None:
    agent_id = uuid4()
    agent, stranger = issuer.caller("agent", agent_id), issuer.caller("producer")
    owner = Scene(scene.client, scene.producer, scene.lot)
    await scene.client.post("/v1/consents", json={"agent_id": str(agent_id)}, headers=scene.producer)
    scene.producer = agent
    photo = await scene.shown(picture())
    scene.producer = stranger
    assert (await scene.show(picture())).status_code == 404
    for method, path in (("GET", ""), ("GET", f"/{photo['id']}"), ("DELETE", f"/{photo['id']}")):
        answer = await scene.client.request(method, f"{scene.path}{path}", headers=stranger)
        assert answer.status_code == 404, method
    assert await owner.listed() == [photo]


async def test_a_form_with_another_name_is_told_which_is_missing_and_which_is_not_known_each_once(scene: Scene) -> None:
    files = {"file": ("a.png", picture(), "image/png")}
    answer = await scene.client.post(scene.path, files=files, headers=scene.producer)
    assert answer.status_code == 422
    assert [(each["pointer"], each["detail"]) for each in answer.json()["errors"]] == [
        ("#/photo", "Field required."),
        ("#/file", "There is no such field."),
    ]


async def test_a_producer_is_told_of_them_with_the_lot_and_by_one_statement_in_a_list(scene: Scene) -> None:
    assert scene.lot["photos"] == []
    other = await posted(scene.client, scene.producer)
    addresses = [f"{scene.path}/{(await scene.shown(picture(color)))['id']}" for color in ("red", "blue")]
    listed = (await scene.client.get("/v1/listings", headers=scene.producer)).json()["items"]
    assert {each["id"]: each["photos"] for each in listed} == {scene.lot["id"]: addresses, other["id"]: []}
    path = f"/v1/listings/{scene.lot['id']}"
    read = await scene.client.get(path, headers=scene.producer)
    changed = await scene.client.patch(
        path, json={"story": "…"}, headers=scene.producer | {"If-Match": read.headers["etag"]}
    )
    withdrawn = await scene.client.post(f"{path}/withdraw", headers=scene.producer)
    assert [each.json()["photos"] for each in (read, changed, withdrawn)] == [addresses] * 3
