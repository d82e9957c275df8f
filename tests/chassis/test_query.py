"""A parameter that an operation does not have is refused, and those that there are get named."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, Query
from fastapi.responses import HTMLResponse

from chassis.app import create_app
from chassis.auth import AnyCaller
from chassis.db import Database
from chassis.fields import Limit
from chassis.routes import Route, slice_router
from tests.support.services import Issuer, client_of

router = slice_router("/v1/things", tag="things")
outside = slice_router("/things", tag="things")
reached: list[str] = []


async def _adcode(adcode: str | None = None) -> str | None:
    return adcode


@router.get("")
async def list_things(
    adcode: Annotated[str | None, Depends(_adcode)],
    produce: str | None = None,
    begins: Annotated[str | None, Query(alias="from")] = None,
    limit: Limit = 50,
) -> str:
    reached.append("list")
    return f"{adcode} {produce} {begins} {limit}"


@router.get("/named")
async def list_named(names: Annotated[list[str], Query(alias="name", default_factory=list)]) -> list[str]:
    return names


@router.get("/mine")
async def list_mine(caller: AnyCaller, produce: str | None = None) -> str:
    return caller.role


@router.post("/end", status_code=200)
async def end_thing(caller: AnyCaller) -> str:
    reached.append("end")
    return "ended"


@router.get("/page", response_class=HTMLResponse)
async def show_page() -> HTMLResponse:
    return HTMLResponse("<p>")


@router.get("/stream")
async def follow_things() -> str:
    return "followed"


@outside.get("")
async def health() -> str:
    return "well"


class Lenient(Route):
    strict_query = False


async def sign_in() -> str:
    return "in"


router.add_api_route("/sign-in", sign_in, methods=["GET"], route_class_override=Lenient)


@pytest.fixture
async def client(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    reached.clear()
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", source="/duijie/x")
    async with client_of(create_app("x", db=nowhere, keys=issuer.keys, routers=[router, outside])) as client:
        yield client


@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("zh-CN", "没有这个参数。可用的有：produce, from, limit, adcode。"),
        ("en", "There is no such parameter. There are: produce, from, limit, adcode."),
    ],
)
async def test_a_misspelt_filter_is_refused_and_names_those_there_are(
    client: httpx.AsyncClient, language: str, detail: str
) -> None:
    answer = await client.get("/v1/things?prodce=strawberry&limit=5", headers={"Accept-Language": language})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
    assert answer.json()["errors"] == [{"pointer": "#/query/prodce", "detail": detail}]
    assert reached == []


async def test_the_parameters_of_a_route_and_of_its_dependencies_are_taken(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/things?adcode=3213&produce=strawberry&from=x&limit=5")
    assert answer.json() == "3213 strawberry x 5"


async def test_what_passes_by_a_cache_or_follows_a_link_is_passed_over(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/things?produce=kale&_=1764450000&utm_source=x")).status_code == 200


async def test_a_stream_may_be_connected_to_again_by_what_sends_no_header(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/things/stream?lastEventId=3.17")).status_code == 200
    refused = await client.get("/v1/things/stream?lastEvent=3")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/query/lastEvent")
    assert (await client.get("/v1/things?lastEventId=3")).status_code == 422


async def test_each_name_is_told_once_and_of_many_some(client: httpx.AsyncClient) -> None:
    told = (await client.get("/v1/things?begins=1&a%2Fb~=2&begins=3&=4")).json()["errors"]
    assert [each["pointer"] for each in told] == ["#/query/begins", "#/query/a~1b~0", "#/query/"]
    many = await client.get("/v1/things?" + "&".join(f"x{number}=1" for number in range(100)))
    assert len(many.json()["errors"]) == 20


@pytest.mark.parametrize(
    ("language", "detail"),
    [("zh-CN", "这个参数只能给出一次。"), ("en", "This parameter may stand there once only.")],
)
async def test_a_filter_that_stands_there_twice_is_refused_for_only_the_last_would_count(
    client: httpx.AsyncClient, language: str, detail: str
) -> None:
    answer = await client.get("/v1/things?produce=kale&limit=5&produce=leek", headers={"Accept-Language": language})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "#/query/produce", "detail": detail}]
    assert reached == []


async def test_what_takes_a_list_may_stand_there_as_often_as_it_has_items(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/things/named?name=kale&name=leek")).json() == ["kale", "leek"]
    assert (await client.get("/v1/things/named")).json() == []
    assert (await client.get("/v1/things/named?names=kale")).status_code == 422


async def test_who_is_nobody_is_told_so_first(client: httpx.AsyncClient, issuer: Issuer) -> None:
    assert (await client.get("/v1/things/mine?x=1")).status_code == 401
    assert (await client.get("/v1/things/mine?x=1", headers=issuer.caller("producer"))).status_code == 422


async def test_what_takes_no_parameters_says_so_and_does_nothing(client: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await client.post("/v1/things/end?now=1", headers=issuer.caller("producer") | {"Accept-Language": "en"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "#/query/now", "detail": "This operation takes no parameters in its query."}
    ]
    assert reached == []


@pytest.mark.parametrize("path", ["/v1/things/page?lang=en&utm_source=x", "/things?x=1", "/v1/things/sign-in?x=1"])
async def test_pages_and_what_is_none_of_the_surface_pass_over_what_they_do_not_know(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(path)).status_code == 200
