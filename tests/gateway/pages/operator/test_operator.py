"""The operator's page: it opens whatever is away, says what is wrong, and stops and starts the rounds."""

from typing import Any

import httpx
import pytest

from gateway.tokens import Signer
from tests.gateway.pages.operator.test_views import a_round
from tests.gateway.pages.played import Played
from tests.gateway.support import bearer

EN = {"Accept-Language": "en"}
READY = {"ready": True, "reasons": {}, "late": {}}


@pytest.fixture
def matching() -> Played:
    played = Played()
    played.say("/readyz", READY)
    played.say("/v1/rounds", {"items": [a_round()], "next": None})
    played.say("/v1/rounds/interval", {"seconds": 2.5})
    return played


@pytest.fixture
def listing() -> Played:
    played = Played()
    played.say("/readyz", READY)
    return played


@pytest.fixture
def upstreams(listing: Played, matching: Played) -> dict[str, Any]:
    return {"listing": listing.upstream, "matching": matching.upstream}


@pytest.fixture
def admin(signer: Signer) -> dict[str, str]:
    return bearer(signer, "admin") | EN


async def test_a_round_is_shown_with_its_value_beside_greedys(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    page = (await client.get("/operator", headers=admin)).text
    for told in ("Strawberry", "13,740.0", "12,490.91", "+10.0 %", "600.5", "optimal", "0.07", "28 / 2"):
        assert told in page, told
    assert "Changed markets are cleared every 2.5 s." in page


async def test_a_service_that_is_not_ready_is_told_on_top_with_what_to_do(
    client: httpx.AsyncClient, listing: Played, admin: dict[str, str]
) -> None:
    listing.say("/readyz", {"ready": False, "reasons": {"database": "the database does not answer"}}, status=503)
    page = (await client.get("/operator", headers=admin)).text
    trouble = page.index("listing is not ready: the database does not answer.")
    assert trouble < page.index('id="timer-title"')
    assert "docs/guides/operate.md" in page
    assert "All is well." not in page


async def test_a_late_service_is_ready(client: httpx.AsyncClient, listing: Played, admin: dict[str, str]) -> None:
    listing.say("/readyz", {**READY, "late": {"outbox": "the oldest event has waited 9 s"}})
    page = (await client.get("/operator", headers=admin)).text
    assert "ready, but late" in page
    assert "the oldest event has waited 9 s" in page


async def test_what_services_say_of_themselves_is_told_in_the_readers_language(
    client: httpx.AsyncClient, listing: Played, matching: Played, admin: dict[str, str]
) -> None:
    late = {"outbox": "the oldest event has waited 9 s", "moon": "it is full"}
    listing.say("/readyz", {"ready": False, "reasons": {"database": "the database does not answer"}, "late": late})
    matching.away = True
    page = (await client.get("/operator", headers=admin | {"Accept-Language": "zh-CN"})).text
    for told in ("数据库没有应答", "最早的事件已等了 9 秒", "it is full", "服务没有应答"):
        assert told in page, told
    assert "does not answer" not in page


async def test_the_page_opens_while_matching_is_away(
    client: httpx.AsyncClient, matching: Played, admin: dict[str, str]
) -> None:
    for path in ("/v1/rounds", "/v1/rounds/interval"):
        matching.refuse(path, "unavailable", 503, method="GET")
    page = await client.get("/operator", headers=admin)
    assert page.status_code == 200
    assert "Matching does not answer" in page.text


async def test_rounds_are_paused_and_resumed_with_a_switch(
    client: httpx.AsyncClient, matching: Played, admin: dict[str, str]
) -> None:
    matching.say("/v1/rounds/interval", {"seconds": 0.0}, method="PUT")
    answer = await client.post("/operator/interval", data={"seconds": "0"}, headers=admin)
    assert (answer.status_code, answer.headers["location"]) == (303, "/operator")
    assert matching.requests("PUT", "/v1/rounds/interval")[0].body == {"seconds": 0}
    matching.say("/v1/rounds/interval", {"seconds": 0.0})
    page = (await client.get("/operator", headers=admin)).text
    assert "Rounds are paused" in page
    assert "Resume</button>" in page
    assert "Pause</button>" not in page


async def test_an_interval_that_is_none_is_told_beside_its_field_as_it_was_typed(
    client: httpx.AsyncClient, matching: Played, admin: dict[str, str]
) -> None:
    errors = [{"pointer": "#/seconds", "detail": "It must be a number."}]
    matching.refuse("/v1/rounds/interval", "invalid-request", 422, method="PUT", errors=errors)
    answer = await client.post("/operator/interval", data={"seconds": "soon"}, headers=admin)
    assert answer.status_code == 422
    assert matching.requests("PUT", "/v1/rounds/interval")[0].body == {"seconds": "soon"}
    for told in ('value="soon"', 'aria-invalid="true"', "It must be a number."):
        assert told in answer.text, told


@pytest.mark.parametrize(("typed", "sent"), [("nan", "nan"), ("inf", "inf"), ("０.５", 0.5), ("2", 2)])
async def test_an_interval_is_read_as_every_number_is(
    client: httpx.AsyncClient, matching: Played, admin: dict[str, str], typed: str, sent: object
) -> None:
    await client.post("/operator/interval", data={"seconds": typed}, headers=admin)
    assert matching.requests("PUT", "/v1/rounds/interval")[0].body == {"seconds": sent}


async def test_a_cursor_that_is_none_is_told_and_not_taken_for_a_failure(
    client: httpx.AsyncClient, matching: Played, admin: dict[str, str]
) -> None:
    matching.refuse("/v1/rounds", "invalid-request", 422, method="GET")
    assert (await client.get("/operator?after=x", headers=admin)).status_code == 422


async def test_it_is_for_the_operator_alone(client: httpx.AsyncClient, signer: Signer) -> None:
    assert (await client.get("/operator")).headers["location"] == "/sign-in?next=%2Foperator"
    assert (await client.get("/operator", headers=bearer(signer, "supervisor"))).status_code == 403
    stopped = await client.post("/operator/interval", data={"seconds": "0"}, headers=bearer(signer, "supervisor"))
    assert stopped.status_code == 403
