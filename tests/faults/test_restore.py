"""Four databases come back to one moment, as docs/guides/operate.md has it, and what it says to look at is sound."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest

from duijie.postgres import EmbeddedPostgres
from tests.faults.kit.child import ROOT, until
from tests.faults.kit.gate import Gate
from tests.faults.kit.house import SERVICES, House
from tests.faults.kit.pressure import LISTING
from tests.faults.kit.scenarios import SCALE, Provoked
from tests.faults.kit.storm import Faults
from tests.faults.test_degraded import client, rows
from tests.support.postgres import temporary_folder

GUIDE = (ROOT / "docs" / "guides" / "operate.md").read_text(encoding="utf-8")
TABLES = {
    "gateway": ("accounts",),
    "listing": ("listings",),
    "matching": ("supply", "orders", "matches", "feed_items"),
    "logistics": ("shipments", "parcels", "transfers", "ledger_heads"),
}
CONTENT = "SELECT count(*)::text || md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {table} t"
LATER = 5


@dataclass(frozen=True, slots=True)
class Moment:
    """What was there at one instant of the database's clock."""

    at: datetime
    content: dict[str, str]


@pytest.mark.timeout(240)
def test_what_was_there_at_a_moment_is_there_again_and_nothing_later() -> None:
    with temporary_folder() as folder:
        with House(folder) as house:
            archive = keep_every_segment(house.postgres)
            base = folder / "restored"
            moment = asyncio.run(work_and_back_up(house, base))
            later = post_more(house)
            asyncio.run(on(house.postgres, "postgres", "SELECT pg_switch_wal()"))
        with restored(base, archive, moment.at) as server:
            assert asyncio.run(content(server)) == moment.content
            asyncio.run(reconcile(server))
            there = asyncio.run(on(server, "listing", "SELECT id::text FROM listings"))
            assert not later & {row["id"] for row in there}, "what came after that moment"


def keep_every_segment(server: EmbeddedPostgres) -> Path:
    """`archive_mode` and `archive_command`, as the guide says; what is archived."""
    archive = server.folder / "archive"
    archive.mkdir()
    give(archive, like=server.folder / "cluster")
    for setting in ("archive_mode = on", f"archive_command = 'cp %p {archive}/%f'"):
        asyncio.run(on(server, "postgres", f"ALTER SYSTEM SET {setting}"))
    server.stop()
    server.start()
    return archive


async def work_and_back_up(house: House, base: Path) -> Moment:
    """A base backup in the middle of the work; then, when nothing is on its way, the moment to come back to."""

    async def back_up(_: Gate) -> None:
        await take_base_backup(house.postgres, base)

    gate = Provoked(house, 1, SCALE, Faults())
    gate.provoke = back_up
    result = await gate.run()
    assert not result.findings.violations, result.table()
    there = await content(house.postgres)
    row = await on(house.postgres, "postgres", "SELECT clock_timestamp() AS now")
    return Moment(row[0]["now"], there)


async def take_base_backup(server: EmbeddedPostgres, base: Path) -> None:
    """What `pg_basebackup` does, by PostgreSQL's low-level interface: its manual, section 25.3.4."""
    cluster = server.folder / "cluster"
    connection = await asyncpg.connect(server.superuser_dsn(), ssl=False)
    try:
        await connection.execute("SELECT pg_backup_start('rehearsal', fast => true)")
        base.mkdir()
        # files that come and go meanwhile are no fault: the log tells what became of them
        copy = ["cp", "--archive", str(cluster), *map(str, server.folder.glob("*password")), str(base)]
        await asyncio.to_thread(subprocess.run, copy, check=False, capture_output=True)
        stopped = await connection.fetchrow("SELECT * FROM pg_backup_stop()")
    finally:
        await connection.close()
    (base / "cluster" / "postmaster.pid").unlink(missing_ok=True)
    shutil.rmtree(base / "cluster" / "pg_wal")
    (base / "cluster" / "pg_wal").mkdir(mode=0o700)
    (base / "cluster" / "backup_label").write_text(stopped["labelfile"])
    for made in ("pg_wal", "backup_label"):
        give(base / "cluster" / made, like=cluster)


def post_more(house: House) -> set[str]:
    """Listings that nobody should see again."""
    token = asyncio.run(house.tokens({"producer 0": "producer"}))["producer 0"][1]
    before = rows(house, "matching", "SELECT count(*) FROM supply")
    with client(house, token) as producer:
        posted = {producer.post("/v1/listings", json=LISTING).json()["id"] for _ in range(LATER)}
    until(lambda: rows(house, "matching", "SELECT count(*) FROM supply") == before + LATER, 30, "matching has heard")
    return posted


@contextmanager
def restored(base: Path, archive: Path, at: datetime) -> Iterator[EmbeddedPostgres]:
    """The base backup, and the log up to that moment."""
    cluster = base / "cluster"
    settings = {
        "archive_mode": "off",
        "restore_command": f"cp {archive}/%f %p",
        "recovery_target_time": at.isoformat(),
        "recovery_target_action": "promote",
    }
    (cluster / "postgresql.auto.conf").write_text("".join(f"{name} = '{to}'\n" for name, to in settings.items()))
    (cluster / "recovery.signal").touch()
    for made in ("postgresql.auto.conf", "recovery.signal"):
        give(cluster / made, like=cluster)
    server = EmbeddedPostgres(base)
    try:
        server.start()
        until(lambda: not recovering(server), 30, "it has come to that moment")
        yield server
    finally:
        server.stop()


def recovering(server: EmbeddedPostgres) -> bool:
    return bool(asyncio.run(on(server, "postgres", "SELECT pg_is_in_recovery() AS still"))[0]["still"])


async def reconcile(server: EmbeddedPostgres) -> None:
    """The guide's own queries: none names anything."""
    queries = re.findall(r"^-- (\w+)[^\n]*\n((?:(?!--|```)[^\n]*\n)+)", "\n".join(sql_of_the_guide()), re.MULTILINE)
    lists = []
    for service, query in queries:
        for named in SERVICES if service == "gateway" else [service]:  # one is for all of them
            found = await on(server, named, query)
            if "ORDER BY" in query:
                lists.append([str(row[0]) for row in found])
            else:
                assert not found, (named, query)
    open_lots, offered, carried, shipped, matches, with_parcels, promised, lots = lists
    assert open_lots == offered
    assert not set(carried) - set(shipped)
    assert not set(with_parcels) - set(matches)
    assert not set(promised) - set(lots)
    assert carried, "somebody had something to carry, or this was no rehearsal"
    assert with_parcels, "and something was sent"


def sql_of_the_guide() -> list[str]:
    section = GUIDE.partition("\n## Reconcile\n")[2].partition("\n## ")[0]
    return re.findall(r"```sql\n(.*?)```", section, re.DOTALL)


async def content(server: EmbeddedPostgres) -> dict[str, str]:
    """How much stands in each table, and a digest of it."""
    return {
        f"{service}.{table}": (await on(server, service, CONTENT.format(table=table)))[0][0]
        for service, tables in TABLES.items()
        for table in tables
    }


async def on(server: EmbeddedPostgres, database: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(server.superuser_dsn(database), ssl=False)
    try:
        found: list[asyncpg.Record] = await connection.fetch(query)
        return found
    finally:
        await connection.close()


def give(path: Path, *, like: Path) -> None:
    """To the owner of another: as root, PostgreSQL runs as somebody else."""
    owner = like.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
