"""A day recomputed: exact where nobody meddled, and whatever was meddled with is found."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import NullPool, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from catalogue.days import local_day
from chassis.db import Database
from contracts.matches import MatchFulfilled
from contracts.programmes import ProgrammeKind
from duijie.postgres import EmbeddedPostgres
from services.logistics.audit.queries import Granted, granted_by
from services.logistics.audit.schemas import OtherRules
from services.logistics.audit.service import Replay, recount, replay_day, what_if
from services.logistics.audit.whatif import Outcome
from services.logistics.clawbacks.service import notice_returned
from services.logistics.parcels.models import PARCELS
from services.logistics.programmes.handlers import on_matches
from tests.services.logistics.settlements.settling import Settling
from tests.support.logistics import agreed, hear, later
from tests.support.services import Issuer, untouched_database
from tests.support.subsidies import RATE_FEN, Courier, Office

NOWHERE = {"adcodes": ["11"]}


async def today(db: Database) -> Replay:
    return await replay_day(db, local_day(datetime.now(UTC)))


def found(replay: Replay) -> list[tuple[str, str, str]]:
    """What, by the ledger, as recomputed."""
    return [(each.what, each.ledger, each.recomputed) for each in replay.differences]


async def outcome_of(db: Database, rules: OtherRules, day: date) -> tuple[Outcome, list[Granted]]:
    tried = await what_if(db, rules, day, day)
    return tried.outcome, tried.granted


class World:
    """A day on which everything happens that happens to subsidies."""

    def __init__(
        self, courier: Courier, office: Office, db: Database, issuer: Issuer, server: EmbeddedPostgres
    ) -> None:
        self.courier, self.office, self.db, self.server = courier, office, db, server
        self.fund = self.support = self.capped = self.elsewhere = ""
        self.names = [""]
        self.second = issuer.caller("programme_officer")

    async def lives(self) -> "World":
        # The first in order has money for six parcels, the second caps, the last refuses all by their place.
        self.elsewhere = await self.office.open(ends_at=_in(40), rate_fen=50, eligibility=NOWHERE)
        self.fund = await self.office.open(ends_at=_in(9), budget_fen=6 * RATE_FEN)
        self.capped = await self.office.open(budget_fen=10_000, rate_fen=150, caps={"per_carrier_per_day": 3})
        self.support = await self.office.open(kind="produce_support", rate_fen=33, budget_fen=10_000)
        async with self.db.transaction() as session:  # long enough ago for everybody to have seen them
            await session.execute(text("UPDATE programmes SET created_at = created_at - interval '1 hour'"))
        match = self.match = await self.courier.claimed(quantity_g=100_000)
        parcels = [self.courier.parcel(match, order_ref=order) for order in ("A", "A", None, "B", "C", None, None, "D")]
        await self.courier.register(*parcels)
        await self.courier.register(*(self.courier.parcel(match) for _ in range(4)))
        await self.courier.register(self.courier.parcel(match, weight_g=110_000))
        names = self.names = [each["waybill"] for each in parcels]
        await self.courier.tell((names[0], "delivered"), (names[1], "returned"), (names[2], "lost"))
        await self.courier.tell((names[3], "delivered"), (names[2], "delivered"))
        await self.courier.tell((names[4], "delivered"), (names[4], "returned"))
        matches = [agreed(quantity_g=100_999), agreed(quantity_g=10_000_000), agreed(quantity_g=20)]
        await hear(self.db, *matches)
        async with self.db.transaction() as session:
            await on_matches(session, [later(each, MatchFulfilled, status="fulfilled") for each in matches])
        await self.tops_up(500)
        settling = Settling(self.office, self.courier, self.fund)
        await settling.pays(await settling.freezes())
        await self.courier.tell((names[0], "returned"))  # after it was paid
        assert await notice_returned(self.db) == 1
        await self.courier.register(self.courier.parcel(match, order_ref="B"))
        return self

    async def tops_up(self, fen: int) -> None:
        path = f"/v1/programmes/{self.fund}"
        asked = await self.office.client.post(f"{path}/topup", json={"amount_fen": fen}, headers=self.office.headers)
        decision = f"{path}/approvals/{asked.json()['approval_id']}"
        answer = await self.office.client.post(decision, json={"decision": "approve"}, headers=self.second)
        assert answer.status_code == 200, answer.text

    async def meddle(self, statement: str) -> None:
        """As somebody does who is master of the server: past triggers, and past what the service may do."""
        async with self._master() as session:
            await session.execute(text(self._of_this_world(statement)))
            await session.commit()

    async def replayed_after(self, statement: str) -> Replay:
        """Today recomputed as that would leave it; it is undone."""
        async with self._master() as session:
            await session.execute(text(self._of_this_world(statement)))
            return await recount(session, local_day(datetime.now(UTC)))

    def _of_this_world(self, statement: str) -> str:
        values = {"fund": self.fund, "support": self.support, "capped": self.capped, "one": self.names[0]}
        for name, value in values.items():
            statement = re.sub(rf"(?<!:):{name}\b", f"'{value}'", statement)
        return statement.replace("::", "\\:\\:")

    @asynccontextmanager
    async def _master(self) -> AsyncIterator[AsyncSession]:
        name = str(self.db.engine.url.database)
        dsn = self.server.superuser_dsn(name).replace("postgresql://", "postgresql+asyncpg://")
        engine = create_async_engine(dsn, poolclass=NullPool)
        async with AsyncSession(engine, expire_on_commit=False) as session:
            await session.execute(text("SET session_replication_role = replica"))
            yield session
        await engine.dispose()


def _in(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


@pytest.fixture
async def world(courier: Courier, office: Office, db: Database, issuer: Issuer, postgres: EmbeddedPostgres) -> World:
    return await World(courier, office, db, issuer, postgres).lives()


async def test_a_day_on_which_nobody_meddled_is_recomputed_to_the_fen(world: World) -> None:
    replay = await today(world.db)
    assert found(replay) == []
    assert (replay.exact, replay.asked, replay.not_judged) == (True, 17, 0)
    for each in replay.programmes:
        shown = await world.office.read(each.programme.id)
        sums = {kind: of.recomputed_fen for kind, of in each.sums.items()}
        money = sums.get("reserve", 0) - sums.get("void", 0) - sums.get("reverse", 0) - sums.get("clawback", 0)
        assert shown["budget_fen"] == sums["fund"]
        assert shown["reserved_fen"] + shown["posted_fen"] + shown["paid_fen"] == money
        assert all((of.entries, of.fen) == (of.recomputed, of.recomputed_fen) for of in each.sums.values())
    kinds = {kind for each in replay.programmes for kind in each.sums}
    assert kinds == {"fund", "reserve", "post", "void", "reverse", "payout"}


async def test_a_day_without_anything_is_exact_and_empty(world: World) -> None:
    replay = await replay_day(world.db, local_day(datetime.now(UTC)) - timedelta(days=3))
    assert (replay.exact, replay.asked) == (True, 0)
    assert not any(each.sums for each in replay.programmes)


ORDER_A = "UPDATE parcels SET order_ref = 'Z' WHERE order_ref = 'A' AND waybill <> :one"
EMPTY = (
    "UPDATE subsidies SET first_status = 'fund_exhausted', status = 'fund_exhausted', reason = NULL,"
    " refused_by = :capped WHERE reason = 'duplicate_order'"
)
HEAD = "UPDATE ledger_heads SET {} WHERE programme_id = :fund"
MEDDLING = {
    "another rate": (
        "UPDATE programme_rules SET rate_fen = 199 WHERE programme_id = :fund",
        ("entry", "reserve 199 fen by rule 1"),
    ),
    "another place of origin": (
        "UPDATE shipments SET origin_adcode = '110101'",
        ("answer", "50 fen of {elsewhere} by rule 1"),
    ),
    "another amount": (
        "UPDATE transfers SET amount_fen = 201 WHERE programme_id = :fund AND seq = 2",
        ("entry", "reserve 200 fen by rule 1"),
    ),
    "an entry taken away": ("DELETE FROM transfers WHERE programme_id = :capped AND seq = 2", ("entry", "reserve")),
    "a delivery unsaid": (
        "UPDATE parcels SET seen = 0 WHERE waybill = :one",
        ("scans", "<Seen.DELIVERED|RETURNED: 12>"),
    ),
    "a delivery made up": (
        "UPDATE parcels SET seen = 4 WHERE id = (SELECT subject_id FROM subsidies WHERE status = 'reserved' LIMIT 1)",
        ("scans", "<Seen.NOTHING: 0>"),
    ),
    "scans taken away": ("DELETE FROM parcel_scans WHERE type = 'delivered'", ("status", "voided")),
    "an order that had its subsidy": (ORDER_A, ("answer", "200 fen of {fund} by rule 1")),
    "another reason": (
        "UPDATE subsidies SET reason = 'produce' WHERE reason = 'duplicate_order'",
        ("answer", "not_eligible duplicate_order of {fund}"),
    ),
    "a refusal forgotten": (
        "DELETE FROM subsidies WHERE first_status = 'not_eligible' AND reason = 'match_mass'",
        ("answer", "fund_exhausted of {fund}"),
    ),
    "a refusal at another time": (
        "UPDATE subsidies SET decided_at = decided_at + interval '1 hour' WHERE reason = 'duplicate_order'",
        ("decided_at", "soon after"),
    ),
    "a grant at another time": (
        "UPDATE subsidies SET decided_at = decided_at - interval '1 ms' WHERE first_status = 'reserved'",
        ("decided_at", "{granted_at}"),
    ),
    "another top-up": ("""UPDATE programme_approvals SET wanted = '{"amount_fen": 5}'""", ("entry", "fund 5 fen")),
    "a line of a paid statement lost": (
        "UPDATE subsidies SET settlement_id = NULL WHERE order_ref = 'B'",
        ("entry", "payout 400 fen"),
    ),
    "a line put into a statement": (
        "UPDATE subsidies SET settlement_id = (SELECT id FROM settlements) WHERE status = 'reserved'",
        ("lines of", "8"),
    ),
    "a statement told otherwise": ("UPDATE settlements SET amount_fen = amount_fen + 1", ("amount of", "600")),
    "a statement of more lines": ("UPDATE settlements SET lines = lines + 1", ("lines of", "3")),
    "a clawback of more": ("UPDATE clawbacks SET amount_fen = amount_fen + 1", ("amount of clawback", "200")),
    "a clawback of another parcel": (
        "UPDATE clawback_lines SET subject_id = (SELECT subject_id FROM subsidies WHERE programme_id = :support)",
        ("amount of clawback", "0"),
    ),
    "a payment forgotten": ("DELETE FROM paid_statements", ("paid, ", "False")),
    "a payment told otherwise": ("UPDATE settlements SET owed_fen = owed_fen + 1", ("owed of", "600")),
    "a netting made up": ("UPDATE settlements SET recovered_fen = 1", ("kept of", "0")),
    "a recovery made up": ("UPDATE clawbacks SET recovered_fen = 1", ("recovered of clawback", "0")),
    "a subsidy of nobody": (
        "UPDATE transfers SET parcel_id = gen_random_uuid() WHERE programme_id = :fund AND seq = 2",
        ("entry", "nothing asked for it"),
    ),
    "a heavier match": (
        "UPDATE subsidies SET match_g = 90000 WHERE programme_id = :support",
        ("entry", "reserve 2970 fen by rule 1"),
    ),
    "a cap unsaid": (
        "UPDATE programme_rules SET per_carrier_per_day = 9 WHERE programme_id = :capped",
        ("answer", "150 fen of {capped} by rule 1"),
    ),
    "a fund that was not empty": (
        EMPTY,
        ("answer", "not_eligible duplicate_order of {fund}"),
    ),
    "money conjured": (
        HEAD.format("available_fen = available_fen + 1000000, funder_fen = funder_fen - 1000000"),
        ("available", "700"),
    ),
    "posted twice": (
        HEAD.format("posted_fen = posted_fen + 200, available_fen = available_fen - 200"),
        ("posted", "0"),
    ),
}


async def test_whoever_meddles_is_found(world: World) -> None:
    transfers = (await world.office.read(world.fund, "/transfers"))["items"]
    granted_at = next(datetime.fromisoformat(each["at"]) for each in transfers if each["kind"] == "reserve")
    names = {"fund": world.fund, "capped": world.capped, "elsewhere": world.elsewhere}
    names["granted_at"] = granted_at.isoformat()
    unfound = {}
    for kind, (statement, (what, recomputed)) in MEDDLING.items():
        replay = await world.replayed_after(statement)
        wanted = recomputed.format(**names)
        if replay.exact or not any(each[0].startswith(what) and wanted in each[2] for each in found(replay)):
            unfound[kind] = found(replay)
    assert not unfound
    assert (await today(world.db)).exact, "nothing of it stayed"


async def test_an_order_that_went_from_one_programme_to_another_is_exact(
    courier: Courier, office: Office, db: Database, issuer: Issuer, postgres: EmbeddedPostgres
) -> None:
    world = World(courier, office, db, issuer, postgres)
    world.fund = await office.open(ends_at=_in(5), budget_fen=RATE_FEN - 1)
    await office.open(ends_at=_in(9))
    match = await courier.claimed()
    first, second = (courier.parcel(match, order_ref="X") for _ in range(2))
    await courier.register(first)
    await courier.tell((first["waybill"], "returned"))
    await world.tops_up(RATE_FEN)
    await courier.register(second)
    assert (await office.read(world.fund))["reserved_fen"] == RATE_FEN
    replay = await today(db)
    assert (found(replay), replay.exact) == ([], True)


async def test_a_day_stays_exact_whatever_comes_later(
    courier: Courier, office: Office, db: Database, issuer: Issuer, postgres: EmbeddedPostgres
) -> None:
    world = World(courier, office, db, issuer, postgres)
    world.fund = await office.open(budget_fen=RATE_FEN - 1)
    match = await courier.claimed()
    first, second = (courier.parcel(match, order_ref="X") for _ in range(2))
    await courier.register(first)
    for statement in (
        "UPDATE programmes SET created_at = created_at - interval '3 days', starts_at = starts_at - interval '3 days'",
        "UPDATE transfers SET at = at - interval '3 days'",
        "UPDATE parcels SET registered_at = registered_at - interval '1 day'",
        "UPDATE subsidies SET asked_at = asked_at - interval '1 day', decided_at = decided_at - interval '1 day'",
    ):
        await world.meddle(statement)
    await courier.register(second)
    assert (await today(db)).exact
    await world.tops_up(RATE_FEN)
    await courier.tell((first["waybill"], "delivered"))  # and has the order's subsidy now
    replay = await today(db)
    assert (found(replay), replay.exact) == ([], True)


async def test_what_was_decided_before_it_was_recorded_on_what_is_told_and_not_judged(world: World) -> None:
    await world.meddle(
        "UPDATE subsidies SET decided_at = NULL, match_g = NULL, before_g = NULL WHERE reason = 'duplicate_order'"
    )
    replay = await today(world.db)
    assert found(replay) == []
    assert (replay.exact, replay.not_judged > 0) == (False, True)


async def test_the_rules_that_were_there_would_have_come_to_what_they_came_to(
    courier: Courier, office: Office, db: Database
) -> None:
    fund = await office.open(budget_fen=5 * RATE_FEN)
    match = await courier.claimed(quantity_g=10_000)
    parcels = [courier.parcel(match, order_ref=order) for order in ("A", "A", None, None, None, None, None, None)]
    answers = [
        (each["waybill"], (await courier.register(each))[0]["subsidy"])
        for each in (*parcels, courier.parcel(match, weight_g=4000))
    ]
    first_empty = next(name for name, subsidy in answers if subsidy == "fund_exhausted")
    now = datetime.now(UTC).isoformat()
    for each, kind in zip(parcels, ("delivered", "lost", "lost", "delivered", "returned"), strict=False):
        scan = {"waybill": each["waybill"], "type": kind, "at": now, "adcode": "320102"}
        await courier.client.post("/v1/parcels/scans", json=[scan], headers=courier.headers)
    scan = {"waybill": parcels[7]["waybill"], "type": "delivered", "at": datetime.now(UTC).isoformat()}
    answer = await courier.client.post("/v1/parcels/scans", json=[scan | {"adcode": "320102"}], headers=courier.headers)
    assert answer.status_code == 200, answer.text
    rules = OtherRules(kind="courier_parcel", rate_fen=RATE_FEN, budget_fen=5 * RATE_FEN)
    day = local_day(datetime.now(UTC))
    tried, granted = await outcome_of(db, rules, day)
    shown = await office.read(fund)
    held = shown["reserved_fen"] + shown["posted_fen"]
    assert (tried.asked, tried.fen) == (9, held)
    assert [(str(each.programme_id), each.fen) for each in granted] == [(fund, held)]
    assert +tried.refused == {"duplicate_order": 1, "match_mass": 1, "fund_exhausted": 1}
    assert tried.asked == tried.granted + sum(tried.refused.values())
    async with db.reading() as session:
        wanted = select(PARCELS.c.registered_at).where(PARCELS.c.waybill == first_empty)
        assert tried.exhausted_at == await session.scalar(wanted)


@pytest.mark.parametrize(
    ("kind", "index"), [("courier_parcel", "pk_parcels"), ("produce_support", "ix_subsidies_support_asked_at")]
)
async def test_what_a_day_was_granted_is_found_by_that_day_and_not_by_the_whole_ledger(
    postgres: EmbeddedPostgres, kind: ProgrammeKind, index: str
) -> None:
    day = datetime(2026, 11, 21, 16, tzinfo=UTC)
    asked = granted_by(kind, (day, day + timedelta(days=1)))
    asked_as_text = asked.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    async with untouched_database(postgres, "logistics") as db, db.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        connection = await session.connection()
        plan = [row[0] for row in await connection.exec_driver_sql(f"EXPLAIN {asked_as_text}")]
    (place,) = [number for number, line in enumerate(plan) if index in line]
    assert "Index Cond" in plan[place + 1], "\n".join(plan)
    assert ">=" in plan[place + 1]


async def test_what_came_back_after_it_was_paid_is_in_no_sum(courier: Courier, office: Office, db: Database) -> None:
    settling = Settling(office, courier, await office.open(budget_fen=5 * RATE_FEN))
    first, _ = await settling.delivers(2)
    await settling.pays(await settling.freezes())
    await courier.tell((first["waybill"], "returned"))
    rules = OtherRules(kind="courier_parcel", rate_fen=RATE_FEN, budget_fen=5 * RATE_FEN)
    tried, granted = await outcome_of(db, rules, local_day(datetime.now(UTC)))
    assert (tried.fen, tried.returned_fen) == (RATE_FEN, RATE_FEN)
    assert [(each.granted, each.fen) for each in granted] == [(2, RATE_FEN)]


async def test_other_rules_come_to_something_else(world: World) -> None:
    day = local_day(datetime.now(UTC))
    dear = OtherRules(kind="courier_parcel", rate_fen=300)
    tried, _ = await outcome_of(world.db, dear, day)
    assert tried.granted * 300 == tried.fen + tried.returned_fen
    elsewhere = OtherRules.model_validate({"kind": "courier_parcel", "rate_fen": 300, "eligibility": NOWHERE})
    none, _ = await outcome_of(world.db, elsewhere, day)
    assert (none.granted, none.refused) == (0, {"place": none.asked})
    support, granted = await outcome_of(world.db, OtherRules(kind="produce_support", rate_fen=33), day)
    assert (support.asked, support.fen) == (3, 3332 + 330_000)
    assert [each.fen for each in granted] == [3332]
    before = day - timedelta(days=9)
    assert (await outcome_of(world.db, dear, before))[0].asked == 0


async def test_a_match_that_was_fulfilled_while_nothing_paid_for_it_is_remembered(db: Database, office: Office) -> None:
    match = agreed()
    await hear(db, match)
    async with db.transaction() as session:
        await on_matches(session, [later(match, MatchFulfilled, status="fulfilled")])
    day = local_day(datetime.now(UTC))
    tried, granted = await outcome_of(db, OtherRules(kind="produce_support", rate_fen=10), day)
    assert (tried.asked, tried.fen, granted) == (1, 3000, [])
    fund = await office.open(kind="produce_support", rate_fen=10)
    async with db.transaction() as session:  # told once more, after its note was forgotten
        await on_matches(session, [later(match, MatchFulfilled, status="fulfilled")])
    assert await office.kinds(fund) == ["fund"], "it was decided when it was fulfilled"
