"""A random life of many parcels, several carriers at once; afterwards parcels, ledger and counts tell one story."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from chassis.db import Database
from tests.support.services import Issuer
from tests.support.subsidies import RATE_FEN, Courier, Office, balances

STEPS, PARCELS = 15, 80
SCANS = ("accepted", "in_transit", "delivered", "delivered", "returned", "lost")


class Life:
    """One carrier's random parcels and scans; `known` are the waybills it was answered for."""

    def __init__(self, courier: Courier, parcels: list[dict[str, Any]], rng: random.Random) -> None:
        self.courier = courier
        self.parcels = parcels
        self.rng = rng
        self.known: set[str] = set()
        self.refused = 0

    async def live(self) -> None:
        for _ in range(STEPS):
            if self.rng.random() < 0.5 or not self.known:
                await self.register()
            else:
                some = self.rng.choices(sorted(self.known), k=self.rng.randint(1, 12))
                await self.courier.tell(*((number, self.rng.choice(SCANS)) for number in some))

    async def register(self) -> None:
        some = self.rng.choices(self.parcels, k=self.rng.randint(1, 20))
        answer = await self.courier.send(some)
        self.refused += answer.status_code == 409
        if answer.status_code == 200:
            self.known |= {parcel["waybill"] for parcel in some}


@pytest.mark.parametrize("seed", [1, 2])
async def test_parcels_ledger_and_counts_tell_one_story(
    courier: Courier, office: Office, issuer: Issuer, db: Database, seed: int
) -> None:
    rng = random.Random(seed)
    funds = [await office.open(budget_fen=money * RATE_FEN, name=f"{money}") for money in (40, 60)]
    carriers = [courier, *(Courier(courier.client, issuer, db) for _ in range(3))]
    lives = []
    for number, carrier in enumerate(carriers):
        match = await carrier.claimed(quantity_g=PARCELS * 1000)
        parcels = [
            carrier.parcel(match, waybill=f"C{number}-{each}", order_ref=f"order {each // 2}" if each % 3 else None)
            for each in range(PARCELS)
        ]
        stolen = carrier.parcel(match, waybill=f"C{(number + 1) % 4}-0")
        lives.append(Life(carrier, [*parcels, stolen], random.Random(rng.random())))

    async def read_always() -> None:
        while True:
            for fund in funds:
                assert balances(await office.read(fund))

    reading = asyncio.create_task(read_always())
    await asyncio.gather(*(life.live() for life in lives))
    assert not reading.done(), "a read did not balance"
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)

    shown = [(life.courier, await life.courier.read(number)) for life in lives for number in sorted(life.known)]
    for fund in funds:
        mine = [parcel for _, parcel in shown if parcel.get("programme_id") == fund]
        await assert_one_story(office, fund, mine)
    paid = [parcel for _, parcel in shown if parcel["subsidy"] in {"reserved", "posted"}]
    assert all(parcel["status"] == "delivered" for parcel in paid if parcel["subsidy"] == "posted")
    assert all(
        parcel["subsidy"] in {"posted", "voided", "fund_exhausted", "not_eligible"}
        for _, parcel in shown
        if parcel["status"] == "delivered"
    )
    order_of = {parcel["waybill"]: parcel.get("order_ref") for life in lives for parcel in life.parcels}
    orders = [(parcel["match_id"], order_of[parcel["waybill"]]) for parcel in paid if order_of[parcel["waybill"]]]
    assert len(orders) == len(set(orders))
    assert sum(life.refused for life in lives) > 0


async def assert_one_story(office: Office, fund: str, parcels: list[dict[str, Any]]) -> None:
    programme, kinds = await office.read(fund), Counter(await all_kinds(office, fund))
    now = Counter(parcel["subsidy"] for parcel in parcels)
    assert {name: programme["parcels"][name] for name in ("reserved", "posted", "voided", "reversed")} == {
        name: now[name] for name in ("reserved", "posted", "voided", "reversed")
    }
    assert programme["reserved_fen"] == now["reserved"] * RATE_FEN
    assert programme["posted_fen"] == now["posted"] * RATE_FEN == (kinds["post"] - kinds["reverse"]) * RATE_FEN
    assert kinds["reserve"] - kinds["void"] - kinds["post"] == now["reserved"]
    assert kinds["reverse"] == now["reversed"]
    assert (await office.read(fund, "/verify"))["ok"]


async def all_kinds(office: Office, fund: str) -> list[str]:
    kinds: list[str] = []
    after: str | None = "0"
    while after is not None:
        page = await office.read(fund, f"/transfers?limit=500&after={after}")
        kinds += [each["kind"] for each in page["items"]]
        after = page["next"]
    return kinds
