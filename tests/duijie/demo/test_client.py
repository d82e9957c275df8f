"""The demonstration's caller: many accounts, keys from the seed, and a platform that may start late."""

import pytest

from duijie.client import Problem
from duijie.demo.client import Client, until_ready
from tests.support.rough import Said, rough


async def test_each_account_calls_with_its_token_and_keys_bear_the_seed() -> None:
    async with (
        rough(lambda _: Said.json({"id": "x"}, 201)) as server,
        Client(server.url, {"a": "t", "b": "u"}, seed="s") as client,
    ):
        assert await client.post("a", "/v1/x", {}, key="k") == {"id": "x"}
        await client.post("b", "/v1/x", {}, key="k")
        sent = [(asked.headers["authorization"], asked.headers["idempotency-key"]) for asked in server.asked]
    assert sent == [("Bearer t", "s/k"), ("Bearer u", "s/k")]


async def test_a_refusal_is_told_at_once() -> None:
    async with (
        rough(lambda _: Said.json({"type": "/problems/invalid-input"}, 422)) as server,
        Client(server.url, {"a": "t"}, seed="s") as client,
    ):
        with pytest.raises(Problem, match="422"):
            await client.post("a", "/v1/x", {}, key="k")
        assert len(server.asked) == 1


async def test_pages_are_read_to_the_last() -> None:
    pages = {1: {"items": [1, 2], "next": "2"}, 2: {"items": [3], "next": None}}
    async with (
        rough(lambda asked: Said.json(pages[asked.number])) as server,
        Client(server.url, {"a": "t"}, seed="s") as client,
    ):
        assert await client.every("a", "/v1/x") == [1, 2, 3]


async def test_it_waits_for_a_platform_that_starts_late() -> None:
    async with rough(lambda asked: Said(503 if asked.number < 3 else 200)) as server:
        await until_ready(server.url)
        assert len(server.asked) == 3
