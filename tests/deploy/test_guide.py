"""docs/guides/operate.md: what it tells people to type is there."""

import asyncio
import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from chassis.db import Database
from chassis.tables import INBOX
from chassis.vault import Vault
from contracts.topics import TOPICS
from duijie.databases import DATABASES
from duijie.postgres import ROLE, EmbeddedPostgres
from gateway.tokens import Signer
from services.matching.supply.models import Supply
from tests.deploy.support import DEPLOY, ROOT, all_variables, load, metric_names, metrics_in, parse_command
from tests.support.postgres import superuser
from tests.support.services import service_database

GUIDE = (ROOT / "docs" / "guides" / "operate.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL))
SQL = "```\n".join(re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL))
QUERIES = re.findall(r"^-- ([a-z, ]+): .*\n((?:(?!--|```).*\n)+)", SQL, re.MULTILINE)
COMMANDS = sorted(
    {
        match.strip()
        for match in re.findall(r"^duijie ([^&|\n]+)|(?<=[`&] )duijie ([^&|`\n]+)", SHELL, re.MULTILINE)
        for match in match
        if match
    }
    | set(re.findall(r"`duijie ([^`]+)`", GUIDE))
    | set(re.findall(r"exec gateway-api duijie ([^\n`]+)", GUIDE))
)


NOW = datetime.now(UTC)
SUPPLY = {
    "listing_id": uuid4(),
    "producer_id": uuid4(),
    "listing_version": 1,
    "version": 1,
    "terms": 1,
    "status": "open",
    "produce": "strawberry",
    "grade": "A",
    "listed_g": 5_000,
    "quantity_g": 5_000,
    "held_g": 0,
    "agreed_g": 0,
    "min_price_fen_per_kg": 100,
    "origin_adcode": "321323",
    "temperature_class": "chilled",
    "available_from": NOW,
    "spoils_at": NOW + timedelta(days=3),
    "divisible": True,
    "auto_agree": True,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_line_takes(command: str) -> None:
    parse_command(shlex.split(command))


def test_it_names_every_process_and_job() -> None:
    for words in ("serve gateway", "work gateway", "migrate", "topics apply", "topics check", "dlq list"):
        assert any(command.startswith(words) for command in COMMANDS), words


def test_variables_and_metrics_are_those_of_the_program() -> None:
    named = set(re.findall(r"\bDUIJIE_[A-Z_]+\b", GUIDE.replace("DUIJIE_<SERVICE>_DATABASE_POOL", "")))
    assert named <= set(all_variables())
    assert metrics_in(GUIDE) <= metric_names()
    endings = set(re.findall(r"`(OTEL_[A-Z_]+)`", GUIDE))
    assert all(name in (ROOT / "chassis" / "tracing.py").read_text(encoding="utf-8") for name in endings)


def test_every_setting_of_the_program_is_told() -> None:
    settings = GUIDE.partition("\n## Settings\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(DUIJIE_[A-Z_]+)`", settings)) == set(all_variables())


def test_services_files_and_alerts_are_there() -> None:
    services = set(load(DEPLOY / "compose.yaml")["services"])
    assert set(re.findall(r"\b(?:gateway|listing|matching|logistics)-(?:api|worker)\b", GUIDE)) <= services
    for path in re.findall(r"\bdeploy/[\w./-]*\w", GUIDE):
        assert path == "deploy/.env" or path.startswith("deploy/duijie-") or (ROOT / path).exists(), path
    rules = {rule["alert"] for group in load(DEPLOY / "alerts.yml")["groups"] for rule in group["rules"]}
    assert set(re.findall(r"^\| (Duijie\w+) \|", GUIDE, re.MULTILINE)) == rules
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", GUIDE)) <= targets


def test_partitions_are_as_told() -> None:
    most = {topic.partitions for topic in TOPICS}
    assert most == {12, 3}
    wide = {topic.name.split(".")[1] for topic in TOPICS if topic.partitions == 12}
    assert wide == {"listings", "supply", "matches", "shipments", "parcels"}
    assert all(topic.dead_letters.retention_ms == 30 * 24 * 3600 * 1000 for topic in TOPICS)


def test_the_line_that_makes_secrets_makes_good_ones(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / ".env.example").write_bytes((DEPLOY / ".env.example").read_bytes())
    loop = re.search(r"^while IFS.*?chmod 600 deploy/\.env$", SHELL, re.DOTALL | re.MULTILINE)
    assert loop is not None
    subprocess.run(["sh", "-euc", loop[0]], cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    made = dict(
        re.findall(r'^(\w+)="([^"]+)"$', (tmp_path / "deploy" / ".env").read_text(encoding="ascii"), re.MULTILINE)
    )
    assert set(made) == set(
        re.findall(r"^(\w+)=$", (DEPLOY / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert len(set(made.values())) == len(made)
    Signer.from_pem(made["DUIJIE_GATEWAY_SIGNING_KEY"])
    Vault.from_base64(made["DUIJIE_GATEWAY_PERSONAL_DATA_KEY"])
    Vault.from_base64(made["DUIJIE_MATCHING_WEBHOOK_KEY"])
    assert (tmp_path / "deploy" / ".env").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("database", DATABASES)
async def test_reconciling_finds_nothing_where_nothing_is_wrong(database: str, postgres: EmbeddedPostgres) -> None:
    async with service_database(postgres, database) as db, db.reading() as session:
        for names, query in QUERIES:
            if database in names:
                assert list(await session.execute(text(query))) == []


def test_every_database_is_reconciled() -> None:
    assert {name.strip() for names, _ in QUERIES for name in names.split(",")} == set(DATABASES)


ID = {name: uuid4() for name in ("match", "listing", "order", "producer", "buyer", "parcel", "programme")}
HOLD = f"""
INSERT INTO matches (
    id, version, status, round_id, listing_id, order_id, producer_id, buyer_id, produce, quantity_g, price_fen_per_kg,
    freight_fen_per_kg, amount_fen, distance_m, temperature_class, origin_adcode, origin_lon, origin_lat,
    destination_adcode, destination_lon, destination_lat, ready_at, arrives_at, deliver_by, spoils_at,
    min_remaining_life_h, producer_consents, buyer_consents, created_at
) VALUES (
    '{ID["match"]}', 1, 'proposed', gen_random_uuid(), '{ID["listing"]}', '{ID["order"]}', '{ID["producer"]}',
    '{ID["buyer"]}', 'strawberry', 1000, 100, 0, 100, 1, 'chilled', '321323', 118, 33, '321323', 118, 33,
    now(), now(), now(), now(), 0, false, false, now()
)
"""
ITEM = f"""
INSERT INTO feed_items VALUES ('{ID["buyer"]}', 2, convert_to(
    '{{"seq":2,"type":"match.proposed","match":{{"id":"{ID["match"]}"}}}}', 'UTF8'))
"""
SUBSIDY = f"""
INSERT INTO subsidies (
    subject_id, match_id, buyer_id, status, first_status, programme_id, amount_fen, rule_version, turn
) VALUES (
    '{ID["parcel"]}', '{ID["match"]}', '{ID["buyer"]}', 'reserved', 'reserved', '{ID["programme"]}', 300, 1, 1
)
"""
FUND = f"""
INSERT INTO ledger_heads VALUES (
    '{ID["programme"]}', 1, '', now(), -1000, 900, 100, 0, 0, 1, 0, 0, 0, 0, 300, NULL, 1
)
"""
PARCEL = f"""
INSERT INTO parcels (
    id, identity, waybill, carrier_id, match_id, weight_g, counted_g, recipient_adcode, registered_at, seen, version
) VALUES (
    '{ID["parcel"]}', 'SF1', 'SF1', gen_random_uuid(), '{ID["match"]}', 1000, 1000, '321323', now(), 0, 1
)
"""


@pytest.mark.parametrize(
    ("database", "wrong", "named"),
    [
        ("matching", [HOLD], {"holds and agreements", "matches whose state"}),
        ("matching", [ITEM], {"matches whose state", "feeds with a gap"}),
        ("logistics", [SUBSIDY], {"subsidies of parcels", "parcels, and subsidies"}),
        ("logistics", [FUND], {"funds that hold"}),
        ("logistics", [PARCEL], {"parcels, and subsidies"}),
    ],
    ids=["hold", "feed", "subsidy", "fund", "parcel"],
)
async def test_reconciling_names_what_lacks_its_other_half(
    database: str, wrong: list[str], named: set[str], postgres: EmbeddedPostgres
) -> None:
    async with service_database(postgres, database) as db:
        async with db.transaction() as session:
            for statement in wrong:
                await session.execute(text(statement.replace(":", "\\:")))
        async with db.reading() as session:
            found = {
                title
                for title, query in re.findall(rf"^-- {database}: (.*)\n((?:(?!--|```).*\n)+)", SQL, re.MULTILINE)
                if "ORDER BY" not in query and (await session.execute(text(query))).all()
            }
    assert {next(start for start in named if title.startswith(start)) for title in found} == named


async def test_a_role_that_stands_in_for_a_services_own_does_its_work(postgres: EmbeddedPostgres) -> None:
    made = next(block for block in re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL) if "CREATE ROLE" in block)
    async with service_database(postgres, "listing") as own, superuser(postgres) as admin:
        await admin.execute(made.replace("IN ROLE listing", f"IN ROLE {ROLE}"))
        try:
            url = own.engine.url.set(username="listing_meanwhile", password="another")
            await DATABASES["listing"].migrate(url.render_as_string(hide_password=False))
            other = Database(url.render_as_string(hide_password=False), source="/duijie/listing")
            async with own.holding(42):
                await asyncio.sleep(0.3)
                async with (
                    asyncio.timeout(5),
                    other.holding(42, 0.02, stale_after_s=0.2) as lock,
                    other.transaction_over(lock) as session,
                ):
                    await session.execute(insert(INBOX).values(consumer="listing", event_id=uuid4()))
            await other.close()
        finally:
            await admin.execute("DROP ROLE listing_meanwhile")


async def test_reconciling_finds_a_lot_that_is_promised_without_a_match(postgres: EmbeddedPostgres) -> None:
    books = next(query for names, query in QUERIES if "UNION ALL" in query)
    wrong = SUPPLY | {"listing_id": uuid4(), "held_g": 0, "agreed_g": 1_000}
    async with service_database(postgres, "matching") as db:
        async with db.transaction() as session:
            await session.execute(insert(Supply).values(SUPPLY))
            await session.execute(insert(Supply).values(wrong))
        async with db.reading() as session:
            found = (await session.execute(text(books))).all()
    assert [(row.side, row.id, row.agreed_g, row.agreed) for row in found] == [
        ("listing", wrong["listing_id"], 1_000, 0)
    ]
