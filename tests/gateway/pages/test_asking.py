"""What pages ask of the services: the public API, in the reader's name and language."""

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from gateway.pages.asking import Api, Refused
from gateway.proxy import InProcess, ServiceUnavailable


class Service:
    """Answers as the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: Response = JSONResponse({"id": "1"}, headers={"ETag": '"3"'})
        self.asked: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.asked = {
            "line": f"{request.method} {request.url.path}?{request.url.query}",
            "headers": dict(request.headers),
            "body": await request.body(),
        }
        await self.answer(scope, receive, send)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def api(service: Service) -> Api:
    return Api({"matching": InProcess(service)}, "Bearer x", "zh-CN")


async def test_a_question_goes_in_the_readers_name_and_language_without_what_is_empty(
    api: Api, service: Service
) -> None:
    assert await api.get("/v1/orders", status="open", after=None, q="", limit=5) == {"id": "1"}
    assert service.asked["line"] == "GET /v1/orders?status=open&limit=5"
    assert service.asked["headers"]["authorization"] == "Bearer x"
    assert service.asked["headers"]["accept-language"] == "zh-CN"


async def test_an_act_carries_its_key_and_the_version_it_is_about(api: Api, service: Service) -> None:
    told = await api.send("PATCH", "/v1/orders/1", {"quantity_kg": 5}, key="k", version='"2"')
    assert (told.ok, told.version) == (True, '"3"')
    assert json.loads(service.asked["body"]) == {"quantity_kg": 5}
    headers = service.asked["headers"]
    assert (headers["idempotency-key"], headers["if-match"]) == ("k", '"2"')
    assert int(headers["content-length"]) == len(service.asked["body"])


async def test_faults_are_told_by_field(api: Api, service: Service) -> None:
    errors = [{"pointer": "#/origin/adcode", "detail": "没有此地。"}]
    service.answer = JSONResponse({"title": "输入无效", "errors": errors}, 422)
    told = await api.send("POST", "/v1/orders", {})
    assert (told.ok, told.faults()) == (False, {"origin.adcode": "没有此地。"})


async def test_what_a_page_needs_and_does_not_get_is_raised_with_its_problem(api: Api, service: Service) -> None:
    service.answer = JSONResponse({"title": "未找到"}, 404)
    with pytest.raises(Refused) as refused:
        await api.get("/v1/orders/1")
    assert (refused.value.told.status, refused.value.told.said["title"]) == (404, "未找到")
    with pytest.raises(ServiceUnavailable):
        await api.get("/v1/listings")


async def test_an_answer_without_a_body_is_none(api: Api, service: Service) -> None:
    service.answer = Response(status_code=204)
    told = await api.send("DELETE", "/v1/webhooks/1")
    assert (told.ok, told.said) == (True, None)


async def test_a_photo_goes_as_a_form_under_its_key_and_comes_back_as_it_is(service: Service) -> None:
    api = Api({"listing": InProcess(service)}, "Bearer x", "en")
    await api.upload("/v1/listings/1/photos", b"\xff\xd8 a photo", key="k")
    assert service.asked["line"] == "POST /v1/listings/1/photos?"
    headers = service.asked["headers"]
    boundary = headers["content-type"].removeprefix("multipart/form-data; boundary=")
    assert (headers["idempotency-key"], int(headers["content-length"])) == ("k", len(service.asked["body"]))
    assert service.asked["body"].startswith(f'--{boundary}\r\nContent-Disposition: form-data; name="photo"'.encode())
    assert service.asked["body"].endswith(b"\r\n\r\n\xff\xd8 a photo\r\n--" + boundary.encode() + b"--\r\n")
    service.answer = Response(b"\xff\xd8", media_type="image/jpeg")
    raw = await api.raw("/v1/listings/1/photos/2", size="full")
    assert (raw.status, bytes(raw.body)) == (200, b"\xff\xd8")
    assert service.asked["line"] == "GET /v1/listings/1/photos/2?size=full"
