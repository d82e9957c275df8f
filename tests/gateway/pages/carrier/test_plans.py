"""What a plan leaves behind: told with why and what would do, and carried into the form that plans it again."""

import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from gateway.pages.carrier.plans import LEFT_SHOWN, SHIPMENTS_MAX, VEHICLES_MAX
from services.logistics.routes import schemas
from services.logistics.shipments.schemas import IDS_MAX
from tests.gateway.pages.carrier.test_carrier import CARRIER, EN, PLAN, VAN, a_shipment, a_van
from tests.gateway.pages.played import Asked, Played

LISTED, BEHIND, GONE = (str(uuid4()) for _ in range(3))
ZH = {"Accept-Language": "zh-CN"}


def carries(played: Played, listed: list[str], *behind: str, carrier_id: UUID | None = None) -> None:
    """Those in the lists, that carrier's where it is named; and those that have to be asked for."""
    items = [a_shipment(each, "110101", carrier_id) for each in listed]
    found = {each: a_shipment(each, "321323") for each in behind}

    def told(asked: Asked) -> dict[str, Any]:
        wanted = asked.query.get("id", [])
        return {"items": [found[each] for each in wanted if each in found] if wanted else items, "next": None}

    played.say("/v1/shipments", told)


def looked_up(played: Played) -> list[list[str]]:
    """The ids that were asked for, by question."""
    asked = played.requests("GET", "/v1/shipments")
    return [each.query["id"] for each in asked if "id" in each.query]


@pytest.fixture
def logistics() -> Played:
    """One shipment is in the lists, one behind what they show, and one was claimed by another."""
    played = Played()
    carries(played, [LISTED], BEHIND)
    played.say("/v1/vehicles", {"items": [a_van()], "next": None})
    played.say("/v1/routes", {"items": [], "next": None})
    return played


def left_behind(*ids: str, **more: Any) -> dict[str, Any]:
    left = [{"shipment_id": each, "reasons": ["shift"], "change": None} | more for each in ids]
    departs = {"depart_at": "2126-11-29T10:00:00Z", "vehicles": [], "unassigned": left, "distance_source": None}
    return {"id": PLAN, "status": "planned", **departs}


async def test_what_was_left_behind_is_named_and_ticked_wherever_the_lists_end(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    logistics.say(f"/v1/routes/{PLAN}", left_behind(BEHIND, GONE))
    form = (await client.get(f"/carrier/routes?again={PLAN}", headers=carrier)).text
    shipments = re.findall(r'name="shipment" value="([^"]+)"( checked)?><span>Strawberry', form)
    assert shipments == [(BEHIND, " checked"), (LISTED, "")]
    assert "What the plan of 11-29 18:00 left behind is ticked below" in form
    assert "Not among them: 1," in form


async def test_a_refused_form_still_has_what_was_ticked_in_it(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    logistics.refuse("/v1/routes", "invalid-input", 422)
    ticked = {"shipment": [BEHIND, "../routes"], "vehicle": VAN}
    page = (await client.post("/carrier/routes", data=ticked, headers=carrier)).text
    assert re.findall(r'name="shipment" value="([^"]+)" checked', page) == [BEHIND]
    assert looked_up(logistics) == [[BEHIND]]


async def test_so_many_are_named_and_the_rest_is_counted(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    ids = [str(uuid4()) for _ in range(LEFT_SHOWN + 7)]
    carries(logistics, [LISTED], *ids)
    logistics.say(f"/v1/routes/{PLAN}", left_behind(*ids))
    form = (await client.get(f"/carrier/routes?again={PLAN}", headers=carrier)).text
    assert form.count(" checked><span>Strawberry") == LEFT_SHOWN
    assert "Not among them: 7," in form


def fields_of(form: str) -> dict[str, list[str]]:
    """What the form of a page is sent with, its boxes as they are ticked."""
    names = {name: re.findall(rf'name="{name}" value="([^"]+)" checked', form) for name in ("shipment", "vehicle")}
    return names | {"key": re.findall(r'name="key" value="([^"]+)"', form)[:1], "place": [""], "depart_at": [""]}


async def test_the_form_of_all_that_can_be_ticked_can_be_sent(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    """As long as its lists may be: what is claimed and what is open, and what the plan left behind, first of what is
    listed and then of what is not, beside as many vehicles as are shown."""
    own, others = ([str(uuid4()) for _ in range(count)] for count in (98, LEFT_SHOWN + 7))
    carries(logistics, own, *others, carrier_id=CARRIER)
    vans = [a_van(id=str(uuid4())) for _ in range(VEHICLES_MAX)]
    logistics.say("/v1/vehicles", {"items": vans, "next": None})
    logistics.say(f"/v1/routes/{PLAN}", left_behind(*own, *others))
    logistics.say("/v1/routes", {"id": PLAN}, method="POST")
    for path, ticked in (("/carrier/routes", own), (f"/carrier/routes?again={PLAN}", [*own, *others[:2]])):
        sent = fields_of((await client.get(path, headers=carrier)).text)
        assert (sent["shipment"], len(sent["vehicle"])) == (ticked, VEHICLES_MAX)
        answer = await client.post("/carrier/routes", data=sent, headers=carrier)
        assert answer.status_code == 303, answer.text
        assert logistics.requests("POST", "/v1/routes")[-1].body["shipment_ids"] == ticked


async def test_the_form_of_a_plan_takes_what_the_api_plans_at_once(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    assert (SHIPMENTS_MAX, VEHICLES_MAX) == (schemas.SHIPMENTS_MAX, schemas.VEHICLES_MAX)
    logistics.say("/v1/routes", {"id": PLAN}, method="POST")
    ids = {name: [str(uuid4()) for _ in range(most)] for name, most in (("shipment", 500), ("vehicle", 200))}
    assert (await client.post("/carrier/routes", data=ids, headers=carrier)).status_code == 303
    sent = logistics.requests("POST", "/v1/routes")[-1].body
    assert (sent["shipment_ids"], sent["vehicle_ids"]) == (ids["shipment"], ids["vehicle"])


async def test_where_nothing_can_be_ticked_no_ticks_are_spoken_of(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    assert "when no shipment is ticked" in (await client.get("/carrier/routes", headers=carrier)).text
    carries(logistics, [])
    page = (await client.get("/carrier/routes", headers=carrier)).text
    assert "All there is to carry from" in page
    assert "ticked" not in page


async def test_nothing_ticked_and_no_place_named_is_asked_for_in_words_for_people(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    page = await client.post("/carrier/routes", data={"vehicle": VAN}, headers=carrier)
    assert page.status_code == 422
    assert '<p class="fault" id="place-fault">Tick shipments, or name the place to carry from.</p>' in page.text
    assert logistics.requests("POST", "/v1/routes") == []


async def test_a_plan_that_took_nothing_says_so_why_and_what_to_do(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    plan = left_behind(BEHIND, change={"change": "vehicle", "to": None, "vehicle_id": VAN})
    logistics.say(f"/v1/routes/{PLAN}", plan)
    logistics.say("/v1/routes", {"items": [plan], "next": None})
    page = (await client.get(f"/carrier/routes/{PLAN}", headers=carrier)).text
    assert "None of these shipments could be carried" in page
    assert "Shipments left over (1)" in page
    assert "Why: not back within the shift" in page
    assert "One more vehicle like 苏N·12345 would take it." in page
    listed = (await client.get("/carrier/routes", headers=carrier)).text
    assert '<span class="badge soon">nothing carried</span>' in listed


async def test_what_a_plan_left_behind_is_looked_up_by_one_question(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    assert LEFT_SHOWN <= IDS_MAX
    ids = [str(uuid4()) for _ in range(LEFT_SHOWN + 7)]
    carries(logistics, [], *ids)
    logistics.say(f"/v1/routes/{PLAN}", left_behind(*ids))
    for path in (f"/carrier/routes/{PLAN}", f"/carrier/routes?again={PLAN}"):
        logistics.asked.clear()
        assert (await client.get(path, headers=carrier)).status_code == 200
        assert looked_up(logistics) == [ids[:LEFT_SHOWN]]
        assert not any(each.path.startswith("/v1/shipments/") for each in logistics.asked)


async def test_a_plan_of_a_place_where_there_was_nothing_says_that(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    logistics.say(f"/v1/routes/{PLAN}", left_behind())
    page = (await client.get(f"/carrier/routes/{PLAN}", headers=carrier)).text
    assert "There was nothing to carry from there" in page


@pytest.mark.parametrize(
    ("change", "to", "en", "zh"),
    [
        ("deliver_by", "2126-11-30T01:00:00Z", "as late as 11-30 09:00.", "同意 11-30 09:00 前送到"),
        ("min_remaining_life_h", 12, "with 12 h left to keep.", "还能放 12 小时"),
        ("quantity_kg", 1200.5, "1,200.5 kg of it would fit.", "其中 1,200.5 公斤装得下"),
        ("shift_end", "2126-11-29T15:00:00Z", "stayed out until 11-29 23:00.", "若到 11-29 23:00 才收车"),
        ("on_board_max_h", 9, "with 9 h on the road.", "在途若可达 9 小时"),
        ("prize_fen_per_kg", 150, "at 1.50 CNY/kg.", "每公斤若值 1.50 元"),
        ("temperature_class", "frozen", "took frozen goods.", "若能运冷冻货"),
        ("area", "321323", "served 江苏省宿迁市泗阳县.", "若服务江苏省宿迁市泗阳县"),
        ("vehicle", None, "One more vehicle like 苏N·12345", "再有一辆和 苏N·12345 一样的车"),
    ],
)
async def test_the_change_that_alone_would_be_enough_is_told_in_words(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played, change: str, to: object, en: str, zh: str
) -> None:
    plan = left_behind(BEHIND, change={"change": change, "to": to, "vehicle_id": VAN})
    logistics.say(f"/v1/routes/{PLAN}", plan)
    assert en in (await client.get(f"/carrier/routes/{PLAN}", headers=carrier)).text
    assert zh in (await client.get(f"/carrier/routes/{PLAN}", headers=carrier | ZH)).text


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("00:00", "00:00", ["All day", "全天"]),
        ("06:00", "20:00", ["Shift 06:00 – 20:00", "班次 06:00 – 20:00"]),
        ("06:00", "00:00", ["Shift 06:00 – 24:00", "班次 06:00 – 24:00"]),
        ("20:00", "06:00", ["Shift 20:00 – 06:00 the next day", "班次 20:00 – 次日 06:00"]),
    ],
)
async def test_a_shift_says_that_it_is_all_day_or_ends_the_next_day(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played, start: str, end: str, words: list[str]
) -> None:
    logistics.say("/v1/vehicles", {"items": [a_van(shift={"start": start, "end": end})], "next": None})
    for language, told in zip((EN, ZH), words, strict=True):
        assert f"{told} ·" in (await client.get("/carrier/vehicles", headers=carrier | language)).text


@pytest.mark.parametrize(
    ("reasons", "helps"),
    [
        (["shift"], True),
        (["shift", "spoils_before_arrival"], False),
        (["break", "window"], False),
        (["capacity"], False),
    ],
)
async def test_to_leave_later_is_proposed_only_where_nothing_gets_worse_by_it(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played, reasons: list[str], helps: bool
) -> None:
    logistics.say(f"/v1/routes/{PLAN}", left_behind(BEHIND, reasons=reasons))
    page = (await client.get(f"/carrier/routes/{PLAN}", headers=carrier)).text
    assert ("another departure would leave time enough" in page) is helps
    form = (await client.get(f"/carrier/routes?again={PLAN}", headers=carrier)).text
    assert 'value="2126-11-30T06:00"' in form if helps else 'value="2126-11-29T18:00"' in form


@pytest.mark.parametrize(("departs", "is_told"), [("2026-11-28T10:00:00Z", True), ("2126-11-29T10:00:00Z", False)])
async def test_what_is_not_ready_when_a_plan_leaves_is_said_to_be(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played, departs: str, is_told: bool
) -> None:
    logistics.say(f"/v1/routes/{PLAN}", left_behind(BEHIND) | {"depart_at": departs})
    page = (await client.get(f"/carrier/routes/{PLAN}", headers=carrier)).text
    assert ("It can be fetched from 11-29 08:00 on." in page) is is_told
