"""Rate limits at the gateway: whom they count, what they say, and that a refusal costs little."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis import auth
from chassis.db import Database
from chassis.vault import Vault
from gateway.accounts.service import account_for
from gateway.app import create_gateway
from gateway.limits import ANONYMOUS, SIGN_IN, SIGN_IN_PHONE, WRITES, Limits
from gateway.origins import Proxies
from gateway.tokens import Signer
from tests.gateway.support import Phones, bearer, slow
from tests.support.services import client_of


class Service:
    """A service that answers everything, and counts what reached it."""

    def __init__(self) -> None:
        self.reached = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def limits() -> Limits | None:
    return slow


@pytest.fixture
async def client(
    db: Database, signer: Signer, vault: Vault, sms: Phones, service: Service, limits: Limits | None
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_gateway(
        db,
        signer,
        vault,
        {"listing": service, "matching": service},
        send_code=sms.send,
        limits=limits,
        proxies=Proxies.named("127.0.0.1/32"),
    )
    async with client_of(app) as client:
        yield client


def by(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def test_the_rates_are_those_of_the_surface() -> None:
    assert (WRITES.per_s, WRITES.burst, ANONYMOUS.per_s) == (100, 1000, 10)


async def test_an_account_writes_its_burst_and_is_then_told_when_to_come_back(
    client: httpx.AsyncClient, signer: Signer, service: Service
) -> None:
    writer = bearer(signer, "producer", uuid4())
    first = await client.post("/v1/listings", json={}, headers=writer)
    assert first.headers["ratelimit-policy"] == '"writes";q=1000;w=10'
    assert first.headers["ratelimit"].startswith('"writes";r=999;t=')
    for _ in range(999):
        assert (await client.post("/v1/listings", headers=writer)).status_code == 200
    refused = await client.post("/v1/listings", json={}, headers=writer | {"X-Request-Id": "mine"})
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/rate-limited")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["x-request-id"] == "mine"
    assert refused.headers["ratelimit"] == f'"writes";r=0;t={refused.headers["retry-after"]}'
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert service.reached == 1000
    other = await client.post("/v1/listings", headers=bearer(signer, "producer", uuid4()))
    assert other.status_code == 200


async def test_what_a_refusal_means_can_be_read_while_one_is_limited(client: httpx.AsyncClient) -> None:
    while (await client.get("/board", headers=by("198.51.100.9"))).status_code != 429:
        pass
    for path in ("/problems/rate-limited", "/problems"):
        assert (await client.get(path, headers=by("198.51.100.9"))).status_code == 200


async def test_reads_with_a_token_are_free_and_say_nothing_of_limits(
    client: httpx.AsyncClient, signer: Signer, service: Service
) -> None:
    reader = bearer(signer, "producer", uuid4())
    answers = [await client.get("/v1/listings", headers=reader) for _ in range(50)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[0].headers


async def test_nobody_and_bad_tokens_count_by_address(client: httpx.AsyncClient, service: Service) -> None:
    bad = [{}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}]
    asked = [await client.get("/v1/board", headers=by("198.51.100.1") | bad[at % 4]) for at in range(11)]
    assert [answer.status_code for answer in asked] == [200] * 10 + [429]
    assert asked[0].headers["ratelimit-policy"] == '"anonymous";q=10;w=1'
    assert service.reached == 10
    assert (await client.get("/v1/board", headers=by("198.51.100.2"))).status_code == 200


async def test_a_forged_address_to_the_left_of_the_real_one_opens_no_other_bucket(client: httpx.AsyncClient) -> None:
    asked = [await client.get("/v1/board", headers=by(f"1.2.3.{at}, 198.51.100.3")) for at in range(11)]
    assert asked[-1].status_code == 429


async def test_health_keys_and_files_are_always_answered(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/metrics", "/.well-known/jwks.json", "/static/duijie.css"):
        answers = [await client.get(path, headers=by("198.51.100.4")) for _ in range(15)]
        assert {answer.status_code for answer in answers} == {200}, path


@pytest.mark.parametrize(("language", "title"), [("zh-CN", "请求过于频繁"), ("en", "Too many requests")])
async def test_a_refusal_is_told_in_the_readers_language(client: httpx.AsyncClient, language: str, title: str) -> None:
    headers = by("198.51.100.5") | {"Accept-Language": language}
    answers = [await client.get("/v1/board", headers=headers) for _ in range(11)]
    assert (answers[-1].json()["title"], answers[-1].headers["content-language"]) == (title, language)


async def test_a_refusal_reads_no_body_and_verifies_no_signature_again(
    client: httpx.AsyncClient, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = bearer(signer, "producer", uuid4())
    for _ in range(1000):
        await client.post("/v1/listings", headers=writer)
    verified, read = auth._sound.cache_info().misses, 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * 1000

    refused = await client.post("/v1/listings", content=body(), headers=writer)
    assert (refused.status_code, read) == (429, 0)
    assert auth._sound.cache_info().misses == verified


async def test_signing_in_is_limited_by_address_with_or_without_a_token(
    client: httpx.AsyncClient, signer: Signer
) -> None:
    headers = by("198.51.100.6")
    answers = [await client.post("/v1/auth/token", data={"grant_type": "x"}, headers=headers) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [400] * 30 + [429]
    told = answers[-1].json()
    assert (told["type"], told["error"]) == ("/problems/rate-limited", "temporarily_unavailable")
    assert told["error_description"] == told["detail"]
    elsewhere = await client.post("/v1/auth/otp", json={"phone": "13812345678"}, headers=headers)
    assert (elsewhere.status_code, "error" in elsewhere.json()) == (429, False), "which is no request of OAuth"
    assert answers[0].headers["ratelimit-policy"] == f'"sign-in";q={SIGN_IN.burst};w=30'
    with_token = await client.post("/v1/auth/token", headers=headers | bearer(signer))
    assert with_token.status_code == 429
    assert (await client.get("/v1/board", headers=headers)).status_code == 200


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code"])
async def test_signing_in_on_the_pages_counts_with_signing_in_by_the_api(
    client: httpx.AsyncClient, signer: Signer, path: str
) -> None:
    headers = by("198.51.100.8")
    form = {"phone": "x", "code": "x"}
    answers = [await client.post(path, data=form, headers=headers) for _ in range(SIGN_IN.burst - 1)]
    assert {answer.status_code for answer in answers} == {422}
    assert (await client.post("/v1/auth/token", data={"grant_type": "x"}, headers=headers)).status_code == 400
    assert (await client.post(path, data=form, headers=headers)).status_code == 429
    signed_in = await client.post(path, data=form, headers=headers | bearer(signer))
    assert signed_in.status_code == 429, "who is signed in may sign in no oftener"
    assert (await client.get("/sign-in", headers=headers)).status_code == 200


async def test_ordering_with_a_phone_counts_as_signing_in_and_with_an_account_as_writing(
    client: httpx.AsyncClient, signer: Signer
) -> None:
    address, headers = f"/board/{uuid4()}", by("198.51.100.10")
    anonymous = await client.post(address, data={"phone": "13812345678"}, headers=headers)
    assert anonymous.headers["ratelimit-policy"].startswith('"sign-in";')
    buyer = await client.post(address, headers=headers | bearer(signer))
    assert buyer.headers["ratelimit-policy"].startswith('"writes";')


async def test_one_phone_is_limited_wherever_its_requests_come_from_and_however_it_is_written(
    client: httpx.AsyncClient,
) -> None:
    spelt = ["13812345678", "+86 138 1234 5678"]
    form = {"grant_type": "otp", "code": "000000"}
    answers = [
        await client.post("/v1/auth/token", data=form | {"phone": spelt[at % 2]}, headers=by(f"198.51.100.{at}"))
        for at in range(10)
    ]
    assert {answer.status_code for answer in answers} == {400}
    refusals = [
        await client.post("/v1/auth/otp", json={"phone": spelt[0]}, headers=by("198.51.100.99")),
        await client.post("/v1/auth/token", data=form | {"phone": spelt[1]}, headers=by("198.51.100.99")),
    ]
    assert [refused.json().get("error") for refused in refusals] == [None, "temporarily_unavailable"]
    for refused in refusals:
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/rate-limited")
        assert "13812345678" not in refused.text
    other = await client.post("/v1/auth/otp", json={"phone": "13912345678"}, headers=by("198.51.100.99"))
    assert other.status_code == 202
    assert SIGN_IN_PHONE.burst == 10


async def test_a_phone_in_another_grant_than_otp_locks_nobody_out(client: httpx.AsyncClient) -> None:
    for grant_type in ("refresh_token", "client_credentials", "junk"):
        form = {"grant_type": grant_type, "phone": "13812345678"}
        for at in range(SIGN_IN_PHONE.burst):
            answer = await client.post("/v1/auth/token", data=form, headers=by(f"198.51.100.{at}"))
            assert answer.status_code in {400, 401}
    victim = {"grant_type": "otp", "phone": "13812345678", "code": "000000"}
    answer = await client.post("/v1/auth/token", data=victim, headers=by("198.51.100.99"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_an_account_proves_who_it_is_as_seldom_as_an_address_signs_in(
    client: httpx.AsyncClient, db: Database, signer: Signer, vault: Vault
) -> None:
    async with db.transaction() as session:
        writers = [
            bearer(signer, "platform", (await account_for(session, vault, "platform", name)).id) for name in ("a", "b")
        ]
    proofs = [await client.post("/v1/me/erase", json={}, headers=writers[0]) for _ in range(SIGN_IN.burst + 1)]
    assert [answer.status_code for answer in proofs] == [409] * SIGN_IN.burst + [429]
    assert (await client.post("/v1/me/erase", json={}, headers=writers[1])).status_code == 409


@pytest.mark.parametrize("limits", [None])
async def test_without_limits_nobody_is_refused_for_asking_often(client: httpx.AsyncClient, signer: Signer) -> None:
    answers = [await client.get("/v1/board", headers=by("198.51.100.7")) for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[0].headers
