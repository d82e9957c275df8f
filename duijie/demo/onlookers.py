"""Whoever neither sells nor buys nor carries, and what is left for them to do; whom a person may look in as."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from contracts.accounts import Role
from duijie.demo.stage import ADMIN, AGENT, AUDITOR, OFFICER, SECOND_OFFICER, SUPERVISOR, Play
from duijie.demo.world import CARRIERS, World

ROLES: Sequence[Role] = get_args(Role)
TOP_UP_FEN = 100_000_000

ONLOOKERS: Mapping[Role, str] = {
    "programme_officer": SECOND_OFFICER,
    "auditor": AUDITOR,
    "supervisor": SUPERVISOR,
    "agent": AGENT,
}
_BUY: Sequence[Role] = ("platform", "group_leader", "citizen")


def guests_of(world: World) -> dict[Role, str]:
    """An account of each role: of those who sell and buy the one who does so most, for there is most to see.

    Of those who sell it is the one who has most fetched by now.
    """
    buyers = {role: _busiest(wish.buyer for wish in world.wishes if wish.role == role) for role in _BUY}
    known: dict[Role, str] = {
        "producer": _busiest(lot.producer for lot in world.lots if not world.is_for_tomorrow(lot)),
        **buyers,
        "carrier": CARRIERS[0],
        "admin": ADMIN,
        **ONLOOKERS,
    }
    return {role: known[role] for role in ROLES if known.get(role)}


def _busiest(names: Iterable[str]) -> str:
    """The first by name of those who come most often; empty where nobody comes."""
    counted = Counter(names)
    return min(counted, key=lambda name: (-counted[name], name), default="")


async def entrust(play: Play) -> None:
    """The producer that one may look in as lets the village's agent write for them."""
    agent = await play.client.get(AGENT, "/v1/me")
    producer = guests_of(play.world).get("producer")
    if producer is not None:
        await play.once(producer, "/v1/consents", {"agent_id": agent["account_id"]}, "consent")


async def propose(play: Play, programmes: Mapping[str, str]) -> None:
    """More money for the courier's fund: it waits for the second officer."""
    path = f"/v1/programmes/{programmes['courier_parcel']}/topup"
    await play.once(OFFICER, path, {"amount_fen": TOP_UP_FEN}, "top-up proposed")
