"""The bank test: money for 1,000 parcels, 1,500 offered by sixteen clients at once."""

import asyncio
import random

from tests.support.subsidies import RATE_FEN, Courier, Office, balances, waybill

MONEY_FOR, OFFERED, CLIENTS = 1000, 1500, 16


def written_differently(number: str, rng: random.Random) -> str:
    """The same waybill in another hand: lower case, full width, blanks."""
    spellings = (str.lower, lambda text: f" {text[:4]} {text[4:]}", lambda text: "".join(map(full_width, text)))
    return rng.choice(spellings)(number)


def full_width(character: str) -> str:
    return chr(ord(character) + 0xFEE0)


async def test_exactly_as_many_are_reserved_as_there_is_money_for(courier: Courier, office: Office) -> None:
    rng = random.Random(1000)
    fund = await office.open(budget_fen=MONEY_FOR * RATE_FEN)
    matches = [await courier.claimed(quantity_g=2_000_000) for _ in range(4)]
    parcels = [courier.parcel(rng.choice(matches)) for _ in range(OFFERED)]
    offers = parcels + [
        {**each, "waybill": written_differently(each["waybill"], rng)}
        for each in rng.sample(parcels, int(0.3 * OFFERED))
    ]
    rng.shuffle(offers)
    answers: dict[str, list[dict[str, object]]] = {}

    async def client() -> None:
        while offers:
            some = [offers.pop() for _ in range(min(len(offers), rng.choice((1, 2, 10, 50, 200))))]
            for sent, item in zip(some, await courier.register(*some), strict=True):
                answers.setdefault(sent["waybill"].translate(NARROW).replace(" ", "").upper(), []).append(item)

    reads = 0

    async def reader() -> None:
        nonlocal reads
        while True:
            shown = await office.read(fund)
            assert balances(shown)
            assert shown["parcels"]["reserved"] * RATE_FEN == shown["reserved_fen"]
            reads += 1

    reading = asyncio.create_task(reader())
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    assert not reading.done(), "a read did not balance"
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)

    assert reads > 5
    assert len(answers) == OFFERED
    assert all(len({frozenset(item.items()) for item in given}) == 1 for given in answers.values())
    first = [given[0]["subsidy"] for given in answers.values()]
    assert (first.count("reserved"), first.count("fund_exhausted")) == (MONEY_FOR, OFFERED - MONEY_FOR)
    shown = await office.read(fund)
    assert (shown["available_fen"], shown["reserved_fen"]) == (0, MONEY_FOR * RATE_FEN)
    assert shown["parcels"] == {"reserved": 1000, "posted": 0, "voided": 0, "reversed": 0, "refused": 500}
    assert shown["exhausted_at"] is not None
    verified = await office.read(fund, "/verify")
    assert (verified["ok"], verified["transfers"]) == (True, MONEY_FOR + 1)


NARROW = {code + 0xFEE0: code for code in range(0x21, 0x7F)}


async def test_scans_and_registrations_at_once_never_wait_for_each_other_in_a_circle(
    courier: Courier, office: Office
) -> None:
    rng = random.Random(7)
    funds = [await office.open(budget_fen=60 * RATE_FEN) for _ in range(3)]
    match = await courier.claimed(quantity_g=2_000_000)
    numbers = [waybill() for _ in range(200)]
    await courier.register(*(courier.parcel(match, waybill=number) for number in numbers[:100]))

    async def client(mine: random.Random) -> None:
        for _ in range(12):
            some = mine.sample(numbers, 40)
            if mine.random() < 0.5:
                await courier.register(*(courier.parcel(match, waybill=number) for number in some))
            else:
                kind = mine.choice(("delivered", "returned", "lost"))
                known = [number for number in some if number in numbers[:100]]
                await courier.tell(*((number, kind) for number in known))

    await asyncio.gather(*(client(random.Random(rng.random())) for _ in range(8)))
    for fund in funds:
        assert balances(await office.read(fund))
        assert (await office.read(fund, "/verify"))["ok"]
