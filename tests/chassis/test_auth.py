"""Tokens: ours, sound and in time, or none."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, cast
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from chassis import auth
from chassis.app import create_app
from chassis.auth import AnyCaller, Caller, LocalKeys, RemoteKeys, only, verify
from chassis.db import Database
from chassis.problems import Unauthenticated, Unavailable
from chassis.routes import slice_router
from tests.support.services import Issuer, client_of

router = slice_router("", tag="auth")


@router.get("/me")
async def me(caller: AnyCaller) -> Caller:
    return caller


@router.get("/farmers-only")
async def farmers_only(caller: Annotated[Caller, Depends(only("producer"))]) -> str:
    return caller.role


@pytest.fixture
def app(db: Database, issuer: Issuer) -> FastAPI:
    return create_app("test", db=db, keys=issuer.keys, routers=[router])


async def test_a_sound_token_names_the_account_and_its_role(app: FastAPI, issuer: Issuer) -> None:
    account_id = uuid4()
    async with client_of(app) as client:
        answer = await client.get("/me", headers=issuer.caller("carrier", account_id))
    assert (answer.json()["account_id"], answer.json()["role"]) == (str(account_id), "carrier")


def forged(issuer: Issuer) -> dict[str, str]:
    now = datetime.now(UTC)
    claims = {"iss": "duijie", "aud": "duijie", "sub": str(uuid4()), "role": "admin", "iat": now}
    claims["exp"] = now + timedelta(hours=1)
    stranger = Ed25519PrivateKey.generate()
    public = issuer.keys.jwks()["keys"][0]["x"]
    return {
        "no signature": jwt.encode(claims, None, algorithm="none", headers={"kid": "test"}),
        "another's key": jwt.encode(claims, stranger, algorithm="EdDSA", headers={"kid": "test"}),
        "an unknown key": jwt.encode(claims, stranger, algorithm="EdDSA", headers={"kid": "other"}),
        "the public key as a secret": jwt.encode(claims, public, algorithm="HS256", headers={"kid": "test"}),
        "expired": issuer.token("admin", exp=now - timedelta(seconds=1)),
        "for another audience": issuer.token("admin", aud="someone"),
        "by another issuer": issuer.token("admin", iss="someone"),
        "no account": issuer.token("admin", sub="x"),
        "no token": "abc",
        "empty": "",
    }


async def test_every_other_token_is_refused(app: FastAPI, issuer: Issuer) -> None:
    async with client_of(app) as client:
        for name, token in forged(issuer).items():
            answer = await client.get("/me", headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated"), name
            assert "Bearer" in answer.headers["www-authenticate"]
        assert (await client.get("/me")).status_code == 401
        assert (await client.get("/me", headers={"Authorization": "Basic YTpi"})).status_code == 401


async def test_a_token_that_was_good_is_refused_once_it_has_expired(issuer: Issuer) -> None:
    token = issuer.token("producer", exp=datetime.now(UTC) + timedelta(seconds=1))
    await verify(token, issuer.keys)
    await verify(token, issuer.keys)
    await asyncio.sleep(1.1)
    with pytest.raises(Unauthenticated):
        await verify(token, issuer.keys)


def test_a_caller_sees_their_own_things_and_an_admin_everyones() -> None:
    account_id = uuid4()
    assert Caller(account_id=account_id, role="producer").owner_id == account_id
    assert Caller(account_id=account_id, role="admin").owner_id is None


async def test_a_role_that_may_not_is_forbidden_and_an_admin_may(app: FastAPI, issuer: Issuer) -> None:
    async with client_of(app) as client:
        statuses = {
            role: (await client.get("/farmers-only", headers=issuer.caller(role))).status_code
            for role in ("producer", "admin", "carrier", "citizen")
        }
    assert statuses == {"producer": 200, "admin": 200, "carrier": 403, "citizen": 403}


class Gateway:
    """A gateway that publishes keys, counts who asks, or is away."""

    def __init__(self, *key_ids: str) -> None:
        self.key_ids = list(key_ids)
        self.asked = 0
        self.answer: httpx.Response | Exception | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or httpx.Response(200, json={"keys": [jwk(kid) for kid in self.key_ids]})


def jwk(kid: str) -> dict[str, Any]:
    public = Ed25519PrivateKey.generate().public_key()
    return {**jwt.algorithms.OKPAlgorithm.to_jwk(public, as_dict=True), "kid": kid, "alg": "EdDSA"}


class Clock:
    """A monotonic clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(auth, "time", clock)
    return clock


def remote(gateway: Gateway) -> RemoteKeys:
    keys = RemoteKeys("http://gateway.test/.well-known/jwks.json")
    keys._client = httpx.AsyncClient(transport=httpx.MockTransport(gateway))
    return keys


async def test_keys_are_fetched_once_and_kept_for_minutes(clock: Clock) -> None:
    gateway = Gateway("a")
    keys = remote(gateway)
    for _ in range(3):
        assert await keys.key("a") is not None
    clock.now_s += auth.KEYS_STAY_FRESH_S - 1
    await keys.key("a")
    assert gateway.asked == 1
    clock.now_s += 2
    await keys.key("a")
    assert gateway.asked == 2


async def test_of_many_who_ask_at_once_one_fetches(clock: Clock) -> None:
    gateway = Gateway("a")
    keys = remote(gateway)
    assert all(await asyncio.gather(*(keys.key("a") for _ in range(20))))
    assert gateway.asked == 1


async def test_a_new_key_is_found_soon_and_a_made_up_one_is_not_asked_for_again_and_again(clock: Clock) -> None:
    gateway = Gateway("a")
    keys = remote(gateway)
    await keys.key("a")
    gateway.key_ids.append("b")
    clock.now_s += auth.REFETCH_AFTER_S + 1
    assert await keys.key("b") is not None
    for number in range(50):
        assert await keys.key(f"made-up-{number}") is None
    assert gateway.asked == 2


async def test_a_key_that_was_withdrawn_is_good_no_more(clock: Clock) -> None:
    gateway = Gateway("a", "b")
    keys = remote(gateway)
    await keys.key("a")
    gateway.key_ids.remove("a")
    clock.now_s += auth.KEYS_STAY_FRESH_S + 1
    assert await keys.key("a") is None
    assert await keys.key("b") is not None


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("away"),
        httpx.ReadTimeout("slow"),
        httpx.Response(503),
        httpx.Response(200, text="no JSON"),
        httpx.Response(200, json={"keys": []}),
    ],
    ids=["away", "slow", "503", "no JSON", "no keys"],
)
async def test_keys_that_were_good_stay_good_while_the_gateway_is_away_and_nobody_waits_for_it(
    clock: Clock, trouble: httpx.Response | Exception
) -> None:
    gateway = Gateway("a")
    keys = remote(gateway)
    await keys.key("a")
    gateway.answer = trouble
    clock.now_s += auth.KEYS_STAY_FRESH_S + 1
    for _ in range(20):
        clock.now_s += 0.1
        assert await keys.key("a") is not None
    assert gateway.asked == 2, "the others did not wait for the gateway"
    gateway.answer = None
    clock.now_s += auth.REFETCH_AFTER_S + 1
    assert await keys.key("a") is not None
    assert gateway.asked == 3


async def test_without_ever_having_had_a_key_it_is_unavailable_and_tries_again_soon(clock: Clock) -> None:
    gateway = Gateway("a")
    gateway.answer = httpx.ConnectError("away")
    keys = remote(gateway)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await keys.key("a")
    assert gateway.asked == 1
    gateway.answer = None
    clock.now_s += auth.FIRST_RETRY_S + 0.1
    assert await keys.key("a") is not None


def public_half(key: jwt.PyJWK | None) -> str:
    """As a JWK has it in `x`."""
    return str(jwt.algorithms.OKPAlgorithm.to_jwk(cast("jwt.PyJWK", key).key, as_dict=True)["x"])


async def test_local_keys_are_read_again_for_an_id_that_is_not_known_and_not_again_and_again(clock: Clock) -> None:
    published = [jwk("a"), jwk("b")]
    read = 0

    def jwks() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"keys": published[:read]}

    keys = LocalKeys(jwks)
    assert public_half(await keys.key("a")) == published[0]["x"]
    assert public_half(await keys.key("b")) == published[1]["x"], "a new key is known at its first token"
    assert read == 2
    for number in range(50):
        assert await keys.key(f"made-up-{number}") is None
    assert read == 2
    clock.now_s += auth.REFETCH_AFTER_S + 1
    await keys.key("made-up")
    assert read == 3


async def test_who_makes_ids_up_has_no_signature_checked_twice(issuer: Issuer) -> None:
    keys = LocalKeys(issuer.keys.jwks)
    token = issuer.token("producer")
    await verify(token, keys)
    checked = auth._sound.cache_info().misses
    keys._read_for_unknown_after_s = float("-inf")
    assert await keys.key("made-up") is None
    await verify(token, keys)
    assert auth._sound.cache_info().misses == checked


async def test_another_key_of_the_same_id_takes_the_place_of_the_first(clock: Clock) -> None:
    published = [jwk("a")]
    keys = LocalKeys(lambda: {"keys": published})
    for _ in range(2):
        published[0] = jwk("a")
        assert public_half(await keys.key("a")) == published[0]["x"]
        clock.now_s += auth.KEYS_STAY_FRESH_S + 1


async def test_what_is_too_long_for_a_token_is_refused_and_never_kept(app: FastAPI, issuer: Issuer) -> None:
    good = issuer.caller("carrier")["Authorization"]
    kept = auth._key_id.cache_info().currsize
    async with client_of(app) as client:
        assert (await client.get("/me", headers={"Authorization": good.ljust(auth.AUTHORIZATION_MAX_B)})).is_success
        for told in ("Bearer x" + "x" * 1_000_000, f"{'x' * 5_000}.e30.AAAA", good.ljust(auth.AUTHORIZATION_MAX_B + 1)):
            answer = await client.get("/me", headers={"Authorization": told})
            assert answer.status_code == 401, told[:20]
    with pytest.raises(Unauthenticated):
        await verify(f"{'x' * 1_000_000}.e30.AAAA", issuer.keys)
    assert auth._key_id.cache_info().currsize <= kept + 1, "that of the good one"


async def test_made_up_tokens_fill_no_memory(issuer: Issuer) -> None:
    header = issuer.token("producer").partition(".")[0]
    for number in range(200):
        made_up = b64(json.dumps({"kid": str(number)}))
        with pytest.raises(Unauthenticated):
            await verify(f"{header}.{number}{'x' * 3_000}.AAAA", issuer.keys)
        with pytest.raises(Unauthenticated):
            await verify(f"{made_up}.e30.AAAA", issuer.keys)
    kept = auth._key_id.cache_info()
    assert (kept.maxsize, kept.currsize <= auth.HEADERS_KNOWN) == (auth.HEADERS_KNOWN, True)


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("missing", ["exp", "iat", "sub", "iss", "aud", "role"])
async def test_a_token_without_one_of_its_claims_is_refused(issuer: Issuer, missing: str) -> None:
    claims = jwt.decode(issuer.token("producer"), options={"verify_signature": False})
    del claims[missing]
    token = jwt.encode(claims, issuer._key, algorithm="EdDSA", headers={"kid": "test"})
    with pytest.raises(Unauthenticated):
        await verify(token, issuer.keys)


@given(st.text(st.characters(max_codepoint=255), max_size=200))
async def test_any_text_is_refused_as_no_token(text: str) -> None:
    with pytest.raises(Unauthenticated):
        await verify(text, LocalKeys(lambda: {"keys": []}))


@pytest.mark.parametrize("header", ["[" * 2_900, "{" * 9, '"x"', '{"kid": 5}', '{"kid": ["a"]}', "\x00"])
async def test_a_token_with_a_strange_header_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated):
        await verify(f"{b64(header)}.e30.AAAA", LocalKeys(lambda: {"keys": []}))


@pytest.mark.parametrize(("scheme", "status"), [("Bearer", 200), ("bearer", 200), ("BEARER", 200), ("Token", 401)])
async def test_the_scheme_is_bearer_in_any_case(app: FastAPI, issuer: Issuer, scheme: str, status: int) -> None:
    async with client_of(app) as client:
        answer = await client.get("/me", headers={"Authorization": f"{scheme}  {issuer.token('citizen')} "})
    assert answer.status_code == status


async def test_two_headers_are_no_token_in_either_order(app: FastAPI, issuer: Issuer) -> None:
    good, bad = (issuer.caller("carrier")["Authorization"], "Bearer x")
    async with client_of(app) as client:
        for pair in ((good, bad), (bad, good), (good, good), (good, ""), ("", good)):
            answer = await client.get("/me", headers=[("Authorization", each) for each in pair])
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), pair
