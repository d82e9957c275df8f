"""The driver's sheet: what the plan says, for people who drive; phones are never whole."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from catalogue.days import CHINA
from chassis.db import Database
from chassis.problems import Language
from chassis.vault import Vault
from gateway.accounts import service
from gateway.accounts.models import Account
from gateway.accounts.service import Contact
from gateway.pages.sheet import sheets
from gateway.proxy import InProcess
from gateway.tokens import Signer
from services.logistics.routing.problem import DETOUR
from tests.gateway.support import bearer

PLAN, VAN = uuid4(), uuid4()
PHONE = "+8613812345678"


class LogisticsService:
    """Answers with the plan of the test to whoever has its token, as the real one does."""

    def __init__(self) -> None:
        self.token = ""
        self.plan: dict[str, Any] = {}
        self.asked: list[str] = []
        self.listed = [{"id": str(VAN), "name": "苏N12345"}]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        self.asked.append(scope["path"])
        status, body = 404, b"{}"
        if headers.get(b"authorization", b"").decode() == self.token and self.plan:
            answers: dict[str, Any] = {
                f"/v1/routes/{PLAN}": self.plan,
                "/v1/vehicles": {"items": self.listed, "next": None},
                f"/v1/vehicles/{VAN}": {"id": str(VAN), "name": "苏N12345"},
            }
            status, body = 200, json.dumps(answers[scope["path"]]).encode()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def logistics() -> LogisticsService:
    return LogisticsService()


@pytest.fixture
def upstreams(logistics: LogisticsService) -> dict[str, Any]:
    return {"logistics": InProcess(logistics)}


def plan(producer: UUID, buyer: UUID | None = None, **changes: Any) -> dict[str, Any]:
    lot = str(uuid4())
    shared = {"shipment_id": lot, "produce": "strawberry", "quantity_kg": 300.5, "temperature_class": "chilled"}
    stops = [
        {
            **shared,
            "type": "pickup",
            "load_kg": 1310,
            "arrival": "2026-11-23T22:30:00Z",
            "departure": "2026-11-23T22:45:00Z",
            "lon": 118.69,
            "lat": 33.72,
            "adcode": "321323",
            "account_id": str(producer),
        },
        {
            **shared,
            "type": "delivery",
            "load_kg": 0,
            "arrival": "2026-11-24T03:00:00Z",
            "departure": "2026-11-24T03:15:00Z",
            "lon": 118.8,
            "lat": 32.06,
            "adcode": "320102" if buyer else None,
            "account_id": str(buyer) if buyer else None,
        },
    ]
    route = {
        "vehicle_id": str(VAN),
        "distance_m": 480_440,
        "load_kg": 300.5,
        "departs_at": "2026-11-23T22:00:00Z",
        "returns_at": "2026-11-24T07:00:00Z",
        "stops": stops,
        "breaks": [{"start": "2026-11-24T01:00:00Z", "end": "2026-11-24T01:30:00Z"}],
    }
    standard = {"id": str(PLAN), "status": "planned", "distance_source": "osrm", "vehicles": [route], "unassigned": []}
    standard["depart_at"] = route["departs_at"]
    return standard | changes


async def someone(db: Database, vault: Vault, name: str) -> Account:
    async with db.transaction() as session:
        return await service.account_for(session, vault, "platform", name)


async def with_phone(db: Database, vault: Vault, account_id: UUID) -> None:
    async with db.transaction() as session:
        account = await session.get(Account, account_id)
        assert account is not None
        account.phone_encrypted = vault.seal(PHONE, f"accounts.phone {account_id}")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN", ["司机单", "取货", "送达", "休息", "草莓", "冷藏", "泗阳县", "苏N12345", "道路（OSRM）"]),
        (
            "en",
            [
                "Driver&#39;s sheet",
                "Fetch",
                "Bring",
                "Break",
                "Strawberry",
                "chilled",
                "泗阳县",
                "苏N12345",
                "road (OSRM)",
            ],
        ),
    ],
)
async def test_a_sheet_says_where_and_when_and_how_much_and_whom_to_ask_for(
    client: httpx.AsyncClient,
    db: Database,
    vault: Vault,
    signer: Signer,
    logistics: LogisticsService,
    language: Language,
    words: list[str],
) -> None:
    farm, shop = await someone(db, vault, "草莓园 <b>"), await someone(db, vault, "Nanjing Fresh")
    await with_phone(db, vault, farm.id)
    headers = bearer(signer, "carrier")
    logistics.token, logistics.plan = headers["Authorization"], plan(farm.id, shop.id)
    answer = await client.get(f"/v1/routes/{PLAN}/sheet?lang={language}", headers=headers)
    assert (answer.status_code, answer.headers["content-language"]) == (200, language)
    assert answer.headers["content-type"].startswith("text/html")
    lot = logistics.plan["vehicles"][0]["stops"][0]["shipment_id"]
    for each in [
        *words,
        lot[-6:],
        "1,310",
        "300.5",
        "480.4",
        "06:30",
        "06:45",
        "11:00",
        "09:00",
        "Nanjing Fresh",
        "138****5678",
    ]:
        assert each in answer.text, each
    assert "草莓园 &lt;b&gt;" in answer.text
    assert PHONE not in answer.text
    assert PHONE.removeprefix("+86") not in answer.text
    assert "<script" not in answer.text


async def test_who_may_not_read_the_plan_gets_no_sheet(
    client: httpx.AsyncClient, signer: Signer, logistics: LogisticsService
) -> None:
    path = f"/v1/routes/{PLAN}/sheet"
    logistics.token, logistics.plan = "of another carrier", plan(uuid4())
    theirs = await client.get(path, headers=bearer(signer, "carrier"))
    missing = await client.get(f"/v1/routes/{uuid4()}/sheet", headers=bearer(signer, "carrier"))
    assert (theirs.status_code, theirs.json()) == (404, missing.json())
    asked = len(logistics.asked)
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers=bearer(signer, "citizen"))).status_code == 403
    assert len(logistics.asked) == asked, "nobody else is even asked for"


@pytest.mark.parametrize("is_listed", [True, False])
async def test_vehicles_are_asked_for_at_once_and_one_by_one_only_beyond_what_a_list_tells(
    client: httpx.AsyncClient, signer: Signer, logistics: LogisticsService, is_listed: bool
) -> None:
    headers = bearer(signer, "carrier")
    logistics.token, logistics.plan = headers["Authorization"], plan(uuid4())
    logistics.listed = logistics.listed if is_listed else []
    page = await client.get(f"/v1/routes/{PLAN}/sheet", headers=headers)
    assert "苏N12345" in page.text
    alone = [] if is_listed else [f"/v1/vehicles/{VAN}"]
    assert logistics.asked == [f"/v1/routes/{PLAN}", "/v1/vehicles", *alone]


@pytest.mark.parametrize(("status", "words"), [("planning", "being planned"), ("failed", "has failed")])
async def test_a_plan_without_routes_says_how_it_stands(
    client: httpx.AsyncClient, signer: Signer, logistics: LogisticsService, status: str, words: str
) -> None:
    headers = bearer(signer, "carrier")
    logistics.token = headers["Authorization"]
    logistics.plan = plan(uuid4(), status=status, vehicles=[], distance_source=None)
    answer = await client.get(f"/v1/routes/{PLAN}/sheet?lang=en", headers=headers)
    assert answer.status_code == 200
    assert words in answer.text


async def test_who_came_from_the_plan_gets_back_to_it_and_a_button_that_prints(
    client: httpx.AsyncClient, signer: Signer, logistics: LogisticsService
) -> None:
    headers = bearer(signer, "carrier") | {"Accept-Language": "en"}
    logistics.token, logistics.plan = headers["Authorization"], plan(uuid4())
    page = (await client.get(f"/carrier/routes/{PLAN}/sheet", headers=headers)).text
    assert f'<a class="link" href="/carrier/routes/{PLAN}">← Route 11-24 06:00</a>' in page
    assert '<button id="print" type="button" hidden>' in page, "a script shows it, which it is nothing without"
    assert "/static/print.js" in page
    assert "print" not in (await client.get(f"/v1/routes/{PLAN}/sheet", headers=headers)).text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_a_driver_is_told_in_plain_words_how_distances_are_reckoned(
    client: httpx.AsyncClient, signer: Signer, logistics: LogisticsService, language: Language
) -> None:
    headers = bearer(signer, "carrier")
    logistics.token, logistics.plan = headers["Authorization"], plan(uuid4(), distance_source="great_circle")
    page = (await client.get(f"/v1/routes/{PLAN}/sheet?lang={language}", headers=headers)).text
    more = round((DETOUR - 1) * 100)
    said = {"zh-CN": "里程是估算的：直线距离加三成。", "en": f"estimated: as the crow flies, plus {more}%."}
    assert more == 30, "三成"
    assert said[language] in page
    assert "great circle" not in page
    assert "大圆" not in page


def test_stops_and_breaks_come_in_their_order_by_the_clocks_of_china() -> None:
    farm = uuid4()
    (sheet,) = sheets(plan(farm), {str(VAN): "van"}, {farm: Contact("farm", None)}, "en")
    assert [line.kind for line in sheet.lines] == ["pickup", "break", "delivery"]
    assert sheet.departs == datetime(2026, 11, 24, 6, tzinfo=CHINA)
    assert [line.contact and line.contact.name for line in sheet.lines] == ["farm", None, None]
    assert sheet.lines[2].place == "", "a hub is a point"


async def test_what_is_left_over_is_counted_with_the_punctuation_of_the_readers_language(
    client: httpx.AsyncClient, signer: Signer, logistics: LogisticsService
) -> None:
    headers = bearer(signer, "carrier")
    logistics.token, logistics.plan = headers["Authorization"], plan(uuid4(), unassigned=[{}, {}])
    for language, words in (("zh-CN", "未能安排的运单：2"), ("en", "Shipments left over: 2")):
        assert words in (await client.get(f"/v1/routes/{PLAN}/sheet?lang={language}", headers=headers)).text
