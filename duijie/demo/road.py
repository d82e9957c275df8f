"""The second half: shipments are claimed, routed and carried, parcels registered and scanned, and support arrives."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from catalogue.places import get as place_of
from duijie.demo.market import SUPPORT_FEN_PER_KG
from duijie.demo.stage import ADMIN, GRAMS_PER_KG, OFFICER, POLL_S, Awaited, Play
from duijie.demo.world import CARRIERS

ROUTE_COUNTIES = 4
ROUTE_KM_MAX = 680
"""There and back within a day."""
ROUTE_LIMIT_S = 10
ROUTED = "routed"
"""The step that notes a carrier who has routes to show."""
REPORTED = {"picked_up": "shipments fetched", "delivered": "shipments delivered"}
PARCEL_G = 2_500
PARCELS_PER_MATCH = 200
ARRAY = 1000
QUIET_S = 60
"""Support comes within a second or two; after a kill within the time in which a platform starts."""

DELIVERED, RETURNED = range(97), range(96, 100)
"""The fates, of 100, of parcels that arrive: some are delivered and then returned."""
HURRIED_ONE_OF = 400

Parcel = dict[str, Any]
Parcels = dict[str, list[Parcel]]
"""Parcels by the carrier that registers them."""


@dataclass(frozen=True, slots=True)
class Deal:
    """An agreed match with its shipment, placed in the world: which lot, which order."""

    lot: int
    wish: int
    match: dict[str, Any]
    shipment: dict[str, Any]

    @property
    def key(self) -> str:
        """Its name in this demonstration, whatever ids the platform drew."""
        return f"{self.lot}-{self.wish}"

    @property
    def county(self) -> str:
        adcode: str = self.match["origin"]["adcode"]
        return adcode

    @property
    def carrier(self) -> str:
        """One carrier a county."""
        return CARRIERS[int(self.county) % len(CARRIERS)]

    @property
    def quantity_g(self) -> int:
        quantity_g: int = round(self.match["quantity_kg"] * GRAMS_PER_KG)
        return quantity_g


async def deals(play: Play) -> list[Deal]:
    """Every match of this world with its shipment, in the world's order, once all have one.

    Raises Refused when no more shipments are opened, though some are missing.
    """
    lots, wishes = play.index_of_lot(), play.index_of_wish()
    matches = [match for match in await play.matches() if match["status"] in {"agreed", "fulfilled"}]
    with play.stages.stage("shipments opened", len(matches)) as bar:
        awaited = Awaited("matches with a shipment")
        while True:
            shipments = {each["match_id"]: each for each in await play.client.every(ADMIN, "/v1/shipments")}
            opened = sum(match["id"] in shipments for match in matches)
            if opened == len(matches):
                break
            await awaited.pause(f"{opened} of {len(matches)}")
        bar.advance(len(matches))
    deals = [
        Deal(lots[match["listing_id"]], wishes[match["order_id"]], match, shipments[match["id"]]) for match in matches
    ]
    return sorted(deals, key=lambda deal: (deal.lot, deal.wish))


async def claim(play: Play, deals: Sequence[Deal]) -> None:
    async def take(deal: Deal) -> None:
        await play.once(deal.carrier, f"/v1/shipments/{deal.shipment['id']}/claim", None, f"claim/{deal.key}")

    await play.all("shipments claimed", deals, take)


def leaving(play: Play, deals: Sequence[Deal]) -> list[Deal]:
    """What can be fetched while the play lasts."""
    return [deal for deal in deals if not play.world.is_for_tomorrow(play.world.lots[deal.lot])]


def to_route(play: Play, deals: Sequence[Deal]) -> list[list[Deal]]:
    """Of the counties with the most to carry nearby, what can be fetched tomorrow."""
    near = [
        deal
        for deal in deals
        if play.world.is_for_tomorrow(play.world.lots[deal.lot]) and deal.match["distance_km"] <= ROUTE_KM_MAX
    ]
    busiest = sorted(Counter(deal.county for deal in near).items(), key=lambda each: (-each[1], each[0]))
    return [[deal for deal in near if deal.county == county] for county, _ in busiest[:ROUTE_COUNTIES]]


async def plan_routes(play: Play, routed: Sequence[Sequence[Deal]]) -> list[dict[str, Any]]:
    """One plan a county."""
    if routed and ROUTED not in play.journal:
        play.journal.note(ROUTED, routed[0][0].carrier)
    routes: list[dict[str, Any]] = []
    with play.stages.stage("counties routed", len(routed)) as bar:
        for deals in routed:
            routes.append(await plan(play, deals[0].county, deals))
            bar.advance()
    return routes


async def plan(play: Play, county: str, deals: Sequence[Deal]) -> dict[str, Any]:
    carrier = deals[0].carrier
    wanted: dict[str, Any] = {
        "shipment_ids": [deal.shipment["id"] for deal in deals],
        "vehicle_ids": [await vehicle(play, carrier, county, number) for number in (1, 2, 3)],
        "limit_s": ROUTE_LIMIT_S,
    }
    step = f"route/{county}"
    if step in play.journal or datetime.now(UTC) < play.world.tomorrow_at:
        wanted["depart_at"] = play.world.tomorrow_at.isoformat()
    else:
        step += (
            "/now"  # gone on with after that morning: nobody departs in the past, and another body needs its own key
        )
    path = f"/v1/routes/{(await play.once(carrier, '/v1/routes', wanted, step))['id']}"
    awaited = Awaited(f"the route of {county}")
    while (route := await play.client.get(carrier, path))["status"] == "planning":
        await awaited.pause("planning")
    found: dict[str, Any] = route
    return found


async def vehicle(play: Play, carrier: str, county: str, number: int) -> str:
    place = place_of(county)
    assert place is not None
    body = {
        "name": f"{place.name} {number}",
        "capacity_kg": 8000,
        "temperature_classes": ["ambient", "chilled"],
        "depot": {"lon": place.lon, "lat": place.lat},
        "shift": {"start": "00:00", "end": "00:00"},
        "cost_fen_per_km": 350,
    }
    vehicle_id: str = (await play.once(carrier, "/v1/vehicles", body, f"vehicle/{county}/{number}"))["id"]
    return vehicle_id


async def register(play: Play, deals: Sequence[Deal]) -> Parcels:
    """Parcels by carrier, until there are enough of them; each array in its turn."""
    parcels: Parcels = defaultdict(list)
    for deal in deals:
        if sum(map(len, parcels.values())) < play.world.size.parcels:
            parcels[deal.carrier] += parcels_of(play, deal)
    with play.stages.stage("parcels registered", sum(map(len, parcels.values()))) as bar:
        for carrier, array in chunks(parcels):
            key = f"parcels/{array[0]['waybill']}"
            items = (await play.once(carrier, "/v1/parcels", array, key))["items"]
            for parcel, item in zip(array, items, strict=True):
                parcel["subsidy"] = item["subsidy"]
            bar.advance(len(array))
    return parcels


def parcels_of(play: Play, deal: Deal) -> list[dict[str, Any]]:
    reference = play.world.wishes[deal.wish].body["reference"]
    # less than the match, so that its shipment fulfils it and never its parcels: support follows what was delivered
    count = min((deal.quantity_g - 1) // PARCEL_G, PARCELS_PER_MATCH)
    return [
        {
            "waybill": f"DJ{play.world.seed:03d}{play.world.day:%y%m%d}{deal.lot:05d}{deal.wish:05d}{number:04d}",
            "match_id": deal.match["id"],
            "weight_g": PARCEL_G,
            "recipient_adcode": deal.match["destination"]["adcode"],
            "order_ref": f"{reference}-{deal.lot}-{number}",
        }
        for number in range(count)
    ]


async def carry(play: Play, deals: Sequence[Deal], parcels: Parcels) -> list[Deal]:
    """Fetch it all once it is ready, and hand most of it over; what was handed over.

    Each thing is told after it happened, and before what follows from it. A few, and the last one always, are on the
    road when the play ends, and so are their parcels. Of those that arrived some come back, a few of them after they
    were delivered. Who crossed the country in the seconds of the play would be flagged for it, so of the delivered only
    very few were also scanned where they began: a carrier's statement has a flag or two to review.
    """
    await until_ready_to_leave(play)
    await report(play, "picked_up", deals)
    arriving = [deal for deal in deals[:-1] if play.world.chance("arrival", deal.key).randrange(100) < 97]
    arrives = {deal.match["id"] for deal in arriving}

    def is_accepted(parcel: Parcel) -> bool:
        stays_away = parcel["match_id"] not in arrives or fate_of(play, parcel) not in DELIVERED
        return stays_away or play.world.chance("hurried", parcel["waybill"]).randrange(HURRIED_ONE_OF) == 0

    await scan(play, "accepted", parcels, deals, is_accepted)
    await scan(play, "delivered", parcels, arriving, lambda parcel: fate_of(play, parcel) in DELIVERED)
    await report(play, "delivered", arriving)
    await scan(play, "returned", parcels, arriving, lambda parcel: fate_of(play, parcel) in RETURNED)
    return arriving


def fate_of(play: Play, parcel: Parcel) -> int:
    """One of 100."""
    return play.world.chance("fate", parcel["waybill"]).randrange(100)


async def until_ready_to_leave(play: Play) -> None:
    with play.stages.stage("goods ready", 1) as bar:
        await asyncio.sleep(max(0.0, (play.world.opens_at - datetime.now(UTC)).total_seconds()))
        bar.advance()


async def report(play: Play, kind: Literal["picked_up", "delivered"], deals: Sequence[Deal]) -> None:
    """It happens to all of these shipments now. A delivery fulfils its match."""
    at = play.moment(f"shipments {kind}").isoformat()

    async def tell(deal: Deal) -> None:
        path = f"/v1/shipments/{deal.shipment['id']}/events"
        await play.once(deal.carrier, path, {"type": kind, "at": at}, f"{kind}/{deal.key}")

    await play.all(REPORTED[kind], deals, tell)


async def scan(
    play: Play,
    kind: Literal["accepted", "delivered", "returned"],
    parcels: Parcels,
    deals: Sequence[Deal],
    happens_to: Callable[[Parcel], bool],
) -> None:
    """It happens now to these parcels of these deals: where they began, or, once they were there, where they go."""
    at = play.moment(f"parcels {kind}").isoformat()
    of_match = {deal.match["id"]: deal for deal in deals}

    def scanned(parcel: Parcel) -> dict[str, Any]:
        is_there = kind == "delivered" or (kind == "returned" and fate_of(play, parcel) in DELIVERED)
        adcode = parcel["recipient_adcode"] if is_there else of_match[parcel["match_id"]].county
        return {"waybill": parcel["waybill"], "type": kind, "at": at, "adcode": adcode}

    chosen = {
        carrier: [parcel for parcel in array if parcel["match_id"] in of_match and happens_to(parcel)]
        for carrier, array in parcels.items()
    }
    with play.stages.stage(f"parcels {kind}", sum(map(len, chosen.values()))) as bar:
        for carrier, array in chunks(chosen):
            scans = [scanned(parcel) for parcel in array]
            await play.once(carrier, "/v1/parcels/scans", scans, f"{kind}/{array[0]['waybill']}")
            bar.advance(len(array))


async def until_supported(
    play: Play, programme_id: str, delivered: Iterable[Deal], *, quiet_s: float = QUIET_S
) -> dict[str, Any]:
    """Support follows fulfilment by events; it is there when it is what the rule says, to the fen.

    Or when nothing has come for `quiet_s` in which the platform answered: somebody who looks on may open, change or
    pause a programme, and then another one pays for some of it, or nobody does.
    """
    expected_fen = sum(SUPPORT_FEN_PER_KG * deal.quantity_g // GRAMS_PER_KG for deal in delivered)
    with play.stages.stage("fen of produce support", expected_fen) as bar:
        posted_fen, silent_s = 0, 0.0
        while True:
            programme: dict[str, Any] = await play.client.get(OFFICER, f"/v1/programmes/{programme_id}")
            if programme["posted_fen"] != posted_fen:
                bar.advance(programme["posted_fen"] - posted_fen)
                posted_fen, silent_s = programme["posted_fen"], 0.0
            if posted_fen == expected_fen or silent_s >= quiet_s:
                return programme
            await asyncio.sleep(POLL_S)
            silent_s += POLL_S  # not by a clock: a question may wait for a platform that starts again


def chunks(parcels: Parcels) -> list[tuple[str, list[dict[str, Any]]]]:
    """Arrays that the surface takes, carrier by carrier."""
    return [
        (carrier, parcels[carrier][start : start + ARRAY])
        for carrier in sorted(parcels)
        for start in range(0, len(parcels[carrier]), ARRAY)
    ]
