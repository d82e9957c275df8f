"""A caller that does not give up, and does not do a thing twice."""

import asyncio
import logging
import sys

import pytest

from duijie.client import Caller, NoAnswer, Problem, fixed
from tests.support.rough import Said, rough

BUSY = Said.json({"type": "/problems/still-running"}, 409)
LATER = Said.json({"type": "/problems/too-many-requests"}, 429, retry_after="0")


async def test_an_unknown_outcome_is_asked_again_with_the_same_key() -> None:
    answers = {
        1: None,
        2: Said(503),
        3: BUSY,
        4: LATER,
    }
    async with rough(lambda asked: answers.get(asked.number, Said.json({"id": "x"}, 201))) as server:
        async with Caller(server.url) as caller:
            assert await caller.post("/v1/x", {"a": 1}, key="k") == {"id": "x"}
        assert {asked.headers["idempotency-key"] for asked in server.asked} == {"k"}
        assert {asked.body for asked in server.asked} == {b'{"a":1}'}
        assert len(server.asked) == 5


async def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    cut = Said(201, b'{"id": "x', {"content-type": "application/json"}, is_cut=True)
    async with rough(lambda asked: cut if asked.number == 1 else Said.json({"id": "x"}, 201)) as server:
        async with Caller(server.url) as caller:
            assert await caller.post("/v1/x", {}) == {"id": "x"}
        first, second = server.asked
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


async def test_a_key_is_drawn_for_each_request_that_brings_none() -> None:
    async with rough(lambda _: Said.json({}, 201)) as server, Caller(server.url) as caller:
        await caller.post("/v1/x", {})
        await caller.post("/v1/x", {})
        assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 2


async def test_a_refusal_is_told_at_once_with_its_fields() -> None:
    refused = Said.json(
        {"type": "/problems/invalid-input", "title": "No", "errors": [{"pointer": "#/a", "detail": "too much"}]}, 422
    )
    async with rough(lambda _: refused) as server, Caller(server.url) as caller:
        with pytest.raises(Problem, match="422 /problems/invalid-input #/a too much") as told:
            await caller.post("/v1/x", {})
        assert len(server.asked) == 1
    assert (told.value.status, told.value.errors[0]["pointer"]) == (422, "#/a")


async def test_what_is_no_problem_json_is_a_problem_all_the_same() -> None:
    async with rough(lambda _: Said(404, b"<html>")) as server, Caller(server.url) as caller:
        with pytest.raises(Problem, match="404 about:blank <html>"):
            await caller.get("/v1/x")


async def test_retry_after_is_waited_for() -> None:
    later = Said.json({}, 429, retry_after="1")
    loop = asyncio.get_running_loop()
    async with (
        rough(lambda asked: later if asked.number == 1 else Said.json({})) as server,
        Caller(server.url) as caller,
    ):
        began_s = loop.time()
        await caller.get("/v1/x")
        assert 1.0 <= loop.time() - began_s < 4.0


async def test_patience_has_an_end() -> None:
    async with rough(lambda _: Said(503)) as server, Caller(server.url, patience_s=0.5) as caller:
        with pytest.raises(NoAnswer, match="503"):
            await caller.get("/v1/x")
        assert len(server.asked) > 1


async def test_it_prints_nothing_and_tells_its_own_logger_what_it_waits_for(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="duijie.client")
    answer = Said.json({})
    async with rough(lambda asked: Said(503) if asked.number < 3 else answer) as server, Caller(server.url) as caller:
        await caller.get("/v1/x")
    told = [(each.name, each.levelname, each.getMessage()) for each in caplog.records if each.name[:6] == "duijie"]
    assert [level for _, level, _ in told] == ["WARNING", "WARNING", "INFO"]
    assert {name for name, *_ in told} == {"duijie.client"}
    assert server.url in told[0][2]
    assert capfd.readouterr() == ("", "")


async def test_who_did_not_ask_hears_nothing() -> None:
    """In a process of its own: pytest listens to every logger."""
    script = """
import asyncio
from duijie.client import Caller, NoAnswer
async def main():
    async with Caller("http://127.0.0.1:9", patience_s=0.5) as caller:
        try:
            await caller.get("/v1/x")
        except NoAnswer:
            pass
asyncio.run(main())
"""
    ran = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert (await ran.communicate(), ran.returncode) == ((b"", b""), 0)


async def test_pages_are_read_to_the_last() -> None:
    pages = {1: {"items": [1, 2], "next": "2"}, 2: {"items": [3], "next": None}}
    async with rough(lambda asked: Said.json(pages[asked.number])) as server, Caller(server.url) as caller:
        assert [each async for each in caller.every("/v1/x", status="open")] == [1, 2, 3]
        assert [asked.target for asked in server.asked] == [
            "/v1/x?limit=500&status=open",
            "/v1/x?limit=500&status=open&after=2",
        ]


async def test_accounts_share_connections_but_no_token() -> None:
    async with rough(lambda _: Said.json({})) as server, Caller(server.url, fixed("one")) as caller:
        await caller.acting_for(fixed("two")).get("/v1/x")
        await caller.get("/v1/x")
        assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer two", "Bearer one"]


async def test_a_change_names_the_version_that_was_read() -> None:
    async with rough(lambda _: Said.json({})) as server, Caller(server.url, language="en") as caller:
        await caller.patch("/v1/x", {"a": 1}, version=3)
        assert (server.asked[0].headers["if-match"], server.asked[0].headers["accept-language"]) == ('"3"', "en")


async def test_how_long_a_try_was_on_its_way_before_it_was_lost_costs_no_patience() -> None:
    cut = Said(201, b'{"id": "x', is_cut=True, after_s=0.5)
    async with (
        rough(lambda asked: cut if asked.number == 1 else Said.json({"id": "x"}, 201)) as server,
        Caller(server.url, patience_s=0.3) as caller,
    ):
        assert await caller.post("/v1/x", {}) == {"id": "x"}
        assert len(server.asked) == 2


GONE = Said.json({"type": "/problems/not-found"}, 404)


@pytest.mark.parametrize("first", [None, Said(503)])
async def test_what_is_gone_when_its_removal_is_sent_again_is_removed(first: Said | None) -> None:
    async with rough(lambda asked: first if asked.number == 1 else GONE) as server, Caller(server.url) as caller:
        await caller.delete("/v1/x")
        assert [asked.method for asked in server.asked] == ["DELETE", "DELETE"]


@pytest.mark.parametrize("first", [GONE, LATER])
async def test_what_was_never_there_is_not_removed(first: Said) -> None:
    async with rough(lambda asked: first if asked.number == 1 else GONE) as server, Caller(server.url) as caller:
        with pytest.raises(Problem, match="404") as told:
            await caller.delete("/v1/x")
    assert not told.value.may_be_done


async def test_a_refusal_says_that_a_lost_try_may_be_what_it_met() -> None:
    stale = Said.json({"type": "/problems/stale-version"}, 412)
    async with rough(lambda asked: None if asked.number == 1 else stale) as server, Caller(server.url) as caller:
        with pytest.raises(Problem, match="412") as told:
            await caller.patch("/v1/x", {"a": 1}, version=3)
    assert told.value.may_be_done
