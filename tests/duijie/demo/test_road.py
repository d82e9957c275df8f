"""Who carries what in the demonstration, and what of it becomes parcels."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from duijie.demo.journal import Journal
from duijie.demo.road import ARRAY, PARCEL_G, PARCELS_PER_MATCH, Deal, chunks, parcels_of, plan
from duijie.demo.stage import Play
from duijie.demo.world import CARRIERS, CHINA, Size, World

WORLD = World(1, date(2026, 11, 23), Size(listings=10, orders=10, parcels=10))
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


async def test_routes_depart_when_the_market_opens_and_at_once_when_gone_on_with_later(tmp_path: Path) -> None:
    today, platform = datetime.now(CHINA).date(), Platform()
    for day, key in ((today, "route/321323"), (today - timedelta(days=3), "route/321323/now")):
        world = World(1, day, WORLD.size)
        play = Play(platform, Journal(tmp_path / str(day)), world, None)  # type: ignore[arg-type]
        assert (await plan(play, "321323", [deal()]))["id"] == key
        assert (await plan(play, "321323", [deal()]))["id"] == key, "asked once"
    in_time, late = platform.asked
    assert datetime.fromisoformat(in_time["depart_at"]) > datetime.now(UTC)
    assert "depart_at" not in late


async def test_a_route_that_was_planned_in_time_is_not_asked_for_again(tmp_path: Path) -> None:
    journal, platform = Journal(tmp_path / "journal"), Platform()
    journal.note("route/321323", {"id": "planned before"})
    world = World(1, datetime.now(CHINA).date() - timedelta(days=3), WORLD.size)
    found = await plan(Play(platform, journal, world, None), "321323", [deal()])  # type: ignore[arg-type]
    assert (found["id"], platform.asked) == ("planned before", [])


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
