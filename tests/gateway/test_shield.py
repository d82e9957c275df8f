"""The headers of everything that the gateway answers."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from gateway.app import create_gateway
from gateway.limits import Limits
from gateway.origins import Proxies
from gateway.shield import DATA_POLICY, PAGE_POLICY
from gateway.tokens import Signer
from tests.gateway.support import bearer, slow
from tests.support.services import client_of


async def service(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"].endswith("/broken"):
        raise LookupError("of the inside")
    headers = [(b"content-type", b"application/json"), (b"server", b"duijie/1")]
    if scope["path"].endswith("/kept"):
        headers.append((b"cache-control", b"private, max-age=60"))
    status = 404 if scope["path"].endswith("/summary") else 200  # of a release that has no figures of the board
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"items": [], "next": null}'})


@pytest.fixture
def limits() -> Limits | None:
    return None


@pytest.fixture
async def client(db: Database, signer: Signer, vault: Vault, limits: Limits | None) -> AsyncIterator[httpx.AsyncClient]:
    proxies = Proxies.named("127.0.0.1/32")
    async with client_of(create_gateway(db, signer, vault, {"listing": service}, limits=limits, proxies=proxies)) as it:
        yield it


EVERYTHING = [
    ("GET", "/", 200),
    ("GET", "/board", 200),
    ("GET", "/docs", 200),
    ("GET", "/problems/not-found", 200),
    ("GET", "/static/duijie.css", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/healthz", 200),
    ("GET", "/metrics", 200),
    ("GET", "/v1/board", 200),
    ("GET", "/v1/me", 401),
    ("GET", "/nothing", 404),
    ("DELETE", "/docs", 405),
    ("POST", "/v1/auth/otp", 422),
    ("GET", "/v1/orders", 503),
    ("GET", "/v1/listings/broken", 500),
]


@pytest.mark.parametrize(("method", "path", "status"), EVERYTHING)
async def test_every_answer_has_them_whatever_it_is(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    is_page = answer.headers["content-type"].startswith("text/html")
    told = {
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "content-security-policy": PAGE_POLICY if is_page else DATA_POLICY,
    }
    assert {name: answer.headers.get(name) for name in told} == told
    assert answer.headers["permissions-policy"].startswith("geolocation=(self), ")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "server" not in answer.headers
    assert "strict-transport-security" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    if status == 500:
        assert (answer.json()["type"], "inside" in answer.text) == ("/problems/internal", False)


@pytest.mark.parametrize("limits", [slow])
async def test_a_refusal_for_asking_too_often_has_them_too(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/v1/board") for _ in range(11)]
    assert (answers[-1].status_code, answers[-1].headers["content-security-policy"]) == (429, DATA_POLICY)


async def test_over_https_a_browser_is_told_to_stay_there(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/board", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


async def test_what_is_answered_to_a_token_is_kept_nowhere_unless_it_says_so_itself(
    client: httpx.AsyncClient, signer: Signer
) -> None:
    caller = bearer(signer)
    assert (await client.get("/v1/board", headers=caller)).headers["cache-control"] == "no-store"
    assert (await client.get("/v1/me", headers=caller)).headers["cache-control"] == "no-store"
    assert (await client.post("/v1/auth/token")).headers["cache-control"] == "no-store"
    assert (await client.get("/v1/board/kept", headers=caller)).headers["cache-control"] == "private, max-age=60"
    assert (await client.get("/.well-known/jwks.json", headers=caller)).headers["cache-control"].startswith("public")
    assert "cache-control" not in (await client.get("/v1/board")).headers


async def test_a_preflight_of_another_origin_gets_nothing(client: httpx.AsyncClient) -> None:
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = await client.options("/v1/me", headers=asks)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_no_script_and_no_style_stands_in_the_text_of_a_page(client: httpx.AsyncClient) -> None:
    for path in ("/", "/board", "/docs", "/problems/not-found", "/problems/rate-limited"):
        page = (await client.get(path)).text
        for forbidden in ("<script>", "<style", " style=", " onclick=", " onload=", "javascript:"):
            assert forbidden not in page, path
