"""docs/guides/operate.md: what it tells people to type is there."""

import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from contracts.topics import TOPICS
from duijie.databases import DATABASES
from duijie.postgres import EmbeddedPostgres
from gateway.accounts.vault import Vault
from gateway.tokens import Signer
from services.matching.supply.models import Supply
from tests.deploy.support import DEPLOY, ROOT, all_variables, load, metric_names, metrics_in, parse_command
from tests.support.services import service_database

GUIDE = (ROOT / "docs" / "guides" / "operate.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL))
QUERIES = re.findall(
    r"^-- ([a-z, ]+): .*\n((?:(?!--|```).*\n)+)",
    "\n".join(re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL)),
    re.MULTILINE,
)
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
    assert (tmp_path / "deploy" / ".env").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("database", DATABASES)
async def test_reconciling_finds_nothing_where_nothing_is_wrong(database: str, postgres: EmbeddedPostgres) -> None:
    async with service_database(postgres, database) as db, db.reading() as session:
        for names, query in QUERIES:
            if database in names:
                assert list(await session.execute(text(query))) == []


def test_every_database_is_reconciled() -> None:
    assert {name.strip() for names, _ in QUERIES for name in names.split(",")} == set(DATABASES)


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
