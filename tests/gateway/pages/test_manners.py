"""What is said to programs, of keys and headers, is said otherwise to people."""

from typing import Any

import httpx
import pytest

from chassis.problems import Problem
from gateway.pages.manners import SAID, for_people
from gateway.tokens import Signer
from services.logistics.clawbacks.models import (
    DecidedClawback,
    NoObjection,
    NotRecoverable,
    ObjectionPeriod,
    RepaidOtherwise,
)
from services.logistics.flags.models import ReviewedAlready
from services.logistics.programmes.models import AlreadyDecided, BudgetTooLarge, NothingToChange
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


@pytest.mark.parametrize(
    ("problem", "zh", "en"),
    [
        (
            NotRecoverable(state="upheld", left_fen=123_000),
            "此案现为“维持，待收回”，尚余 1,230.00 元待收回。",
            "The clawback is “upheld, to be recovered”, with 1,230.00 CNY left to recover.",
        ),
        (
            RepaidOtherwise(amount_fen=250),
            "此凭证号已登记过 2.50 元的退还。",
            "A repayment of 2.50 CNY is recorded with this reference already.",
        ),
        (
            ObjectionPeriod(until="2026-12-14T03:00:00+00:00"),
            "对方在 2026-12-14 11:00 之前可以申诉；收到申诉或期满之后才能决定。",
            "The payee may object until 2026-12-14 11:00; it is decided after that, or once an objection has come.",
        ),
        (
            NoObjection(state="noticed"),
            "已有申诉或决定，或申诉期已过。",
            "There is an objection or a decision already, or the time to object is over.",
        ),
        (DecidedClawback(state="dismissed"), "此案现为“已撤销”。", "The clawback is “dismissed” now."),
        (ReviewedAlready(state="cleared"), "此疑点现为“已排除”。", "This flag is “cleared” now."),
        (NothingToChange(standing="paused"), "项目现为“已暂停”。", "The programme is “paused” already."),
        (BudgetTooLarge(most_fen=1), "最多还可追加 0.01 元。", "At most 0.01 CNY more can be added."),
        (AlreadyDecided(state="rejected"), "此申请现为“已否决”。", "What was asked for is “rejected” now."),
    ],
)
def test_what_a_refusal_carries_is_told_in_yuan_by_chinas_clocks_and_in_the_pages_words(
    problem: Problem, zh: str, en: str
) -> None:
    assert for_people(problem.body("zh-CN"), "zh-CN")["detail"] == zh
    assert for_people(problem.body("en"), "en")["detail"] == en


def test_a_refusal_that_carries_nothing_is_told_as_the_api_does() -> None:
    said = {"type": f"/problems/{NotRecoverable.slug}", "detail": "D"}
    assert for_people(said, "en") == said


def test_a_state_that_the_pages_do_not_know_is_told_by_its_own_name() -> None:
    assert "“eclipsed”" in for_people(DecidedClawback(state="eclipsed").body("en"), "en")["detail"]


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
