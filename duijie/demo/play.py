"""Plays the demonstration through the public surface: post the world, clear each market once, carry, subsidise.

Much goes at once, and ids are drawn by the platform; the totals are a function of the world all the same, since a
round's plan depends on what is offered and wanted, not on ids or on the order of its coming. It depends on when it is
made once goods can be fetched, for then their life runs out: of that, `market.clear` tells.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from contracts.accounts import Role
from duijie.demo import market, onlookers, road
from duijie.demo.onlookers import ONLOOKERS
from duijie.demo.stage import ADMIN, GRAMS_PER_KG, OFFICER, Play
from duijie.demo.table import Totals
from duijie.demo.world import CARRIERS, World

SHORT_LIFE = timedelta(hours=72)


def accounts(world: World) -> set[tuple[Role, str]]:
    """Role and name of everyone who plays."""
    sellers: set[tuple[Role, str]] = {("producer", lot.producer) for lot in world.lots}
    buyers = {(wish.role, wish.buyer) for wish in world.wishes}
    carriers: set[tuple[Role, str]] = {("carrier", name) for name in CARRIERS}
    return sellers | buyers | carriers | set(ONLOOKERS.items()) | {("admin", ADMIN), ("programme_officer", OFFICER)}


async def play_through(play: Play) -> Totals:
    """The whole demonstration. Rounds are paused while the world is posted, and run again at the end."""
    await play.client.put(ADMIN, "/v1/rounds/interval", {"seconds": 0})
    programmes = await market.open_programmes(play)
    await market.post_world(play)
    await market.until_on_market(play)
    await onlookers.entrust(play)
    rounds = await market.clear(play)
    await market.agree(play)
    deals = await road.deals(play)
    routed = road.to_route(play, deals)
    leaving = road.leaving(play, deals)
    await road.claim(play, [*leaving, *chain.from_iterable(routed)])
    routes = await road.plan_routes(play, routed)
    parcels = await road.register(play, leaving)
    await market.show_photos(play)
    await onlookers.propose(play, programmes)
    delivered = await road.carry(play, leaving, parcels)
    support = await road.until_supported(play, programmes["produce_support"], delivered)
    courier = await play.client.get(OFFICER, f"/v1/programmes/{programmes['courier_parcel']}")
    await play.client.put(ADMIN, "/v1/rounds/interval", {"seconds": 1})
    return totals(play, rounds, deals, delivered, routes, parcels, courier, support)


def totals(
    play: Play,
    rounds: Sequence[dict[str, Any]],
    deals: Sequence[road.Deal],
    delivered: Sequence[road.Deal],
    routes: Sequence[dict[str, Any]],
    parcels: road.Parcels,
    courier: dict[str, Any],
    support: dict[str, Any],
) -> Totals:
    lots = [play.journal.get(f"lot/{lot.index}") for lot in play.world.lots]
    keeps = [datetime.fromisoformat(lot["spoils_at"]) - datetime.fromisoformat(lot["available_from"]) for lot in lots]
    driven = [vehicle for route in routes for vehicle in route["vehicles"]]
    registered = [parcel for array in parcels.values() for parcel in array]
    ours = [each for each in rounds if each["produce"] in play.world.markets]
    return Totals(
        seed=play.world.seed,
        day=play.world.day.isoformat(),
        listings=len(lots),
        orders=len(play.world.wishes),
        offered_g=sum(round(lot["quantity_kg"] * GRAMS_PER_KG) for lot in lots),
        wanted_g=sum(wish.body["quantity_kg"] * GRAMS_PER_KG for wish in play.world.wishes),
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
        subsidies=courier["parcels"],
        courier=_fund(courier),
        produce=_fund(support),
    )


def _fund(programme: dict[str, Any]) -> dict[str, int]:
    return {
        f"{state}_fen": programme[f"{state}_fen"] for state in ("budget", "available", "reserved", "posted", "paid")
    }
