"""One document from many."""

import json
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from gateway import openapi
from gateway.openapi import Surface, merged
from gateway.proxy import InProcess


def listing() -> FastAPI:
    class Place(BaseModel):
        adcode: str

    class Lot(BaseModel):
        place: Place

    app = FastAPI(title="listing", version="1")

    @app.post("/v1/listings", tags=["listings"])
    async def publish(lot: Lot) -> Lot:
        return lot

    @app.get("/v1/board", tags=["board"])
    async def read() -> list[Lot]:
        return []

    @app.get("/v1/orders")
    async def not_its_own() -> None: ...

    return app


def matching() -> FastAPI:
    class Place(BaseModel):
        lon: float

    class Lot(BaseModel):
        place: Place

    class Same(BaseModel):
        x: int

    app = FastAPI(title="matching", version="1")

    @app.post("/v1/orders", tags=["orders"])
    async def publish(lot: Lot) -> Same:
        raise NotImplementedError

    @app.get("/v1/listings/{listing_id}/explanation", tags=["listings"])
    async def explain(listing_id: str) -> Same:
        raise NotImplementedError

    return app


OWN: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "gateway", "version": "1"}, "paths": {}}


@pytest.fixture
def whole() -> dict[str, Any]:
    return merged(OWN, {"listing": listing().openapi(), "matching": matching().openapi()})


def references(document: dict[str, Any]) -> set[str]:
    return set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))


def test_each_path_comes_from_the_service_that_answers_for_it(whole: dict[str, Any]) -> None:
    assert set(whole["paths"]) == {"/v1/listings", "/v1/board", "/v1/orders", "/v1/listings/{listing_id}/explanation"}
    assert list(whole["paths"]["/v1/orders"]) == ["post"]


def test_a_component_that_clashes_gets_another_name_and_so_does_what_mentions_it(whole: dict[str, Any]) -> None:
    schemas = whole["components"]["schemas"]
    assert schemas["Place"]["properties"].keys() == {"adcode"}
    assert schemas["MatchingPlace"]["properties"].keys() == {"lon"}
    body = whole["paths"]["/v1/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["$ref"].endswith("/MatchingLot")
    assert schemas["MatchingLot"]["properties"]["place"]["$ref"].endswith("/MatchingPlace")


def test_every_reference_leads_somewhere(whole: dict[str, Any]) -> None:
    told = list(references(whole))
    assert told
    for reference in told:
        found: Any = whole
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_merging_changes_none_of_its_sources() -> None:
    source = matching().openapi()
    before = json.dumps(source)
    merged(OWN, {"listing": listing().openapi(), "matching": source})
    assert json.dumps(source) == before


def test_operation_ids_stay_unique(whole: dict[str, Any]) -> None:
    ids = [operation["operationId"] for item in whole["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))


def test_two_services_with_one_operation_id_are_told_apart() -> None:
    def document(path: str) -> dict[str, Any]:
        return {"openapi": "3.1.0", "paths": {path: {"get": {"operationId": "read", "responses": {}}}}}

    whole = merged(OWN, {"listing": document("/v1/board"), "matching": document("/v1/orders")})
    assert [item["get"]["operationId"] for item in whole["paths"].values()] == ["read", "matching_read"]


def test_every_operation_may_answer_with_a_problem_and_says_who_may_call(whole: dict[str, Any]) -> None:
    for path, item in whole["paths"].items():
        for operation in item.values():
            told = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
            assert told == {"$ref": "#/components/schemas/Problem"}
            assert (operation.get("security") == []) == path.startswith("/v1/board")
    assert whole["security"] == [{"bearer": []}]
    assert "HTTPValidationError" not in json.dumps(whole)


class Counted:
    """A service that counts how often its document is read, or is down."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.reads = 0
        self.down = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reads += 1
        if self.down:
            raise ConnectionRefusedError
        await self._app(scope, receive, send)


async def test_the_document_is_kept_and_asked_for_again_when_old() -> None:
    service = Counted(listing())
    surface = Surface(lambda: OWN, {"listing": InProcess(service)})
    await surface.document()
    await surface.document()
    assert service.reads == 1
    surface._good_until_s = float("-inf")
    await surface.document()
    assert service.reads == 2


async def test_a_service_that_was_down_is_in_the_document_soon_after_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Counted(listing())
    service.down = True
    surface = Surface(lambda: OWN, {"listing": InProcess(service)})
    assert (await surface.document())["paths"] == {}
    service.down = False
    monkeypatch.setattr(openapi, "INCOMPLETE_FRESH_S", 0)
    surface._good_until_s = float("-inf")
    assert "/v1/board" in (await surface.document())["paths"]


@pytest.fixture
def upstreams() -> dict[str, Any]:
    return {"listing": InProcess(listing()), "matching": InProcess(matching())}


async def test_the_gateway_serves_the_whole_surface(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert {"/v1/me", "/v1/auth/token", "/v1/produce", "/v1/places", "/v1/listings", "/v1/orders"} <= set(
        document["paths"]
    )
    assert not {"/", "/board", "/docs", "/healthz", "/readyz", "/metrics"} & set(document["paths"])
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    form = document["paths"]["/v1/auth/token"]["post"]["requestBody"]["content"]
    assert list(form) == ["application/x-www-form-urlencoded"]


async def test_the_document_is_not_sent_to_who_has_it(client: httpx.AsyncClient) -> None:
    whole = await client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    again = await client.get(
        "/openapi.json", headers={"Accept-Encoding": "identity", "If-None-Match": whole.headers["etag"]}
    )
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", whole.headers["etag"])
    assert whole.headers["cache-control"] == again.headers["cache-control"] == "public, max-age=60"


async def test_the_document_is_compressed_for_who_takes_that(client: httpx.AsyncClient) -> None:
    whole = await client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    fewer = await client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert fewer.headers["content-encoding"] == "gzip"
    assert int(fewer.headers["content-length"]) * 3 < int(whole.headers["content-length"])
    assert fewer.content == whole.content
    assert fewer.headers["etag"] != whole.headers["etag"]
