"""What is said to programs, of keys and headers, is said otherwise to people."""

from typing import Any

import httpx
import pytest

from chassis.problems import Problem
from gateway.pages.manners import SAID, for_people
from gateway.tokens import Signer
from tests.gateway.pages.played import Played
from tests.gateway.support import bearer


@pytest.fixture
def matching() -> Played:
    return Played()


@pytest.fixture
def upstreams(matching: Played) -> dict[str, Any]:
    return {"matching": matching.upstream}


@pytest.mark.parametrize(
    ("slug", "status"),
    [("unavailable", 503), ("overloaded", 503), ("idempotency-key-reused", 422), ("still-running", 409)],
)
async def test_pages_speak_of_no_key(
    client: httpx.AsyncClient, signer: Signer, matching: Played, slug: str, status: int
) -> None:
    own = Problem.known()[slug]
    matching.refuse("/v1/orders", slug, status, method="GET", detail=own.detail.zh, title=own.title.zh)
    page = await client.get("/orders", headers=bearer(signer, "citizen") | {"Accept-Language": "zh-CN"})
    assert page.status_code == status
    assert SAID[slug].zh in page.text
    assert "键" not in page.text


async def test_a_service_that_is_away_is_said_to_be_busy(client: httpx.AsyncClient, signer: Signer) -> None:
    page = await client.get("/carrier", headers=bearer(signer, "carrier") | {"Accept-Language": "en"})
    assert page.status_code == 503
    assert "Duijie is busy and does not answer just now." in page.text
    assert "the same key" not in page.text


@pytest.mark.parametrize("said", [None, [], {"items": []}, {"type": "/problems/forbidden", "detail": "D"}])
def test_everything_else_stays_as_it_is(said: Any) -> None:
    assert for_people(said, "en") is said


def test_the_limit_of_a_price_is_told_in_yuan() -> None:
    of_price = {"pointer": "#/min_price_fen_per_kg", "detail": "at most 1000000"}
    other = {"pointer": "#/quantity_kg", "detail": "at most 10000000"}
    told = for_people({"type": "/problems/invalid-input", "errors": [of_price, other]}, "zh-CN")
    assert [each["detail"] for each in told["errors"]] == [
        "请填价格，单位元/公斤：不超过 10,000 元，至多两位小数。",
        "at most 10000000",
    ]


@pytest.mark.parametrize("pointer", ["#/budget_fen", "#/rate_fen", "#/amount_fen", "#/cost_fen_per_km"])
def test_an_amount_that_is_none_is_told_in_yuan_and_not_as_an_integer_of_fen(pointer: str) -> None:
    told = for_people({"type": "/problems/invalid-input", "errors": [{"pointer": pointer, "detail": "整数"}]}, "zh-CN")
    assert [each["detail"] for each in told["errors"]] == ["请填金额，单位元，至多两位小数；不能过小或过大。"]
