"""The demonstration, small: the same totals whoever dies on the way, and rounds that are worth what they can be."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import pytest

from catalogue.days import CHINA
from tests.support.postgres import temporary_folder
from tests.system.conftest import DUIJIE, Standalone, until
from tests.system.oracle import optimal_value_fen

pytestmark = pytest.mark.long

LISTINGS, ORDERS, PARCELS = 100, 40, 120
SIZE = ("--listings", str(LISTINGS), "--orders", str(ORDERS), "--parcels", str(PARCELS))
SEED = "7"


@contextmanager
def playing(platform: Standalone, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [DUIJIE, "demo", "--url", platform.url, "--seed", SEED, "--data", platform.folder, *SIZE]
    with output.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as player:
        try:
            yield player
        finally:
            player.kill()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Standalone, dict[str, Any], str]]:
    """A platform on which the demonstration was played to its end, its totals and what it printed."""
    output = tmp_path_factory.mktemp("demo") / "output"
    with temporary_folder() as folder:
        platform = Standalone(folder / "data")
        platform.start()
        try:
            with playing(platform, output) as player:
                assert player.wait(240) == 0, output.read_text()
            yield platform, json.loads((platform.folder / "demo.json").read_text()), output.read_text()
        finally:
            platform.stop()


Played = tuple[Standalone, dict[str, Any], str]


def everything(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = client.get(path, params={"limit": 500, **after}).json()
        items += page["items"]
        if page["next"] is None:
            return items
        after = {"after": page["next"]}


def test_it_ends_with_its_table_and_its_totals(undisturbed: Played) -> None:
    platform, totals, printed = undisturbed
    assert "demo done" in printed
    assert f"Open {platform.url} and look in" in printed.split("demo done")[0].splitlines()[-1], "what to do next"
    for said in ("offered", "matched", "saved from spoiling", "certified gap", "driven", "parcels subsidised"):
        assert said in printed
    assert (totals["listings"], totals["orders"]) == (LISTINGS, ORDERS)
    assert totals["certified_gap"] == 0
    assert totals["greedy_value_fen"] < totals["value_fen"]
    assert totals["parcels"] >= PARCELS
    assert totals["driven_m"] > 0
    for fund in (totals["courier"], totals["produce"]):
        assert sum(fund[f"{state}_fen"] for state in ("available", "reserved", "posted", "paid")) == fund["budget_fen"]


def test_every_round_is_worth_what_highs_finds_in_the_same_market(undisturbed: Played) -> None:
    platform, totals, _ = undisturbed
    admin = platform.caller("admin", "auditor of rounds")
    listings, orders = everything(admin, "/v1/listings"), everything(admin, "/v1/orders")
    rounds = everything(admin, "/v1/rounds")
    assert sum(each["value"] for each in rounds) == pytest.approx(totals["value_fen"])
    for cleared in rounds:
        market = [[row for row in rows if row["produce"] == cleared["produce"]] for rows in (listings, orders)]
        # the surface says values to a thousandth of a fen; HiGHS works in doubles
        assert cleared["value"] == pytest.approx(optimal_value_fen(*market), abs=0.01), cleared["produce"]
        assert cleared["certified_gap"] == 0


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def reports(client: httpx.Client, shipment: dict[str, Any]) -> dict[str, datetime]:
    """When what happened to it, in the order in which it was told."""
    items = client.get(f"/v1/shipments/{shipment['id']}/events").json()["items"]
    return {each["type"]: at(each["at"]) for each in items}


def test_every_lot_was_picked_before_it_was_posted_and_arrives_in_time_and_unspoiled(
    undisturbed: Played,
) -> None:
    platform, _, _ = undisturbed
    admin = platform.caller("admin", "auditor of times")
    lots = {each["id"]: each for each in everything(admin, "/v1/listings")}
    orders = {each["id"]: each for each in everything(admin, "/v1/orders")}
    assert [lot["id"] for lot in lots.values() if at(lot["harvested_at"]) > at(lot["created_at"])] == []
    matches = everything(admin, "/v1/matches")
    assert matches
    for match in matches:
        lot, order = lots[match["listing_id"]], orders[match["order_id"]]
        assert max(at(lot["available_from"]), at(match["created_at"])) < at(match["arrives_at"])
        assert at(match["arrives_at"]) <= at(order["deliver_by"]) <= at(lot["spoils_at"])
        assert at(order["deliver_from"]) < at(match["arrives_at"])


def test_every_shipment_is_fetched_once_it_is_ready_and_handed_over_after_that(undisturbed: Played) -> None:
    platform, totals, _ = undisturbed
    admin = platform.caller("admin", "auditor of times")
    matches = {each["id"]: each for each in everything(admin, "/v1/matches")}
    shipments, now = everything(admin, "/v1/shipments"), datetime.now(UTC)
    happened = {"open": [], "claimed": [], "picked_up": ["picked_up"], "delivered": ["picked_up", "delivered"]}
    for shipment in shipments:
        told = reports(admin, shipment)
        assert list(told) == happened[shipment["status"]]
        agreed_at = at(matches[shipment["match_id"]]["created_at"])
        times = [agreed_at, at(shipment["ready_at"]), *told.values(), now] if told else [agreed_at, now]
        assert times == sorted(times)
        assert told or at(shipment["ready_at"]) > now, "whoever could fetch it has"
    states = Counter(shipment["status"] for shipment in shipments)
    assert states["delivered"] == totals["delivered"] > 0
    assert states["picked_up"] > 0, "something is on the road to look at"


def test_routes_of_tomorrow_carry_what_nobody_has_fetched_and_come_when_it_is_ready(undisturbed: Played) -> None:
    platform, totals, _ = undisturbed
    admin = platform.caller("admin", "auditor of times")
    shipments = {each["id"]: each for each in everything(admin, "/v1/shipments")}
    routes, now = everything(admin, "/v1/routes"), datetime.now(UTC)
    assert sum(len(each["vehicles"]) for each in routes) == totals["routes"] > 0
    stops = [stop for route in routes for vehicle in route["vehicles"] for stop in vehicle["stops"]]
    for stop in stops:
        shipment = shipments[stop["shipment_id"]]
        assert shipment["status"] == "claimed"
        assert max(now, at(shipment["ready_at"])) <= at(stop["arrival"]) <= at(shipment["deliver_by"])


def test_nothing_is_paid_for_before_it_was_handed_over_nor_before_its_programme_began(undisturbed: Played) -> None:
    platform, _, _ = undisturbed
    admin, auditor = platform.caller("admin", "auditor of times"), platform.caller("auditor", "auditor of money")
    told = {each["match_id"]: reports(admin, each) for each in everything(admin, "/v1/shipments")}
    parcels = {each["parcel_id"]: each for each in everything(admin, "/v1/parcels")}
    assert {parcels[each]["status"] for each in parcels} <= {"accepted", "delivered", "returned"}
    paid: Counter[str] = Counter()
    for programme in everything(auditor, "/v1/programmes"):
        assert at(programme["starts_at"]).astimezone(CHINA).time() == time(0), "from the beginning of a day"
        assert at(programme["starts_at"]) <= at(programme["created_at"])
        for transfer in everything(auditor, f"/v1/programmes/{programme['id']}/transfers"):
            assert at(programme["created_at"]) <= at(transfer["at"])
            if transfer["kind"] != "post":
                continue
            paid[programme["kind"]] += 1
            # its parcels are handed over one by one before all of it is
            step = "picked_up" if programme["kind"] == "courier_parcel" else "delivered"
            assert told[transfer["match_id"]][step] < at(transfer["at"])
            if programme["kind"] == "courier_parcel":
                parcel = parcels[transfer["parcel_id"]]
                assert parcel["status"] in {"delivered", "returned"}
                assert at(parcel["registered_at"]) < at(transfer["at"])
    assert paid["produce_support"] > 0
    assert paid["courier_parcel"] > 0


def test_the_platform_stays_up_to_be_looked_at(undisturbed: Played) -> None:
    platform, _, _ = undisturbed
    anyone = platform.caller("citizen", "reader")
    board = anyone.get("/v1/board", params={"limit": 500}).json()["items"]
    assert sum(each["sold_kg"] for each in board) > 0
    assert any(each["photos"] for each in board)
    assert anyone.get("/readyz").status_code == 200
    again = subprocess.run(
        [DUIJIE, "demo", "--url", platform.url, "--seed", SEED, "--data", platform.folder, *SIZE],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    next_step, done, *_ = again.stdout.splitlines()
    assert (next_step[:5], done) == ("Open ", "demo done"), "a finished demonstration is only shown again"


def test_another_seed_needs_a_store_of_its_own(undisturbed: Played) -> None:
    platform, _, _ = undisturbed
    refused = platform.run("demo", "--url", platform.url, "--seed", "8")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "holds the world of seed-7" in refused.stderr


def test_killed_in_the_middle_and_started_again_it_comes_to_the_same(undisturbed: Played, tmp_path: Path) -> None:
    _, totals, _ = undisturbed
    with temporary_folder() as folder:
        platform = Standalone(folder / "data")
        platform.start()
        try:
            with playing(platform, tmp_path / "output") as player:
                for steps in (60, 200):
                    until(lambda steps=steps: noted(platform) > steps or player.poll() is not None, within_s=120)
                    assert player.poll() is None, "it is not over yet"
                    platform.kill()
                    sleep(0.2)
                    platform.start()
                assert player.wait(240) == 0, (tmp_path / "output").read_text()
            assert json.loads((platform.folder / "demo.json").read_text()) == totals
            admin = platform.caller("admin", "counter")
            assert len(everything(admin, "/v1/listings")) == totals["listings"]
            assert len(everything(admin, "/v1/orders")) == totals["orders"]
        finally:
            platform.stop()


def noted(platform: Standalone) -> int:
    journal = platform.folder / "demo" / f"seed-{SEED}.jsonl"
    return journal.read_text().count("\n") if journal.exists() else 0
