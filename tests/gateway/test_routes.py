"""Which service answers for which address."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from gateway.pages.problems import Meanings
from gateway.proxy import InProcess
from gateway.routes import is_public, service_for


def service_called(name: str) -> Any:
    """A service that answers with its name, and knows one problem of its own."""
    texts = {"zh": f"{name}的问题", "en": f"A problem of {name}"}
    problem = {"slug": f"{name}-only", "status": 409, "title": texts, "detail": texts}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["path"] == "/problems"
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        told = json.dumps({"items": [problem]}).encode() if asked else name.encode()
        await send({"type": "http.response.body", "body": told})

    return InProcess(app)


@pytest.fixture
def upstreams() -> dict[str, Any]:
    return {name: service_called(name) for name in ("listing", "matching")}


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/listings", "listing"),
        ("/v1/listings/1/photos", "listing"),
        ("/v1/listings/1/explanation", "matching"),
        ("/v1/listings/{listing_id}/explanation", "matching"),
        ("/v1/listings/explanation", "listing"),
        ("/v1/listings/1/explanation/more", "listing"),
        ("/v1/board/1/stream", "listing"),
        ("/v1/backlog", "listing"),
        ("/v1/consents/1", "listing"),
        ("/v1/orders/1/explanation", "matching"),
        ("/v1/policy", "matching"),
        ("/v1/prices", "matching"),
        ("/v1/rounds/interval", "matching"),
        ("/v1/matches/1/agree", "matching"),
        ("/v1/feed/matches/stream", "matching"),
        ("/v1/feed/shipments", "logistics"),
        ("/v1/feed/shipments/open", "logistics"),
        ("/v1/feed/shipmentsandmore", "matching"),
        ("/v1/webhooks/1/rotate", "matching"),
        ("/v1/vehicles", "logistics"),
        ("/v1/shipments/1/claim", "logistics"),
        ("/v1/routes/solve", "logistics"),
        ("/v1/parcels/scans", "logistics"),
        ("/v1/programmes/1/transfers", "logistics"),
        ("/v1/settlements/1/pay", "logistics"),
        ("/v1/me", None),
        ("/v1/listingsandmore", None),
        ("/v1", None),
        ("/", None),
        ("/metrics", None),
    ],
)
def test_every_address_of_the_surface_has_its_service(path: str, service: str | None) -> None:
    assert service_for(path) == service


def test_only_reading_and_signing_in_need_no_token() -> None:
    assert is_public("/v1/board/1")
    assert is_public("/v1/auth/token")
    assert not is_public("/v1/listings")
    assert not is_public("/v1/me")


async def test_requests_reach_the_service_of_their_path(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/listings/1")).text == "listing"
    assert (await client.get("/v1/listings/1/explanation")).text == "matching"
    assert (await client.post("/v1/orders")).text == "matching"


async def test_an_unknown_address_is_a_404_problem(client: httpx.AsyncClient) -> None:
    for path in ("/v1/unknown", "/v1/listingsx", "/nothing", "/v1"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.json()["type"] == "/problems/not-found"


async def test_a_service_that_is_not_there_is_a_503_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/shipments")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_problem_page_is_found_wherever_it_is_drawn(client: httpx.AsyncClient) -> None:
    own = await client.get("/problems/service-unavailable?lang=zh")
    assert "服务暂不可用" in own.text
    assert "listing的问题" in (await client.get("/problems/listing-only?lang=zh")).text
    assert "A problem of matching" in (await client.get("/problems/matching-only?lang=en")).text
    for nobodys in ("nobodys", "UPPER", "a%20b", "x" * 200):
        assert (await client.get(f"/problems/{nobodys}")).status_code == 404


async def test_all_problems_of_all_services_are_listed_in_both_languages(client: httpx.AsyncClient) -> None:
    for language in ("zh", "en"):
        listed = (await client.get(f"/problems?lang={language}")).text
        for told in (
            "listing-only",
            "listing的问题",
            "A problem of matching",
            "/problems/rate-limited",
            "请求过于频繁",
        ):
            assert told in listed


async def test_a_service_that_went_away_is_still_told_of(app: FastAPI, upstreams: dict[str, Any]) -> None:
    async def gone(scope: Scope, receive: Receive, send: Send) -> None:
        raise ConnectionRefusedError

    meanings = Meanings(upstreams)
    assert {"listing-only", "matching-only"} <= (await meanings.all()).keys()
    upstreams["listing"] = InProcess(gone)
    meanings._good_until_s = float("-inf")
    assert {"listing-only", "matching-only"} <= (await meanings.all()).keys()


async def test_metrics_name_the_prefix_and_not_the_path(client: httpx.AsyncClient) -> None:
    await client.get("/v1/listings/0b1c")
    metrics = (await client.get("/metrics")).text
    assert 'route="/v1/listings/*"' in metrics
    assert "0b1c" not in metrics
