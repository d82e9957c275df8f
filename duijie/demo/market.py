"""The first half: programmes are opened, the world is posted, and each market is cleared once."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from duijie.demo.pictures import PICTURED, picture
from duijie.demo.stage import ADMIN, OFFICER, Awaited, Play
from duijie.demo.world import Lot, Wish

COURIER_FEN, COURIER_BUDGET_FEN = 200, 500_000_000
BOARD_SHOWN, PHOTOS = 50, 12
PROGRAMME_DAYS = 120
LATE = (
    "{late} of {rounds} markets were cleared after goods could be fetched, by what was left of their life then: "
    "totals may differ from another run's of this seed and day"
)
SUPPORT_FEN_PER_KG, SUPPORT_BUDGET_FEN = 30, 50_000_000_000


async def open_programmes(play: Play) -> dict[str, str]:
    common = {
        "starts_at": play.world.china(0, 0).isoformat(),
        "ends_at": play.world.china(PROGRAMME_DAYS, 0).isoformat(),
    }
    programmes: list[dict[str, Any]] = [
        {
            "name": "助农农产品补贴",
            "funder": "平台助农基金",
            "kind": "produce_support",
            "budget_fen": SUPPORT_BUDGET_FEN,
            "rate_fen": SUPPORT_FEN_PER_KG,
        },
        {
            "name": "助农快递补贴",
            "funder": "平台助农基金",
            "kind": "courier_parcel",
            "budget_fen": COURIER_BUDGET_FEN,
            "rate_fen": COURIER_FEN,
            "eligibility": {"poverty_832": True},
        },
    ]
    return {
        body["kind"]: (await play.once(OFFICER, "/v1/programmes", body | common, f"programme/{body['kind']}"))["id"]
        for body in programmes
    }


async def post_world(play: Play) -> None:
    async def offer(lot: Lot) -> None:
        await play.once(lot.producer, "/v1/listings", lot.body, f"lot/{lot.index}")

    async def order(wish: Wish) -> None:
        await play.once(wish.buyer, "/v1/orders", wish.body, f"order/{wish.index}")

    await play.all("listings posted", play.world.lots, offer)
    await play.all("orders posted", play.world.wishes, order)


async def until_on_market(play: Play) -> None:
    """Matching hears of listings by events; clearing earlier would clear a part of the world.

    Raises Refused when it hears of no more, though some are missing.
    """
    ours = {play.journal.get(f"lot/{lot.index}")["id"] for lot in play.world.lots}
    with play.stages.stage("lots on the market", len(ours)) as bar:
        seen, awaited = 0, Awaited("lots on the market")
        while True:
            listings = await play.client.every(ADMIN, "/v1/listings")
            now = sum(each["id"] in ours and each["on_market"] for each in listings)
            bar.advance(now - seen)
            seen = now
            if seen >= len(ours):
                break
            await awaited.pause(f"{seen} of {len(ours)}")


async def clear(play: Play) -> list[dict[str, Any]]:
    with play.stages.stage("markets cleared", len(play.world.markets)) as bar:
        for produce in play.world.markets:
            await play.once(ADMIN, "/v1/rounds", {"produce": produce}, f"round/{produce}")
            bar.advance()
    rounds = await play.client.every(ADMIN, "/v1/rounds")
    _tell_of_late(play, rounds)
    return rounds


def _tell_of_late(play: Play, rounds: Sequence[dict[str, Any]]) -> None:
    """Before goods can be fetched a round judges their life by when they can be; afterwards by its own moment."""
    ours = [each for each in rounds if each["produce"] in play.world.markets]
    late = sum(datetime.fromisoformat(each["cleared_at"]) > play.world.opens_at for each in ours)
    if late:
        play.stages.say(LATE.format(late=late, rounds=len(ours)))


async def show_photos(play: Play) -> None:
    """Of lots that still look for a buyer, of those that are first on the board."""
    lots = play.index_of_lot()
    board = (await play.client.get(ADMIN, "/v1/board", limit=BOARD_SHOWN))["items"]
    ours = [play.world.lots[lots[each["id"]]] for each in board if each["id"] in lots and each["produce"] in PICTURED]

    async def show(lot: Lot) -> None:
        step = f"photo/{lot.index}"
        if step not in play.journal:
            photo = await asyncio.to_thread(picture, lot.body["produce"], play.world.chance(step))
            listing_id = play.journal.get(f"lot/{lot.index}")["id"]
            play.journal.note(step, await play.client.show(lot.producer, listing_id, photo, key=step))

    await play.all("photos shown", ours[:PHOTOS], show)


async def agree(play: Play) -> None:
    """Both sides say yes to what was proposed to them."""
    lots, wishes = play.index_of_lot(), play.index_of_wish()

    async def agree(match: dict[str, Any]) -> None:
        path = f"/v1/matches/{match['id']}/agree"
        sides = {
            "producer": play.world.lots[lots[match["listing_id"]]].producer,
            "buyer": play.world.wishes[wishes[match["order_id"]]].buyer,
        }
        for side, account in sides.items():
            if not match["consents"][side]:
                await play.client.post(account, path, key=f"agree/{side}/{match['id']}")

    await play.all("matches agreed", await play.matches(status="proposed"), agree)
