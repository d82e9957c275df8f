"""Plays the demonstration through the public surface: post the world, clear each market once, carry, subsidise.

Much goes at once, and ids are drawn by the platform; the totals are a function of the world all the same, since a
round's plan depends on what is offered and wanted, not on ids or on the order of its coming.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from catalogue.places import get as place_of
from contracts.accounts import Role
from duijie.demo.client import Client
from duijie.demo.journal import Journal
from duijie.demo.progress import Stages
from duijie.demo.table import Totals
from duijie.demo.world import CARRIERS, Lot, Wish, World

ADMIN, OFFICER = "demonstration", "programme office"
AT_ONCE = 12
POLL_S = 0.25

COURIER_FEN, COURIER_BUDGET_FEN = 200, 500_000_000
SUPPORT_FEN_PER_KG, SUPPORT_BUDGET_FEN = 30, 50_000_000_000

ROUTE_COUNTIES = 4
ROUTE_KM_MAX = 600
ROUTE_LIMIT_S = 10
PARCEL_G = 2_500
PARCELS_PER_MATCH = 200
ARRAY = 1000
SHORT_LIFE = timedelta(hours=72)
GRAMS_PER_KG = 1000

Thing = TypeVar("Thing")


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


def accounts(world: World) -> set[tuple[Role, str]]:
    """Role and name of everyone who plays."""
    sellers: set[tuple[Role, str]] = {("producer", lot.producer) for lot in world.lots}
    buyers = {(wish.role, wish.buyer) for wish in world.wishes}
    carriers: set[tuple[Role, str]] = {("carrier", name) for name in CARRIERS}
    return sellers | buyers | carriers | {("admin", ADMIN), ("programme_officer", OFFICER)}


class Player:
    """One run; each stage notes in the journal what is done."""

    def __init__(self, client: Client, journal: Journal, world: World, stages: Stages) -> None:
        self._client = client
        self._journal = journal
        self._world = world
        self._stages = stages

    async def play(self) -> Totals:
        await self._client.put(ADMIN, "/v1/rounds/interval", {"seconds": 0})
        programmes = await self._open_programmes()
        await self._post_world()
        await self._until_on_market()
        rounds = await self._clear()
        await self._agree()
        deals = await self._deals()
        await self._claim(deals)
        routes = await self._plan_routes(deals)
        parcels = await self._register(deals)
        await self._scan(parcels)
        delivered = await self._deliver(deals)
        support = await self._until_supported(programmes["produce_support"], delivered)
        courier = await self._client.get(OFFICER, f"/v1/programmes/{programmes['courier_parcel']}")
        await self._client.put(ADMIN, "/v1/rounds/interval", {"seconds": 1})
        return self._totals(rounds, deals, delivered, routes, parcels, courier, support)

    async def _open_programmes(self) -> dict[str, str]:
        common = {
            "starts_at": f"{self._world.day - timedelta(days=1)}T00:00:00Z",
            "ends_at": f"{self._world.day + timedelta(days=120)}T00:00:00Z",
        }
        programmes: list[dict[str, Any]] = [
            {
                "name": "助农农产品补贴",
                "funder": "platform fund",
                "kind": "produce_support",
                "budget_fen": SUPPORT_BUDGET_FEN,
                "rate_fen": SUPPORT_FEN_PER_KG,
            },
            {
                "name": "助农快递补贴",
                "funder": "platform fund",
                "kind": "courier_parcel",
                "budget_fen": COURIER_BUDGET_FEN,
                "rate_fen": COURIER_FEN,
                "eligibility": {"poverty_832": True},
            },
        ]
        return {
            body["kind"]: (await self._once(OFFICER, "/v1/programmes", body | common, f"programme/{body['kind']}"))[
                "id"
            ]
            for body in programmes
        }

    async def _post_world(self) -> None:
        async def offer(lot: Lot) -> None:
            await self._once(lot.producer, "/v1/listings", lot.body, f"lot/{lot.index}")

        async def order(wish: Wish) -> None:
            await self._once(wish.buyer, "/v1/orders", wish.body, f"order/{wish.index}")

        await self._all("listings posted", self._world.lots, offer)
        await self._all("orders posted", self._world.wishes, order)

    async def _until_on_market(self) -> None:
        """Matching hears of listings by events; clearing earlier would clear a part of the world."""
        ours = {self._journal.get(f"lot/{lot.index}")["id"] for lot in self._world.lots}
        with self._stages.stage("lots on the market", len(ours)) as bar:
            seen = 0
            while seen < len(ours):
                listings = await self._client.every(ADMIN, "/v1/listings")
                now = sum(each["id"] in ours and each["on_market"] for each in listings)
                bar.advance(now - seen)
                seen = now
                await asyncio.sleep(POLL_S if seen < len(ours) else 0)

    async def _clear(self) -> list[dict[str, Any]]:
        with self._stages.stage("markets cleared", len(self._world.markets)) as bar:
            for produce in self._world.markets:
                await self._once(ADMIN, "/v1/rounds", {"produce": produce}, f"round/{produce}")
                bar.advance()
        return await self._client.every(ADMIN, "/v1/rounds")

    async def _agree(self) -> None:
        """Both sides say yes to what was proposed to them."""
        proposed = await self._client.every(ADMIN, "/v1/matches", status="proposed")
        lots, wishes = self._index_of_lot(), self._index_of_wish()

        async def agree(match: dict[str, Any]) -> None:
            path = f"/v1/matches/{match['id']}/agree"
            sides = {
                "producer": self._world.lots[lots[match["listing_id"]]].producer,
                "buyer": self._world.wishes[wishes[match["order_id"]]].buyer,
            }
            for side, account in sides.items():
                if not match["consents"][side]:
                    await self._client.post(account, path, key=f"agree/{side}/{match['id']}")

        await self._all("matches agreed", [match for match in proposed if match["order_id"] in wishes], agree)

    async def _deals(self) -> list[Deal]:
        """Every match of this world with its shipment, in the world's order, once all have one."""
        lots, wishes = self._index_of_lot(), self._index_of_wish()
        matches = [
            match
            for match in await self._client.every(ADMIN, "/v1/matches")
            if match["status"] in {"agreed", "fulfilled"} and match["order_id"] in wishes
        ]
        with self._stages.stage("shipments opened", len(matches)) as bar:
            while True:
                shipments = {each["match_id"]: each for each in await self._client.every(ADMIN, "/v1/shipments")}
                if all(match["id"] in shipments for match in matches):
                    break
                await asyncio.sleep(POLL_S)
            bar.advance(len(matches))
        deals = [
            Deal(lots[match["listing_id"]], wishes[match["order_id"]], match, shipments[match["id"]])
            for match in matches
        ]
        return sorted(deals, key=lambda deal: (deal.lot, deal.wish))

    async def _claim(self, deals: Sequence[Deal]) -> None:
        async def claim(deal: Deal) -> None:
            await self._once(deal.carrier, f"/v1/shipments/{deal.shipment['id']}/claim", None, f"claim/{deal.key}")

        await self._all("shipments claimed", deals, claim)

    async def _plan_routes(self, deals: Sequence[Deal]) -> list[dict[str, Any]]:
        """The counties with the most to carry nearby."""
        near = [deal for deal in deals if deal.match["distance_km"] <= ROUTE_KM_MAX]
        busiest = sorted(Counter(deal.county for deal in near).items(), key=lambda each: (-each[1], each[0]))
        counties = [county for county, _ in busiest[:ROUTE_COUNTIES]]
        routes: list[dict[str, Any]] = []
        with self._stages.stage("counties routed", len(counties)) as bar:
            for county in counties:
                routes.append(await self._plan(county, [deal for deal in near if deal.county == county]))
                bar.advance()
        return routes

    async def _plan(self, county: str, deals: Sequence[Deal]) -> dict[str, Any]:
        carrier = deals[0].carrier
        wanted = {
            "shipment_ids": [deal.shipment["id"] for deal in deals],
            "vehicle_ids": [await self._vehicle(carrier, county, number) for number in (1, 2, 3)],
            "depart_at": self._world.opens_at.isoformat(),
            "limit_s": ROUTE_LIMIT_S,
        }
        path = f"/v1/routes/{(await self._once(carrier, '/v1/routes', wanted, f'route/{county}'))['id']}"
        while (route := await self._client.get(carrier, path))["status"] == "planning":
            await asyncio.sleep(POLL_S)
        found: dict[str, Any] = route
        return found

    async def _vehicle(self, carrier: str, county: str, number: int) -> str:
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
        vehicle_id: str = (await self._once(carrier, "/v1/vehicles", body, f"vehicle/{county}/{number}"))["id"]
        return vehicle_id

    async def _register(self, deals: Sequence[Deal]) -> dict[str, list[dict[str, Any]]]:
        """Parcels by carrier, until there are enough of them; each array in its turn."""
        parcels: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for deal in deals:
            if sum(map(len, parcels.values())) < self._world.size.parcels:
                parcels[deal.carrier] += self._parcels_of(deal)
        with self._stages.stage("parcels registered", sum(map(len, parcels.values()))) as bar:
            for carrier, array in chunks(parcels):
                key = f"parcels/{array[0]['waybill']}"
                items = (await self._once(carrier, "/v1/parcels", array, key))["items"]
                for parcel, item in zip(array, items, strict=True):
                    parcel["subsidy"] = item["subsidy"]
                bar.advance(len(array))
        return parcels

    def _parcels_of(self, deal: Deal) -> list[dict[str, Any]]:
        reference = self._world.wishes[deal.wish].body["reference"]
        count = min(deal.quantity_g // PARCEL_G, PARCELS_PER_MATCH)
        return [
            {
                "waybill": f"DJ{self._world.seed:03d}{self._world.day:%y%m%d}{deal.lot:05d}{deal.wish:05d}{number:04d}",
                "match_id": deal.match["id"],
                "weight_g": PARCEL_G,
                "recipient_adcode": deal.match["destination"]["adcode"],
                "order_ref": f"{reference}-{deal.lot}-{number}",
            }
            for number in range(count)
        ]

    async def _scan(self, parcels: dict[str, list[dict[str, Any]]]) -> None:
        """Most are delivered; some come back, before or after delivery; some are still on their way."""
        now = self._moment("scanning")
        waves = [
            ("accepted", now - timedelta(minutes=3), range(100)),
            ("delivered", now - timedelta(minutes=2), range(95)),
            ("returned", now - timedelta(minutes=1), range(94, 98)),
        ]
        total = sum(map(len, parcels.values()))
        with self._stages.stage("parcels scanned", len(waves) * total) as bar:
            for kind, at, fates in waves:
                for carrier, array in chunks(parcels):
                    scans = [
                        {
                            "waybill": parcel["waybill"],
                            "type": kind,
                            "at": at.isoformat(),
                            "adcode": parcel["recipient_adcode"],
                        }
                        for parcel in array
                        if self._world.chance("fate", parcel["waybill"]).randrange(100) in fates
                    ]
                    await self._once(carrier, "/v1/parcels/scans", scans, f"{kind}/{array[0]['waybill']}")
                    bar.advance(len(array))

    async def _deliver(self, deals: Sequence[Deal]) -> list[Deal]:
        """Most shipments arrive, which fulfils their matches; the last few are on the road when the play ends."""
        arriving = [deal for deal in deals if self._world.chance("arrival", deal.key).randrange(100) < 97]

        at = self._moment("carrying").isoformat()

        async def carry(deal: Deal) -> None:
            path = f"/v1/shipments/{deal.shipment['id']}/events"
            await self._once(deal.carrier, path, {"type": "picked_up", "at": at}, f"picked-up/{deal.key}")
            if deal in arriving:
                await self._once(deal.carrier, path, {"type": "delivered", "at": at}, f"delivered/{deal.key}")

        await self._all("shipments carried", deals, carry)
        return arriving

    async def _until_supported(self, programme_id: str, delivered: Iterable[Deal]) -> dict[str, Any]:
        """Support follows fulfilment by events; it is there when it is what the rule says, to the fen."""
        expected_fen = sum(SUPPORT_FEN_PER_KG * deal.quantity_g // GRAMS_PER_KG for deal in delivered)
        with self._stages.stage("fen of produce support", expected_fen) as bar:
            posted_fen = 0
            while True:
                programme: dict[str, Any] = await self._client.get(OFFICER, f"/v1/programmes/{programme_id}")
                bar.advance(programme["posted_fen"] - posted_fen)
                posted_fen = programme["posted_fen"]
                if posted_fen == expected_fen:
                    return programme
                await asyncio.sleep(POLL_S)

    def _totals(
        self,
        rounds: Sequence[dict[str, Any]],
        deals: Sequence[Deal],
        delivered: Sequence[Deal],
        routes: Sequence[dict[str, Any]],
        parcels: dict[str, list[dict[str, Any]]],
        courier: dict[str, Any],
        support: dict[str, Any],
    ) -> Totals:
        lots = [self._journal.get(f"lot/{lot.index}") for lot in self._world.lots]
        keeps = [
            datetime.fromisoformat(lot["spoils_at"]) - datetime.fromisoformat(lot["available_from"]) for lot in lots
        ]
        driven = [vehicle for route in routes for vehicle in route["vehicles"]]
        registered = [parcel for array in parcels.values() for parcel in array]
        ours = [each for each in rounds if each["produce"] in self._world.markets]
        return Totals(
            seed=self._world.seed,
            day=self._world.day.isoformat(),
            listings=len(lots),
            orders=len(self._world.wishes),
            offered_g=sum(round(lot["quantity_kg"] * GRAMS_PER_KG) for lot in lots),
            wanted_g=sum(wish.body["quantity_kg"] * GRAMS_PER_KG for wish in self._world.wishes),
            matches=len(deals),
            matched_g=sum(deal.quantity_g for deal in deals),
            saved_g=sum(deal.quantity_g for deal in deals if keeps[deal.lot] < SHORT_LIFE),
            value_fen=round(sum(each["value"] for each in ours), 3),
            greedy_value_fen=round(sum(each["greedy_value"] for each in ours), 3),
            certified_gap=max((each["certified_gap"] for each in ours), default=0.0),
            shipments=len(deals),
            delivered=len(delivered),
            routes=len(driven),
            routed_stops=sum(len(vehicle["stops"]) for vehicle in driven),
            unassigned=sum(len(route["unassigned"]) for route in routes),
            driven_m=sum(vehicle["distance_m"] for vehicle in driven),
            parcels=len(registered),
            parcels_subsidised=sum(parcel["subsidy"] == "reserved" for parcel in registered),
            courier=_fund(courier),
            produce=_fund(support),
        )

    def _index_of_lot(self) -> dict[str, int]:
        return {self._journal.get(f"lot/{lot.index}")["id"]: lot.index for lot in self._world.lots}

    def _index_of_wish(self) -> dict[str, int]:
        return {self._journal.get(f"order/{wish.index}")["id"]: wish.index for wish in self._world.wishes}

    def _moment(self, step: str) -> datetime:
        """When that stage began, kept: a body that is sent again must be the same body."""
        if step not in self._journal:
            self._journal.note(step, datetime.now(UTC).isoformat())
        return datetime.fromisoformat(self._journal.get(step))

    async def _once(self, account: str, path: str, body: Any, step: str) -> Any:
        """Post it unless the journal holds its answer."""
        if step not in self._journal:
            self._journal.note(step, await self._client.post(account, path, body, key=step))
        return self._journal.get(step)

    async def _all(self, title: str, things: Sequence[Thing], do: Callable[[Thing], Awaitable[None]]) -> None:
        """Do it for each, some at once."""
        turns = asyncio.Semaphore(AT_ONCE)
        with self._stages.stage(title, len(things)) as bar:

            async def one(thing: Thing) -> None:
                async with turns:
                    await do(thing)
                bar.advance()

            async with asyncio.TaskGroup() as group:
                for thing in things:
                    group.create_task(one(thing))


def chunks(parcels: dict[str, list[dict[str, Any]]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Arrays that the surface takes, carrier by carrier."""
    return [
        (carrier, parcels[carrier][start : start + ARRAY])
        for carrier in sorted(parcels)
        for start in range(0, len(parcels[carrier]), ARRAY)
    ]


def _fund(programme: dict[str, Any]) -> dict[str, int]:
    return {
        f"{state}_fen": programme[f"{state}_fen"] for state in ("budget", "available", "reserved", "posted", "paid")
    }
