"""The bank test: 64 clients and 100,000 claims on money for 70 % of the parcels, then 100 races for the last of it.

Two processes answer for logistics, over a PostgreSQL that waits for its disk. Of the claims 30 % are repeats, written
in another hand, and 5 % name a waybill that another carrier registers, too. While it goes on, snapshots are taken of
heads and transfers; at the end every parcel's story is told again by its ledger, the oracles and the day's replay.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from bench.house import House, Running, house
from bench.servers import postgres
from catalogue.days import local_day
from chassis.db import Database
from duijie.postgres import EmbeddedPostgres
from services.logistics.audit.service import replay_day
from services.logistics.subsidy.eligibility import waybill_identity
from tests.faults.kit.findings import Findings
from tests.faults.kit.oracles.ledger import last_short_at, lives, overdraws_at, settled, snapshot
from tests.support.logistics import agreed, hear
from tests.support.subsidies import RATE_FEN

CLIENTS, CARRIERS = 64, 8
CLAIMS, REPEATED, CONFLICTING = 100_000, 30_000, 5_000
PARCELS = CLAIMS - REPEATED - CONFLICTING
MONEY_FOR = PARCELS * 7 // 10
RACES = 100
SIZES = (1, 5, 20, 100, 300)
TOLD = (("delivered",), ("delivered", "delivered"), ("returned", "delivered"), ("returned",))

Parcel = dict[str, Any]


class Bank:
    """Who asks: carriers with their matches, two officers, and what each waybill was answered."""

    def __init__(self, at: House, apis: Sequence[Running], chance: random.Random) -> None:
        self.apis, self.chance = apis, chance
        self.carriers = [uuid4() for _ in range(CARRIERS)]
        self.headers = [at.caller("carrier", each) for each in self.carriers]
        self.officers = [at.caller("programme_officer") for _ in range(2)]
        self.matches: list[list[str]] = []
        self.answers: dict[str, set[frozenset[tuple[str, Any]]]] = defaultdict(set)
        self.owners: dict[str, set[int]] = defaultdict(set)
        self.refused = 0

    async def open(self, db: Database, client: httpx.AsyncClient) -> None:
        for headers in self.headers:
            made = [agreed(quantity_g=10**9) for _ in range(4)]
            await hear(db, *made)
            mine = {str(each.match_id) for each in made}
            for shipment in (await client.get("/v1/shipments?status=open&limit=500", headers=headers)).json()["items"]:
                if shipment["match_id"] in mine:
                    await self._ask(client, f"/v1/shipments/{shipment['id']}/claim", None, headers)
            self.matches.append(sorted(mine))
        now = datetime.now(UTC)
        programme = {
            "name": "bank",
            "funder": "bank",
            "kind": "courier_parcel",
            "budget_fen": MONEY_FOR * RATE_FEN,
            "rate_fen": RATE_FEN,
            "starts_at": (now - timedelta(hours=1)).isoformat(),
            "ends_at": (now + timedelta(days=9)).isoformat(),
        }
        self.fund = (await self._ask(client, "/v1/programmes", programme, self.officers[0], 201))["id"]

    def claims(self) -> list[tuple[int, Parcel]]:
        """Each with the carrier whose it is, in no order."""
        parcels = [self.parcel(number % CARRIERS) for number in range(PARCELS)]
        made = list(enumerate(parcels))
        repeats = self.chance.sample(made, REPEATED)
        conflicts = self.chance.sample(made, CONFLICTING)
        claims = [(number % CARRIERS, parcel) for number, parcel in made]
        claims += [
            (number % CARRIERS, parcel | {"waybill": self.otherwise(parcel["waybill"])}) for number, parcel in repeats
        ]
        for number, parcel in conflicts:
            other = (number + self.chance.randrange(1, CARRIERS)) % CARRIERS
            claims.append((other, self.parcel(other) | {"waybill": self.otherwise(parcel["waybill"])}))
        self.chance.shuffle(claims)
        return claims

    def parcel(self, carrier: int) -> Parcel:
        order = {"order_ref": uuid4().hex} if self.chance.random() < 0.2 else {}
        match = self.chance.choice(self.matches[carrier])
        return {
            "waybill": f"YT{uuid4().hex}",
            "match_id": match,
            "weight_g": 900,
            "recipient_adcode": "320102",
            **order,
        }

    def otherwise(self, waybill: str) -> str:
        """The same waybill in another hand: as it is, lower case, full width, with blanks."""
        full_width = "".join(chr(ord(each) + 0xFEE0) for each in waybill)
        return self.chance.choice([waybill, waybill.lower(), full_width, f" {waybill[:7]} {waybill[7:]}"])

    async def register(self, client: httpx.AsyncClient, carrier: int, parcels: list[Parcel]) -> None:
        """All of them; of those that another carrier was quicker with, nothing is left in the array."""
        while parcels:
            answer = await sent(client, "/v1/parcels", parcels, self.headers[carrier])
            if answer.status_code == 200:
                for parcel, item in zip(parcels, answer.json()["items"], strict=True):
                    identity = waybill_identity(parcel["waybill"])
                    self.answers[identity].add(frozenset(item.items()))
                    self.owners[identity].add(carrier)
                return
            assert answer.status_code == 409, answer.text
            taken = {int(each["pointer"].split("/")[1]) for each in answer.json()["errors"]}
            assert taken, answer.text
            self.refused += len(taken)
            parcels = [each for place, each in enumerate(parcels) if place not in taken]

    async def top_up(self, client: httpx.AsyncClient, fen: int) -> None:
        path = f"/v1/programmes/{self.fund}"
        asked = await self._ask(client, f"{path}/topup", {"amount_fen": fen}, self.officers[0], 202)
        decision = f"{path}/approvals/{asked['approval_id']}"
        await self._ask(client, decision, {"decision": "approve"}, self.officers[1])

    async def read(self, client: httpx.AsyncClient, under: str = "") -> dict[str, Any]:
        answer = await client.get(f"/v1/programmes/{self.fund}{under}", headers=self.officers[0])
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def _ask(
        self, client: httpx.AsyncClient, path: str, body: object, headers: dict[str, str], status: int = 200
    ) -> Any:
        answer = await client.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()


async def sent(client: httpx.AsyncClient, path: str, body: object, headers: dict[str, str]) -> httpx.Response:
    """As often as it takes, as every client must: a kept connection may end just when it is used."""
    while True:
        try:
            return await client.post(path, json=body, headers=headers)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            continue


@asynccontextmanager
async def clients(bank: Bank) -> AsyncIterator[list[httpx.AsyncClient]]:
    """One connection each, half of them to either process."""
    limits = httpx.Limits(max_connections=1)
    made = [
        httpx.AsyncClient(base_url=bank.apis[number % 2].url, limits=limits, timeout=120, trust_env=False)
        for number in range(CLIENTS)
    ]
    try:
        yield made
    finally:
        await asyncio.gather(*(each.aclose() for each in made))


async def claim_all(bank: Bank, crowd: list[httpx.AsyncClient]) -> None:
    waiting: list[list[Parcel]] = [[] for _ in range(CARRIERS)]
    for carrier, parcel in bank.claims():
        waiting[carrier].append(parcel)

    async def work(number: int) -> None:
        mine = waiting[number % CARRIERS]
        while mine:
            some = [mine.pop() for _ in range(min(len(mine), bank.chance.choice(SIZES)))]
            await bank.register(crowd[number], number % CARRIERS, some)

    await asyncio.gather(*(work(number) for number in range(CLIENTS)))


async def race(bank: Bank, crowd: list[httpx.AsyncClient]) -> None:
    """A few more parcels' money, and all at once for it: exactly so many get it, and nothing is left."""
    more = bank.chance.randint(1, 3)
    before = await bank.read(crowd[0])
    await bank.top_up(crowd[0], more * RATE_FEN)
    await asyncio.gather(
        *(bank.register(crowd[each], each % CARRIERS, [bank.parcel(each % CARRIERS)]) for each in range(CLIENTS))
    )
    after = await bank.read(crowd[1])
    assert after["available_fen"] == 0
    assert after["reserved_fen"] - before["reserved_fen"] == more * RATE_FEN
    assert after["parcels"]["refused"] - before["parcels"]["refused"] == CLIENTS - more


async def tell_all(bank: Bank, crowd: list[httpx.AsyncClient]) -> None:
    """Scans of a third of the parcels, in any order, some of them twice."""
    scans: list[list[dict[str, Any]]] = [[] for _ in range(CARRIERS)]
    for identity in bank.chance.sample(sorted(bank.answers), len(bank.answers) // 3):
        (owner,) = bank.owners[identity]
        for kind in bank.chance.choice(TOLD):
            at = datetime.now(UTC).isoformat()
            scans[owner].append({"waybill": identity, "type": kind, "at": at, "adcode": "320102"})

    async def work(number: int) -> None:
        mine = scans[number % CARRIERS]
        while mine:
            some = [mine.pop() for _ in range(min(len(mine), 200))]
            answer = await sent(crowd[number], "/v1/parcels/scans", some, bank.headers[number % CARRIERS])
            assert answer.status_code == 200, answer.text

    for each in scans:
        bank.chance.shuffle(each)
    await asyncio.gather(*(work(number) for number in range(CLIENTS)))


@asynccontextmanager
async def snapshots(bank: Bank, dsn: str, client: httpx.AsyncClient, findings: Findings) -> AsyncIterator[None]:
    """I1 as often as can be, of the rows and of what the API shows."""

    async def look() -> None:
        connection = await asyncpg.connect(dsn, ssl=False)
        try:
            while True:
                await snapshot(connection, findings)
                shown = await bank.read(client)
                inside = [shown[f"{name}_fen"] for name in ("available", "reserved", "posted", "paid")]
                findings.seen("I1", shown["budget_fen"] == sum(inside) and min(inside) >= 0, f"shown {shown}")
                reserved = shown["parcels"]["reserved"] * RATE_FEN == shown["reserved_fen"]
                findings.seen("I2", reserved, f"parcels and fen reserved: {shown}")
                await asyncio.sleep(0.1)
        finally:
            await connection.close()

    looking = asyncio.create_task(look())
    try:
        yield
        assert not looking.done(), looking
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def judged(bank: Bank, server: EmbeddedPostgres, findings: Findings) -> None:
    """I2 to I5 and I15, by the rows."""
    connection = await asyncpg.connect(server.url("logistics").replace("+asyncpg", ""), ssl=False)
    try:
        rows = await connection.fetch(
            "SELECT programme_id::text, seq, kind, debit, credit, amount_fen, parcel_id::text, match_id::text"
            " FROM transfers ORDER BY seq"
        )
        findings.seen("I2", overdraws_at(rows) is None, f"overdrawn at {overdraws_at(rows)}")
        findings.take(lives(rows))
        scans: dict[str, set[str]] = defaultdict(set)
        for row in await connection.fetch("SELECT parcel_id::text, type FROM parcel_scans"):
            scans[row["parcel_id"]].add(row["type"])
        posted = [row["parcel_id"] for row in rows if row["kind"] == "post"]
        undelivered = [each for each in posted if "delivered" not in scans[each]]
        findings.none("I4", undelivered, "posted undelivered", of=len(posted))
        statuses = dict(await connection.fetch("SELECT subject_id::text, status FROM subsidies"))
        short_at = last_short_at(rows, RATE_FEN)
        scarce = {each for each, status in statuses.items() if status == "fund_exhausted"}
        scarce |= {row["parcel_id"] for row in rows if row["kind"] == "void" and row["seq"] < short_at}
        findings.take(settled(statuses, scans, scarce))
    finally:
        await connection.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


@pytest.mark.timeout(900)
async def test_every_fen_of_a_hundred_thousand_claims_is_accounted_for(stack: ExitStack) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    findings = Findings()
    async with postgres("gateway", "listing", "matching", "logistics") as server:
        at = stack.enter_context(house(server))
        apis = [stack.enter_context(at.running("serve", "logistics")) for _ in range(2)]
        bank = Bank(at, apis, random.Random(seed))
        db = Database(server.url("logistics"), source="/duijie/test")
        dsn = server.url("logistics").replace("+asyncpg", "")
        async with clients(bank) as crowd, httpx.AsyncClient(base_url=apis[0].url, trust_env=False, timeout=60) as own:
            await bank.open(db, own)
            async with snapshots(bank, dsn, own, findings):
                await claim_all(bank, crowd)
                shown = await bank.read(own)
                assert (shown["available_fen"], shown["reserved_fen"]) == (0, MONEY_FOR * RATE_FEN)
                assert shown["parcels"]["refused"] == PARCELS - MONEY_FOR
                assert len(bank.answers) == PARCELS
                assert all(len(given) == 1 for given in bank.answers.values()), "one waybill was answered in two ways"
                assert all(len(owners) == 1 for owners in bank.owners.values()), "two carriers have one waybill"
                assert bank.refused >= CONFLICTING, "who was quicker refuses the repeats of the other, too"
                first = Counter(dict(next(iter(given)))["subsidy"] for given in bank.answers.values())
                assert first == {"reserved": MONEY_FOR, "fund_exhausted": PARCELS - MONEY_FOR}
                for _ in range(RACES):
                    await race(bank, crowd)
                await tell_all(bank, crowd)
            assert (await bank.read(own, "/verify"))["ok"]
            await judged(bank, server, findings)
            now = datetime.now(UTC)
            days = sorted({local_day(now - timedelta(minutes=15)), local_day(now)})
            replays = [await replay_day(db, day) for day in days]
        await db.close()
    print(dict(findings.checks))
    assert findings.checks["I1"] > 20
    assert not findings.violations, findings.violations[:5]
    assert all(each.exact for each in replays), [(each.not_judged, each.differences[:3]) for each in replays]
    assert sum(each.asked for each in replays) == PARCELS + RACES * CLIENTS
