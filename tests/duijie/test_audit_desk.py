"""`duijie ledger replay` and `duijie programme whatif`: what they print, and what they refuse in which words."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner, Result

from catalogue.days import local_day
from chassis.db import Database
from duijie import audit_desk, ledger_audit
from duijie.databases import DATABASES
from duijie.postgres import EmbeddedPostgres
from duijie.problems import CannotStart, DatabaseTooOld
from services.logistics.app import create_logistics_app
from tests.support.postgres import fresh_database, template_database
from tests.support.services import Issuer, client_of, kept_app, service_database
from tests.support.subsidies import RATE_FEN, Courier, Office

RULES = {"kind": "courier_parcel", "rate_fen": 300, "eligibility": {"adcodes": ["32"]}}


class Auditor:
    """Logistics' database with a day of three parcels, one of them delivered, and the command line in front of it."""

    def __init__(self, url: str, folder: Path, fund: str) -> None:
        self.url, self.folder, self.fund = url, folder, fund
        self.day = local_day(datetime.now(UTC)).isoformat()

    def run(self, app: typer.Typer, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env={"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"})

    def replay(self, day: str) -> Result:
        return self.run(ledger_audit.app, "replay", "--day", day)

    def whatif(self, rules: object, *more: str) -> Result:
        file = self.folder / "rules.json"
        file.write_text(rules if isinstance(rules, str) else json.dumps(rules), encoding="utf-8")
        days = ("--from", self.day, "--to", self.day)
        return self.run(ledger_audit.programmes, "whatif", "--rules", str(file), *days, *more)

    def meddle(self, statement: str) -> None:
        async def do() -> None:
            db = Database(self.url, source="/duijie/test")
            async with db.transaction() as session:
                await session.execute(text(statement))
            await db.close()

        asyncio.run(do())


@pytest.fixture
async def auditor(
    postgres: EmbeddedPostgres, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Auditor]:
    async with service_database(postgres, "logistics") as db:
        async with client_of(kept_app(create_logistics_app, db, issuer.keys)) as client:
            office, courier = Office(client, issuer), Courier(client, issuer, db)
            fund = await office.open()
            match = await courier.claimed()
            parcels = [courier.parcel(match) for _ in range(3)]
            await courier.register(*parcels)
            await courier.tell((parcels[0]["waybill"], "delivered"))
        url = db.engine.url.render_as_string(hide_password=False)
        monkeypatch.setenv("DUIJIE_LOGISTICS_DATABASE_URL", url)
        yield Auditor(url, tmp_path, fund)


def test_a_day_is_told_by_kind_and_ends_with_its_verdict(auditor: Auditor) -> None:
    done = auditor.replay(auditor.day)
    assert done.exit_code == 0, (done.output, done.exception)
    heading, _, *kinds, verdict = done.output.splitlines()
    assert heading == f"programme {auditor.fund} (courier_parcel) 爱心助农"
    assert [line.split() for line in kinds] == [
        ["fund", "1", "2,000", "1", "2,000"],
        ["reserve", "3", "600", "3", "600"],
        ["post", "1", "200", "1", "200"],
    ]
    assert verdict == f"{auditor.day}: 3 claims and 5 entries recomputed: to the fen"


def test_what_differs_is_told_and_ends_with_one(auditor: Auditor) -> None:
    auditor.meddle("UPDATE programme_rules SET rate_fen = 100")
    done = auditor.replay(auditor.day)
    assert done.exit_code == 1
    assert "reserve 200 fen by rule 1; recomputed reserve 100 fen by rule 1" in done.output
    assert done.output.splitlines()[-1].endswith("differences")


def test_other_rules_are_told_beside_what_was(auditor: Auditor) -> None:
    done = auditor.whatif(RULES)
    assert done.exit_code == 0, (done.output, done.exception)
    _, heading, day, whole, *_ = [line.split() for line in done.output.splitlines()]
    assert heading == ["day", "asked", "granted", "fen", "granted", "fen"]
    assert day == [auditor.day, "3", "3", "900", "3", str(3 * RATE_FEN)]
    assert whole == ["in", "all", "3", "3", "900", "3", str(3 * RATE_FEN)]


def test_the_same_is_told_as_json(auditor: Auditor) -> None:
    told = json.loads(auditor.whatif(RULES | {"budget_fen": 700}, "--json").output)
    assert (told["asked"], told["granted"], told["fen"], told["refused"]) == (3, 2, 600, {"fund_exhausted": 1})
    assert told["exhausted_at"].startswith("20")
    assert told["days"] == [{"day": auditor.day, "asked": 3, "granted": 2, "fen": 600}]
    assert told["as_it_was"] == [{"programme_id": auditor.fund, "day": auditor.day, "granted": 3, "fen": 600}]


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        (RULES | {"rate_fen": 0}, "rate_fen: It must be"),
        (RULES | {"caps": {"per_carrier_per_day": "9"}}, "caps/per_carrier_per_day: It must be an integer."),
        (RULES | {"colour": "red"}, "colour: There is no such field."),
        ({"rate_fen": 200, "colour": "red"}, "kind: Field required. colour: There is no such field."),
        (RULES | {"kind": "gift"}, "kind: It must be one of 'courier_parcel', 'produce_support'."),
        ("{", "holds no rules: it is no valid JSON: EOF while parsing"),
    ],
)
def test_a_file_without_sound_rules_is_refused_by_its_field(auditor: Auditor, rules: object, named: str) -> None:
    done = auditor.whatif(rules)
    assert isinstance(done.exception, CannotStart)
    assert named in str(done.exception)
    assert "\n" not in str(done.exception)


def test_a_file_that_is_not_there_and_days_that_are_none_are_refused(auditor: Auditor) -> None:
    days = ("--from", "2026-12-02", "--to", "2026-12-01")
    gone = auditor.run(
        ledger_audit.programmes, "whatif", "--rules", "none.json", "--from", auditor.day, "--to", auditor.day
    )
    assert "can't be read" in str(gone.exception)
    assert auditor.run(ledger_audit.programmes, "whatif", "--rules", "none.json", *days).exit_code == 2
    assert auditor.replay("tomorrow").exit_code == 2
    assert auditor.replay((datetime.now(UTC) - timedelta(days=9)).date().isoformat()).exit_code == 0
    assert auditor.replay((datetime.now(UTC) + timedelta(days=2)).date().isoformat()).exit_code == 2


async def test_a_folder_without_a_platform_is_refused_and_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DUIJIE_LOGISTICS_DATABASE_URL", raising=False)
    with pytest.raises(CannotStart, match="holds no platform"):
        await audit_desk.replayed(tmp_path / "none", date(2026, 11, 1))
    assert list(tmp_path.iterdir()) == []


async def test_a_database_of_before_is_told_to_be_migrated(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = await template_database(postgres, "logistics", DATABASES["logistics"].migrate)
    async with fresh_database(postgres, template) as url:
        db = Database(url, source="/duijie/test")
        async with db.transaction() as session:
            await session.execute(text("ALTER TABLE subsidies DROP COLUMN asked_at"))
        await db.close()
        monkeypatch.setenv("DUIJIE_LOGISTICS_DATABASE_URL", url)
        with pytest.raises(DatabaseTooOld, match="duijie migrate logistics"):
            await audit_desk.replayed(None, date(2026, 12, 1))
