"""Tokens are asked for when they are needed, kept while they are good, and asked for again once refused."""

import time
from urllib.parse import parse_qs

import pytest

from duijie.client import Caller, Problem, client_credentials, fixed, refreshed
from duijie.client import tokens as tokens_module
from tests.support.rough import Asked, Said, rough


def granting(asked: Asked, lives_s: int = 3600) -> Said:
    number = asked.number
    return Said.json({"access_token": f"a{number}", "expires_in": lives_s, "refresh_token": f"r{number}"})


async def test_a_machines_token_is_asked_for_once() -> None:
    def answer(asked: Asked) -> Said:
        return granting(asked) if asked.target == "/v1/auth/token" else Said.json({})

    async with rough(answer) as server, Caller(server.url, client_credentials("id", "secret")) as caller:
        await caller.get("/v1/x")
        await caller.get("/v1/x")
        assert [asked.target for asked in server.asked] == ["/v1/auth/token", "/v1/x", "/v1/x"]
        form = parse_qs(server.asked[0].body.decode())
        assert form == {"grant_type": ["client_credentials"], "client_id": ["id"], "client_secret": ["secret"]}


async def test_a_token_near_its_end_is_renewed_before_it_is_used() -> None:
    def answer(asked: Asked) -> Said:
        return granting(asked, lives_s=0) if asked.target == "/v1/auth/token" else Said.json({})

    async with rough(answer) as server, Caller(server.url, client_credentials("id", "secret")) as caller:
        await caller.get("/v1/x")
        await caller.get("/v1/x")
        assert [asked.headers.get("authorization") for asked in server.asked] == [None, "Bearer a1", None, "Bearer a3"]


async def test_a_token_that_is_refused_is_renewed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "YOUNG_S", 0)
    refused = Said.json({"type": "/problems/unauthenticated"}, 401)

    def answer(asked: Asked) -> Said:
        if asked.target == "/v1/auth/token":
            return granting(asked)
        return refused if asked.headers["authorization"] == "Bearer a1" else Said.json({})

    async with rough(answer) as server, Caller(server.url, client_credentials("id", "secret")) as caller:
        await caller.get("/v1/x")
        assert server.asked[-1].headers["authorization"] == "Bearer a3"


async def test_a_token_that_is_refused_when_just_granted_is_a_refusal() -> None:
    def answer(asked: Asked) -> Said:
        return granting(asked) if asked.target == "/v1/auth/token" else Said.json({}, 401)

    async with rough(answer) as server, Caller(server.url, client_credentials("id", "secret")) as caller:
        with pytest.raises(Problem, match="401"):
            await caller.get("/v1/x")
        assert len(server.asked) == 2


async def test_a_given_token_that_is_refused_is_a_refusal() -> None:
    async with rough(lambda _: Said.json({}, 401)) as server, Caller(server.url, fixed("t")) as caller:
        with pytest.raises(Problem, match="401"):
            await caller.get("/v1/x")


async def test_a_wrong_secret_is_told_at_once() -> None:
    wrong = Said.json({"type": "/problems/invalid-client", "detail": "wrong"}, 401)
    async with rough(lambda _: wrong) as server, Caller(server.url, client_credentials("id", "x")) as caller:
        with pytest.raises(Problem, match="401 /problems/invalid-client wrong"):
            await caller.get("/v1/x")
        assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"<html>Internal Server Error</html>", b'["no", "problem"]', b"\xff\xfe", b""])
async def test_what_a_proxy_says_instead_of_a_token_is_a_problem(body: bytes) -> None:
    page = Said(500, body, {"content-type": "text/html"})
    async with rough(lambda _: page) as server, Caller(server.url, client_credentials("id", "x")) as caller:
        with pytest.raises(Problem, match=r"^500 about:blank"):
            await caller.get("/v1/x")
        assert len(server.asked) == 1


async def test_who_asks_for_a_token_too_often_waits_as_long_as_told() -> None:
    def answer(asked: Asked) -> Said:
        if asked.number == 1:
            return Said(429, b"<html>Slow down</html>", {"retry-after": "1"})
        return granting(asked) if asked.target == "/v1/auth/token" else Said.json({})

    async with rough(answer) as server, Caller(server.url, client_credentials("id", "secret")) as caller:
        began = time.monotonic()
        await caller.get("/v1/x")
        assert 1 <= time.monotonic() - began < 5
        assert [asked.target for asked in server.asked] == ["/v1/auth/token", "/v1/auth/token", "/v1/x"]


async def test_the_next_refresh_token_is_kept_before_it_is_needed() -> None:
    kept: list[str] = []

    def answer(asked: Asked) -> Said | None:
        if asked.target == "/v1/auth/token":
            return None if asked.number == 1 else granting(asked, lives_s=0)
        return Said.json({"kept": list(kept)})

    async with rough(answer) as server, Caller(server.url, refreshed("r0", kept.append)) as caller:
        assert await caller.get("/v1/x") == {"kept": ["r2"]}
        assert await caller.get("/v1/x") == {"kept": ["r2", "r4"]}
        forms = [parse_qs(asked.body.decode()) for asked in server.asked if asked.target == "/v1/auth/token"]
    assert [form["refresh_token"] for form in forms] == [["r0"], ["r0"], ["r2"]]
