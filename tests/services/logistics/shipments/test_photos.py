"""Proof by photo: of who carries it, to those whose it is."""

from io import BytesIO
from uuid import uuid4

import httpx
from PIL import Image

from chassis.images import PHOTO_LIMIT_B
from services.logistics.shipments.models import PHOTOS_MAX
from tests.services.logistics.shipments.test_api import Scene, scene
from tests.support.services import Issuer

__all__ = ["scene"]


def jpeg(color: str = "red") -> bytes:
    written = BytesIO()
    Image.new("RGB", (30, 20), color).save(written, "JPEG")
    return written.getvalue()


async def show(scene: Scene, content: bytes | None = None) -> httpx.Response:
    files = {"photo": ("strawberries.jpg", jpeg() if content is None else content, "image/jpeg")}
    return await scene.client.post(f"{scene.path}/photos", files=files, headers=scene.carrier)


async def test_a_photo_is_there_for_the_parties_and_its_carrier(scene: Scene, issuer: Issuer) -> None:
    await scene.post("claim", scene.carrier)
    shown = await show(scene)
    assert shown.status_code == 201, shown.text
    photo = shown.json()
    assert (photo["width_px"], photo["height_px"]) == (30, 20)
    parties = (issuer.caller("producer", scene.match.producer_id), issuer.caller("platform", scene.match.buyer_id))
    for party in (scene.carrier, *parties):
        listed = await scene.client.get(f"{scene.path}/photos", headers=party)
        assert listed.json() == {"items": [photo], "next": None}
        content = await scene.client.get(f"{scene.path}/photos/{photo['id']}", headers=party)
        assert (content.status_code, content.headers["content-type"]) == (200, "image/jpeg")
        assert len(content.content) == photo["size_b"]
        assert Image.open(BytesIO(content.content)).size == (30, 20)


async def test_to_a_rival_who_might_claim_it_there_is_no_photo(scene: Scene) -> None:
    await scene.post("claim", scene.carrier)
    photo = (await show(scene)).json()
    await scene.report("failed")
    assert (await scene.read(scene.rival)).status_code == 200, "it can be claimed"
    for path in ("photos", f"photos/{photo['id']}", f"photos/{uuid4()}"):
        assert (await scene.client.get(f"{scene.path}/{path}", headers=scene.rival)).status_code == 404


async def test_only_who_carries_it_shows_it(scene: Scene) -> None:
    unclaimed = await show(scene)
    assert (unclaimed.status_code, unclaimed.json()["type"]) == (409, "/problems/shipment-not-claimed")


async def test_the_same_key_and_form_show_it_once_wherever_the_client_parts_it(scene: Scene) -> None:
    await scene.post("claim", scene.carrier)
    part = b'Content-Disposition: form-data; name="photo"; filename="a"\r\n\r\n' + jpeg()
    answers = [
        await scene.client.post(
            f"{scene.path}/photos",
            content=b"--%b\r\n%b\r\n--%b--\r\n" % (line, part, line),
            headers=scene.carrier
            | {"Idempotency-Key": "photo-1", "Content-Type": f"multipart/form-data; boundary={line.decode()}"},
        )
        for line in (b"one", b"one", b"another")
    ]
    assert [(answer.status_code, answer.content) for answer in answers] == [(201, answers[0].content)] * 3
    assert len((await scene.client.get(f"{scene.path}/photos", headers=scene.carrier)).json()["items"]) == 1


async def test_a_form_that_can_not_be_read_is_invalid(scene: Scene) -> None:
    await scene.post("claim", scene.carrier)
    headers = scene.carrier | {"Content-Type": "multipart/form-data; boundary=b"}
    for form in (b"--b\r\nno header--b--\r\n", b"nothing"):
        answer = await scene.client.post(f"{scene.path}/photos", content=form, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input"), answer.text


async def test_there_are_only_so_many(scene: Scene) -> None:
    await scene.post("claim", scene.carrier)
    for _ in range(PHOTOS_MAX):
        assert (await show(scene)).status_code == 201
    refused = await show(scene)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-photos")


async def test_what_is_no_photo_is_named_and_changes_nothing(scene: Scene) -> None:
    await scene.post("claim", scene.carrier)
    wrong = await show(scene, b"no picture")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/photo")
    missing = await scene.client.post(f"{scene.path}/photos", files={"other": b"x"}, headers=scene.carrier)
    assert missing.status_code == 422
    large = await show(scene, b"\0" * (PHOTO_LIMIT_B + 300 * 1024))
    assert large.status_code == 413
    assert (await scene.client.get(f"{scene.path}/photos", headers=scene.carrier)).json()["items"] == []
