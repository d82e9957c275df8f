"""Who carries what in the demonstration, and what of it becomes parcels."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.days import CHINA
from duijie.demo import road, stage
from duijie.demo.client import Refused
from duijie.demo.journal import Journal
from duijie.demo.market import SUPPORT_FEN_PER_KG
from duijie.demo.progress import Stages
from duijie.demo.road import (
    ARRAY,
    PARCEL_G,
    PARCELS_PER_MATCH,
    Deal,
    carry,
    chunks,
    deals,
    parcels_of,
    plan,
    until_supported,
)
from duijie.demo.stage import Play
from duijie.demo.world import CARRIERS, Size, World

WORLD = World(1, datetime(2026, 11, 23, 9, 30, tzinfo=CHINA), Size(listings=10, orders=10, parcels=10))
PLAY = Play(None, None, WORLD, None)  # type: ignore[arg-type]  # what is pure of it needs the world alone


def deal(quantity_kg: float = 10, adcode: str = "321323", lot: int = 1, wish: int = 2) -> Deal:
    match = {
        "id": "m",
        "quantity_kg": quantity_kg,
        "origin": {"adcode": adcode},
        "destination": {"adcode": "320102"},
    }
    return Deal(lot, wish, match, {"id": "s"})


def test_a_county_has_one_carrier() -> None:
    assert deal(adcode="321323", lot=1).carrier == deal(adcode="321323", lot=7).carrier
    assert {deal(adcode=str(number)).carrier for number in range(100000, 100012)} == set(CARRIERS)


class Platform:
    """Plans at once, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def post(self, account: str, path: str, body: Any, *, key: str) -> dict[str, str]:
        if path == "/v1/routes":
            self.asked.append({"key": key, **body})
        return {"id": key}

    async def get(self, account: str, path: str) -> dict[str, str]:
        return {"status": "planned", "id": path.removeprefix("/v1/routes/")}


async def test_routes_depart_tomorrow_morning_and_at_once_when_gone_on_with_later(tmp_path: Path) -> None:
    now, platform = datetime.now(UTC), Platform()
    for began, key in ((now, "route/321323"), (now - timedelta(days=3), "route/321323/now")):
        world = World(1, began, WORLD.size)
        play = Play(platform, Journal(tmp_path / str(world.day)), world, None)  # type: ignore[arg-type]
        assert (await plan(play, "321323", [deal()]))["id"] == key
        assert (await plan(play, "321323", [deal()]))["id"] == key, "asked once"
    in_time, late = platform.asked
    assert datetime.fromisoformat(in_time["depart_at"]) > datetime.now(UTC)
    assert "depart_at" not in late


async def test_a_route_that_was_planned_in_time_is_not_asked_for_again(tmp_path: Path) -> None:
    journal, platform = Journal(tmp_path / "journal"), Platform()
    journal.note("route/321323", {"id": "planned before"})
    world = World(1, datetime.now(UTC) - timedelta(days=3), WORLD.size)
    found = await plan(Play(platform, journal, world, None), "321323", [deal()])  # type: ignore[arg-type]
    assert (found["id"], platform.asked) == ("planned before", [])


class Opening:
    """So many of ten matches of lots and orders of the world have a shipment, one look after the other."""

    def __init__(self, *opened: int) -> None:
        self.opened = list(opened)

    async def every(self, account: str, path: str, **filters: str) -> list[dict[str, Any]]:
        if path == "/v1/matches":
            return [
                {"id": f"m{each}", "listing_id": f"l{each}", "order_id": f"o{each}", "status": "agreed"}
                for each in range(10)
            ]
        opened = self.opened.pop(0) if len(self.opened) > 1 else self.opened[0]
        return [{"id": f"s{each}", "match_id": f"m{each}"} for each in range(opened)]


@pytest.fixture
def posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """The world is posted, and nobody waits long."""
    monkeypatch.setattr(stage, "POLL_S", 0.01)
    monkeypatch.setattr(stage, "STALLED_S", 0.05)
    journal = Journal(tmp_path / "journal")
    for each in range(10):
        journal.note(f"lot/{each}", {"id": f"l{each}"})
        journal.note(f"order/{each}", {"id": f"o{each}"})
    return journal


async def test_shipments_are_waited_for_as_long_as_more_come(posted: Journal) -> None:
    slowly = [opened for opened in range(11) for _ in range(4)]
    play = Play(Opening(*slowly), posted, WORLD, Stages(None))  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        found = await deals(play)
    assert [(deal.lot, deal.shipment["id"]) for deal in found] == [(each, f"s{each}") for each in range(10)]


async def test_where_no_more_shipments_come_the_play_ends_and_says_how_many_there_are(posted: Journal) -> None:
    play = Play(Opening(0, 3, 7), posted, WORLD, Stages(None))  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        with pytest.raises(Refused, match="matches with a shipment: 7 of 10, and nothing more has come for"):
            await deals(play)


class Planner(Platform):
    """Never has a plan ready."""

    async def get(self, account: str, path: str) -> dict[str, str]:
        return {"status": "planning"}


async def test_a_route_that_is_planned_for_ever_ends_the_play(posted: Journal) -> None:
    play = Play(Planner(), posted, WORLD, None)  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        with pytest.raises(Refused, match="the route of 321323: planning, and nothing more"):
            await plan(play, "321323", [deal()])


class Road:
    """Keeps what it was told, in its order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    async def post(self, account: str, path: str, body: Any, *, key: str) -> dict[str, str]:
        self.told.append((path, body))
        return {}


async def test_each_thing_is_told_after_it_happened_and_before_what_follows_from_it(tmp_path: Path) -> None:
    platform, began = Road(), datetime.now(UTC) - timedelta(seconds=5.5)
    world = World(1, began, Size(listings=40, orders=10, parcels=10))
    play = Play(platform, Journal(tmp_path / "journal"), world, Stages(None))  # type: ignore[arg-type]
    carried = [
        replace(each, match=each.match | {"id": f"m{number}"}, shipment={"id": f"s{number}"})
        for number in range(30)
        for each in [deal(quantity_kg=100, lot=number)]
    ]
    parcels = {carrier: [] for carrier in CARRIERS} | {carried[0].carrier: _all_parcels(play, carried)}
    arrived = await carry(play, carried, parcels)
    steps: list[tuple[str, datetime, str]] = []
    for path, body in platform.told:
        of = "parcel" if path.endswith("/scans") else "shipment"
        steps += [(f"{of} {each['type']}", datetime.fromisoformat(each["at"]), path) for each in listed(body)]
    order = ["shipment picked_up", "parcel accepted", "parcel delivered", "shipment delivered", "parcel returned"]
    assert list(dict.fromkeys(kind for kind, _, _ in steps)) == order
    times = [at for _, at, _ in steps]
    assert times == sorted(times)
    assert world.opens_at <= times[0] <= times[-1] <= datetime.now(UTC)
    scans = [each for path, body in platform.told if path.endswith("/scans") for each in body]
    assert {each["adcode"] for each in scans if each["type"] == "delivered"} == {"320102"}
    assert {each["adcode"] for each in scans if each["type"] == "accepted"} == {"321323"}
    on_the_road = [each for each in carried if each not in arrived]
    assert carried[-1] in on_the_road
    still_there = {parcel["waybill"] for each in on_the_road for parcel in parcels_of(play, each)}
    assert [each for each in scans if each["type"] != "accepted" and each["waybill"] in still_there] == []
    seen_in: dict[str, set[str]] = {}
    for each in scans:
        seen_in.setdefault(each["waybill"], set()).add(each["adcode"])
    assert seen_in.keys() == {parcel["waybill"] for parcel in parcels[carried[0].carrier]}, "something is known of each"
    hurried = sum(len(counties) > 1 for counties in seen_in.values())
    assert 0 < hurried <= len(seen_in) / 200, "crossed the country in a moment, for which a statement is flagged"


def _all_parcels(play: Play, carried: list[Deal]) -> list[dict[str, Any]]:
    return [parcel for each in carried for parcel in parcels_of(play, each)]


def listed(body: Any) -> list[Any]:
    return body if isinstance(body, list) else [body]


class Fund:
    """A programme that had these sums posted, one look after the other; the last stays."""

    def __init__(self, *posted_fen: int) -> None:
        self._posted_fen = list(posted_fen)

    async def get(self, account: str, path: str) -> dict[str, int]:
        return {"posted_fen": self._posted_fen.pop(0) if len(self._posted_fen) > 1 else self._posted_fen[0]}


async def supported(monkeypatch: pytest.MonkeyPatch, *posted_fen: int, quiet_s: float) -> int:
    monkeypatch.setattr(road, "POLL_S", 0.01)
    play = Play(Fund(*posted_fen), None, WORLD, Stages(None))  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        found = await until_supported(play, "p", [deal(quantity_kg=10), deal(quantity_kg=5)], quiet_s=quiet_s)
    posted: int = found["posted_fen"]
    return posted


async def test_support_is_there_when_it_is_what_the_rule_says(monkeypatch: pytest.MonkeyPatch) -> None:
    whole_fen = 15 * SUPPORT_FEN_PER_KG
    assert await supported(monkeypatch, 0, 5 * SUPPORT_FEN_PER_KG, whole_fen, whole_fen + 1, quiet_s=60) == whole_fen


@pytest.mark.parametrize("posted_fen", [5 * SUPPORT_FEN_PER_KG, 16 * SUPPORT_FEN_PER_KG])
async def test_where_another_programme_pays_or_this_one_pays_others_it_goes_on_all_the_same(
    monkeypatch: pytest.MonkeyPatch, posted_fen: int
) -> None:
    assert await supported(monkeypatch, 0, posted_fen, quiet_s=0.1) == posted_fen


def test_a_deal_is_named_by_its_place_in_the_world_not_by_ids_drawn() -> None:
    assert deal(lot=3, wish=5).key == "3-5"


@given(st.integers(1, 10_000_000))
def test_parcels_weigh_less_than_their_match_so_that_its_shipment_fulfils_it(quantity_g: int) -> None:
    parcels = parcels_of(PLAY, deal(quantity_kg=quantity_g / 1000))
    assert sum(parcel["weight_g"] for parcel in parcels) < quantity_g
    assert len(parcels) == min((quantity_g - 1) // PARCEL_G, PARCELS_PER_MATCH)


def test_every_parcel_has_a_waybill_and_an_order_of_its_own() -> None:
    parcels = [parcel for lot in range(3) for parcel in parcels_of(PLAY, deal(quantity_kg=600, lot=lot))]
    assert len({parcel["waybill"] for parcel in parcels}) == len(parcels) == 3 * PARCELS_PER_MATCH
    assert len({parcel["order_ref"] for parcel in parcels}) == len(parcels)
    assert all(len(parcel["waybill"]) <= 64 for parcel in parcels)


@given(st.dictionaries(st.sampled_from(CARRIERS), st.integers(0, 3500)))
def test_arrays_are_what_the_surface_takes_and_lose_nothing(counts: dict[str, int]) -> None:
    parcels: dict[str, list[dict[str, Any]]] = {
        carrier: [{"n": number} for number in range(count)] for carrier, count in counts.items()
    }
    arrays = chunks(parcels)
    assert all(0 < len(array) <= ARRAY for _, array in arrays)
    joined: dict[str, list[dict[str, Any]]] = {carrier: [] for carrier in parcels}
    for carrier, array in arrays:
        joined[carrier] += array
    assert joined == parcels
