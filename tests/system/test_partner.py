"""A partner who has only the public surface: imports, orders, feed and webhooks, over a platform that is killed."""

import asyncio
import json
from pathlib import Path

from duijie.client import (
    Duijie,
    FeedItem,
    FilePlace,
    NewOrder,
    NoAnswer,
    Spot,
    client_credentials,
    verified,
)
from tests.support.rough import Asked, Said, rough
from tests.system.conftest import Standalone

LOTS = 20
HEAD = "produce,quantity_kg,min_price_fen_per_kg,origin.adcode,origin.village"


def partner(standalone: Standalone, role: str) -> Duijie:
    made = json.loads(standalone.run("client", "create", "--role", role, "--name", f"partner {role}", "--json").stdout)
    return Duijie(standalone.url, client_credentials(made["client_id"], made["client_secret"]))


async def test_a_partner_imports_orders_and_hears_of_every_match_once_in_order(
    standalone: Standalone, tmp_path: Path
) -> None:
    rows = [f"garlic,{10 + number},300,321323,第{number}村" for number in range(LOTS)]
    file = tmp_path / "lots.csv"
    file.write_bytes("\r\n".join([HEAD, *rows, "garlic,none,300,321323,", ""]).encode("gb18030"))
    told: dict[str, FeedItem] = {}
    secret = ""

    failed: set[str] = set()

    def hear(asked: Asked) -> Said:
        """A third of them the first time, which come again after 5 s."""
        id_ = asked.headers["webhook-id"]
        if asked.number % 3 == 0 and id_ not in failed | told.keys():
            failed.add(id_)
            return Said(500)
        item = verified(secret, asked.headers, asked.body)
        assert isinstance(item, FeedItem), "nobody pings here"
        told[asked.headers["webhook-id"]] = item
        return Said(204)

    async with (
        rough(hear) as sink,
        partner(standalone, "producer") as farmer,
        partner(standalone, "platform") as shop,
    ):
        secret = (await shop.post_webhook(f"{sink.url}/hook", ["match.agreed"])).secret or ""
        first = [row async for row in farmer.import_listings(file, key="lots")]
        again = [row async for row in farmer.import_listings(file, key="lots")]
        assert first == again
        lots = [row.id for row in first if row.id is not None]
        assert (len(lots), len([each async for each in farmer.listings(produce="garlic")])) == (LOTS, LOTS)
        (bad,) = [row.problem for row in first if row.problem is not None]
        assert [each["pointer"] for each in bad["errors"]] == ["#/quantity_kg"]

        heard = asyncio.create_task(first_of(shop, tmp_path / "seq", LOTS))
        for number, lot in enumerate(lots):
            if number == LOTS // 2:
                standalone.kill()
                starting = asyncio.create_task(asyncio.to_thread(standalone.start))
            await ordered(shop, lot, number)
        await starting
        items = await asyncio.wait_for(heard, 60)
        assert [item.seq for item in items] == list(range(1, LOTS + 1))
        assert {item.match.listing_id for item in items} == set(lots)
        async with asyncio.timeout(60):
            while len(told) < LOTS:
                await asyncio.sleep(0.1)
    assert sorted(told.values(), key=lambda item: item.seq) == items


async def ordered(shop: Duijie, lot: object, number: int) -> None:
    """Until it is known to be there, with one key."""
    new = NewOrder(
        produce="garlic",
        quantity_kg=10,
        max_price_fen_per_kg=2000,
        destination=Spot(adcode="320102"),
        listing_id=lot,
        reference=f"PO-{number}",
    )
    while True:
        try:
            await shop.post_order(new, key=f"PO-{number}")
        except NoAnswer:
            continue
        return


async def first_of(shop: Duijie, place: Path, count: int) -> list[FeedItem]:
    """As a program that is started again after each few items, wherever it stands."""
    items: dict[int, FeedItem] = {}
    while len(items) < count:
        feed = shop.feed(FilePlace(place))
        async for item in feed:
            items[item.seq] = item
            if len(items) == count or item.seq % 7 == 0:
                break
        FilePlace(place).save(max(items))
        await feed.aclose()
    return list(items.values())
