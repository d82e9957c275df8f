"""Degraded, not dead: what still works while a part is away, what is said meanwhile, and all is well afterwards."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import ceil
from statistics import median

import asyncpg
import httpx
import pytest

from chassis.overload import WAIT_S
from tests.faults.kit import topics
from tests.faults.kit.asking import Scale, accounts, fifty_at_once
from tests.faults.kit.caller import Caller
from tests.faults.kit.child import status_of, until
from tests.faults.kit.house import House
from tests.faults.kit.journal import Journal
from tests.faults.kit.load import Load
from tests.faults.kit.oracles import events
from tests.faults.kit.pressure import LISTING, Order, Pressure, press, quantile
from tests.support.postgres import temporary_folder

SCALE = Scale(producers=1, buyers=1, carriers=1)
ORDER = {
    "produce": "potato",
    "quantity_kg": 50,
    "max_price_fen_per_kg": 900,
    "destination": {"adcode": "320102"},
}
DRAINED_WITHIN_S = 30
ANSWERED_WITHIN_S = 3.0
PEAK_CLIENTS, OVERLOAD = 64, 5  # as many as it takes to keep everyone busy, and how many times what they get done
TOO_LONG_S = 2 * WAIT_S  # twice what a request may wait for its place
WARM_S, MEASURED_S = 2.0, 4.0
REFUSED_WITHIN_S = 1.0
GENERATOR_LATE_S, TRIES_MAX = 0.25, 3
GOODPUT, COLLAPSED = 0.9, 0.7  # of the peak
PAIRS, PAIRS_AT_MOST = 3, 7
Pair = tuple[Pressure, Pressure]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with temporary_folder() as folder:
        with House(folder) as house:
            yield house
        assert not house.surprises, "nobody died by itself, and all ended as they were told"


@pytest.fixture(scope="module")
def tokens(house: House) -> dict[str, str]:
    return {name: token for name, (_, token) in asyncio.run(house.tokens(accounts(SCALE))).items()}


def client(house: House, token: str) -> httpx.Client:
    return httpx.Client(base_url=house.url, headers={"Authorization": f"Bearer {token}"}, timeout=15, trust_env=False)


def rows(house: House, service: str, query: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(house.database(service), ssl=False)
        try:
            return int(await connection.fetchval(query))
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.mark.timeout(180)
def test_while_the_broker_is_down_listings_and_orders_are_taken_and_what_is_late_is_said(
    house: House, tokens: dict[str, str]
) -> None:
    with client(house, tokens["producer 0"]) as producer, client(house, tokens["platform 0"]) as buyer:
        os.kill(house.broker.pid, signal.SIGKILL)
        house.broker.stop()
        try:
            for _ in range(10):
                began_s = time.monotonic()
                assert producer.post("/v1/listings", json=LISTING).status_code == 201
                assert buyer.post("/v1/orders", json=ORDER).status_code == 201
                assert time.monotonic() - began_s < ANSWERED_WITHIN_S, "nobody waits for the broker"
            waiting = rows(house, "listing", "SELECT count(*) FROM outbox")
            assert waiting >= 10
            worker = house.children["work listing"]

            def says_so() -> bool:
                answer = httpx.get(f"{worker.url}/readyz", timeout=5, trust_env=False)
                return answer.status_code == 200 and bool(answer.json()["late"])

            until(says_so, 30, "/readyz says what is late, and that it is ready all the same")
        finally:
            house.broker.start()
        until(lambda: rows(house, "listing", "SELECT count(*) FROM outbox") == 0, DRAINED_WITHIN_S, "the outbox drains")
        until(lambda: rows(house, "matching", "SELECT count(*) FROM supply") >= 10, 30, "matching has heard of them")
        until(lambda: rows(house, "matching", "SELECT count(*) FROM matches") > 0, 30, "and has matched them")


@pytest.mark.timeout(120)
def test_a_database_restart_is_503_with_retry_after_and_then_well_again_without_a_restart(
    house: House, tokens: dict[str, str]
) -> None:
    before = {name: child.process.pid for name, child in house.children.items() if child.process is not None}
    statuses: Counter[int] = Counter()
    with client(house, tokens["producer 0"]) as producer:
        os.kill(house.postgres.pid, signal.SIGKILL)
        house.postgres.stop()
        try:
            for _ in range(5):
                began_s = time.monotonic()
                answer = producer.post("/v1/listings", json=LISTING)
                statuses[answer.status_code] += 1
                assert answer.status_code == 503, answer.text
                assert answer.headers["Retry-After"].isdecimal()
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert time.monotonic() - began_s < ANSWERED_WITHIN_S
            assert status_of(f"{house.children['serve listing'].url}/readyz", 5) == 503
        finally:
            house.postgres.start()
        until(lambda: producer.post("/v1/listings", json=LISTING).status_code == 201, 15, "it takes listings again")
        until(lambda: not house.unready(), 30, "everyone is ready")
    after = {name: child.process.pid for name, child in house.children.items() if child.process is not None}
    assert before == after, "nobody had to be started again"
    lags = until(
        lambda: not any(asyncio.run(topics.lag(house.broker.bootstrap, events.HEARS)).values()), 30, "nobody lags"
    )
    assert lags


@pytest.mark.timeout(180)
def test_five_times_as_many_clients_get_as_much_done_and_refusals_are_quick(
    house: House, tokens: dict[str, str]
) -> None:
    """A closed loop of readers: few clients, and five times as many, who stay away for as long as a refusal says; more
    than that where the machine is so quick that it would answer all of those before anyone's patience ends. For those
    who ask on regardless, and for writing, see the next test."""

    def pressed(clients: int) -> Pressure:
        return asyncio.run(press(asked(house, tokens, posts=0, clients=clients)))

    def too_many(few: Pressure) -> int:
        """Each would wait for its turn for as long as all of them take: clients ÷ answers a second (Little's law)."""
        return max(OVERLOAD * PEAK_CLIENTS, ceil(TOO_LONG_S * few.goodput))

    many = too_many(pressed(PEAK_CLIENTS))

    def pair(turn: int) -> Pair:
        if turn % 2:
            more = pressed(many)
            return pressed(PEAK_CLIENTS), more
        return pressed(PEAK_CLIENTS), pressed(many)

    assert told_of("closed loop, reading", until_clear(pair)) >= GOODPUT
    until(lambda: not house.unready(), 30, "everyone is ready")


@pytest.mark.timeout(400)
def test_asked_five_times_its_peak_whatever_it_answers_it_goes_on_and_refusals_are_quick(
    house: House, tokens: dict[str, str]
) -> None:
    """An open loop of POSTs: five times as many a second as 64 clients got done just before, however many are refused.

    Less than GOODPUT of the peak is told, and fails only well below it: the crowd, PostgreSQL, the gateway and the
    service share this machine's few processors, all of them busy at the peak already, so what receiving and refusing a
    thousand requests a second takes is missing elsewhere. On two processors that left 0.84 to 1.09 of the peak.
    Workers rest meanwhile: how much they take depends on what they are behind with.
    """

    def pair(_: int) -> Pair:
        """As many are asked as was meant, and when it was meant, or the crowd has measured itself: then once more."""
        for _ in range(TRIES_MAX):
            peak = asyncio.run(press(asked(house, tokens, posts=1, clients=PEAK_CLIENTS)))
            rate = OVERLOAD * peak.goodput
            more = asyncio.run(press(asked(house, tokens, posts=1, rate=rate)))
            if more.asked > 0.9 * rate * more.seconds and more.late_s < GENERATOR_LATE_S:
                return peak, more
            print(f"\nthe crowd was {more.late_s:.2f} s late, and asked {more.asked} times", flush=True)
        pytest.fail("the crowd did not keep its own times: this machine can't tell")

    resting = [name for name in house.children if name.startswith("work ")]
    for name in resting:
        house.stop(name)
    try:
        pairs = until_clear(pair)
    finally:
        for name in resting:
            house.start(name)
    assert told_of("open loop, posting", pairs) >= COLLAPSED
    until(lambda: not house.unready(), 30, "everyone is ready")


def asked(house: House, tokens: dict[str, str], **how: float) -> Order:
    return Order(house.url, tokens["producer 0"], warm_s=WARM_S, seconds=MEASURED_S, **how)  # type: ignore[arg-type]


def until_clear(pair: Callable[[int], Pair]) -> list[Pair]:
    """Pairs of the peak and of overload, in turns, since the machine is not always the same: three, and more where
    these fall short, for one alone may be off by a fifth either way."""
    pairs = [pair(turn) for turn in range(PAIRS)]
    while ratio_of(pairs) < GOODPUT and len(pairs) < PAIRS_AT_MOST:
        pairs.append(pair(len(pairs)))
    return pairs


def ratio_of(pairs: Sequence[Pair]) -> float:
    """How much of the peak was done under overload, all in all."""
    return sum(more.goodput for _, more in pairs) / sum(few.goodput for few, _ in pairs)


def told_of(what: str, pairs: Sequence[Pair]) -> float:
    """That ratio; what was refused, was refused quickly."""
    ratio = ratio_of(pairs)
    peak, overloaded = (median(each.goodput for each in side) for side in zip(*pairs, strict=True))
    statuses = sum((Counter(more.statuses) for _, more in pairs), Counter[int]())
    refused_s = [each for _, more in pairs for each in more.refused_s]
    p99_s = quantile(refused_s, 0.99)
    print(
        f"\n{what}, {len(pairs)} pairs: peak {peak:.0f}/s, at {OVERLOAD}x {overloaded:.0f}/s: {ratio:.2f}; "
        f"99 % of {len(refused_s)} refusals within {p99_s:.2f} s; {dict(statuses)}",
        flush=True,
    )
    assert set(statuses) <= {200, 201, 429, 503}
    assert refused_s, "nobody was refused: that was no overload"
    assert p99_s < REFUSED_WITHIN_S, "refusals are quick"
    return ratio


@pytest.mark.timeout(60)
def test_fifty_at_once_with_one_key_are_one_listing_with_equal_answers(house: House) -> None:
    """I13, by itself; the gate does the same in the storm."""

    async def fifty() -> Journal:
        caller = Caller(house.url, await house.tokens(accounts(SCALE)), patience_s=30)
        load = Load(caller, Journal(), 1, SCALE)
        try:
            await fifty_at_once(load)
        finally:
            await caller.aclose()
        return load.journal

    journal = asyncio.run(fifty())
    assert not journal.findings.violations
    assert len(journal.listings) == 1
