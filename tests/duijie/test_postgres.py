"""The embedded PostgreSQL: real servers on real folders."""

import asyncio
import os
import shutil
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from duijie import osuser
from duijie.datafolder import DataFolder
from duijie.postgres import ROLE, SUPERUSER, EmbeddedPostgres, explained, quoted
from duijie.postgres_settings import rendered, settings
from duijie.problems import (
    CannotStart,
    DiskFull,
    FolderInUse,
    FolderNotOurs,
    FolderNotWritable,
    PortTaken,
    ServerFailed,
    WrongVersion,
)
from tests.support.postgres import emptied_database, fresh_database, superuser, template_database

MakeServer = Callable[..., EmbeddedPostgres]


def plain(url: str) -> str:
    return url.replace("+asyncpg", "")


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.fixture
def make_server(folder: Path) -> Iterator[MakeServer]:
    """Servers on one folder, all stopped at the end."""
    made: list[EmbeddedPostgres] = []

    def make(where: Path = folder / "postgres", *, durable: bool = False, port: int | None = None) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(where, port=port, durable=durable))
        return made[-1]

    yield make
    for server in made:
        server.stop()


async def write_row(server: EmbeddedPostgres, row: int) -> None:
    await server.create_databases(["rows"])
    connection = await asyncpg.connect(plain(server.url("rows")))
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (row int)")
    await connection.execute("INSERT INTO kept VALUES ($1)", row)
    await connection.close()


async def rows(server: EmbeddedPostgres) -> list[int]:
    connection = await asyncpg.connect(plain(server.url("rows")))
    found = await connection.fetch("SELECT row FROM kept ORDER BY row")
    await connection.close()
    return [record["row"] for record in found]


# Life


async def test_it_starts_keeps_what_is_committed_and_leaves_no_process(make_server: MakeServer) -> None:
    server = make_server(durable=True)
    began = time.monotonic()
    server.start()
    assert time.monotonic() - began < 20
    first = server.pid
    await write_row(server, 1)
    server.stop()
    assert not server.running
    assert not is_alive(first)

    server.start()
    assert await rows(server) == [1]
    second = server.pid
    server.stop()
    server.stop()
    assert not is_alive(second)


async def test_it_is_durable_unless_told_otherwise(started_before: Path, postgres: EmbeddedPostgres) -> None:
    server = EmbeddedPostgres(started_before)
    server.start()
    for owner, expected in ((server, "on"), (postgres, "off")):
        async with superuser(owner) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert await connection.fetchval(f"SHOW {setting}") == expected
    server.stop()


async def test_a_client_that_stays_connected_does_not_delay_the_end(
    make_server: MakeServer, started_before: Path
) -> None:
    server = make_server(started_before)
    server.start()
    connection = await asyncpg.connect(server.superuser_dsn())
    await connection.execute("BEGIN")
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 5
    connection.terminate()


async def test_it_outlives_the_thread_that_started_it(make_server: MakeServer, started_before: Path) -> None:
    server = make_server(started_before)
    passing = threading.Thread(target=server.start)
    passing.start()
    passing.join()
    await asyncio.sleep(0.3)  # a parent-death signal would have shut it down by now
    assert server.running
    await write_row(server, 1)


async def test_databases_are_made_once(postgres: EmbeddedPostgres) -> None:
    await postgres.create_databases(["listing", 'odd"name'])
    await postgres.create_databases(["listing", 'odd"name', "matching"])
    async with superuser(postgres) as connection:
        names = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        assert {"listing", "matching", 'odd"name'} <= names
        for name in ("listing", "matching", 'odd"name'):
            await connection.execute(f"DROP DATABASE {quoted(name)}")


async def test_text_sorts_by_code_point_and_is_unicode(postgres_url: str) -> None:
    connection = await asyncpg.connect(plain(postgres_url))
    ordered = await connection.fetch("SELECT v FROM unnest(ARRAY['b', 'B', '对', 'a']) AS v ORDER BY v")
    assert [record["v"] for record in ordered] == ["B", "a", "b", "对"]
    assert await connection.fetchval("SELECT upper('é') = 'É'")
    await connection.close()


# Who gets in


async def test_a_wrong_password_is_refused(postgres: EmbeddedPostgres) -> None:
    for role in (ROLE, SUPERUSER):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://{role}:guess@127.0.0.1:{postgres.port}/postgres")


async def test_every_way_in_asks_for_scram(postgres: EmbeddedPostgres) -> None:
    async with superuser(postgres) as connection:
        ways = await connection.fetch("SELECT type, address, auth_method, error FROM pg_hba_file_rules")
        assert [tuple(way) for way in ways] == [("host", "127.0.0.1", "scram-sha-256", None)]
        assert await connection.fetchval("SHOW unix_socket_directories") == ""
        assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
        secrets = await connection.fetch("SELECT rolpassword FROM pg_authid WHERE rolcanlogin")
        assert len(secrets) == 2
        assert all(record["rolpassword"].startswith("SCRAM-SHA-256$") for record in secrets)


async def test_the_services_role_reads_no_file_of_the_system(postgres_url: str) -> None:
    connection = await asyncpg.connect(plain(postgres_url))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetchval("SELECT pg_read_file('/etc/passwd')")
    await connection.close()


def test_passwords_are_for_their_owner_alone(postgres: EmbeddedPostgres) -> None:
    for name in ("password", "superuser-password"):
        status = (postgres.folder / name).stat()
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert status.st_uid == os.geteuid()
    assert not (postgres.folder / "initdb-password").exists()


# What the user is told


def test_a_second_owner_is_refused(make_server: MakeServer, started_before: Path) -> None:
    server, second = make_server(started_before), make_server(started_before)
    server.start()
    with pytest.raises(FolderInUse, match=f"in use by process {os.getpid()}"):
        second.start()
    second.stop()
    assert server.running


def test_a_taken_port_is_named(make_server: MakeServer, started_before: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server = make_server(started_before, port=port)
        with pytest.raises(PortTaken, match=f"Port {port} "):
            server.start()
    assert not server.running
    server.start()
    assert server.port == port


def test_a_file_in_the_way_of_the_folder_is_named(make_server: MakeServer, folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(FolderNotWritable, match=r"file/data cannot be used .*--data"):
        make_server(folder / "file" / "data").start()


def test_too_little_room_is_told_before_anything_is_made(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10 << 30, 10 << 30, 3 << 20))
    with pytest.raises(DiskFull, match="3 MB left"):
        server.start()
    assert not (server.folder / "cluster").exists()


def test_an_older_cluster_and_a_lost_password_are_refused(make_server: MakeServer, started_before: Path) -> None:
    server = make_server(started_before)
    written = server.folder / "cluster" / "PG_VERSION"
    written.write_text("16\n")
    with pytest.raises(WrongVersion, match="PostgreSQL 16 and this is 18"):
        server.start()
    written.write_text("18\n")
    (server.folder / "password").unlink()
    with pytest.raises(FolderNotOurs, match="password is gone"):
        server.start()


def test_a_first_start_cut_short_is_begun_anew(make_server: MakeServer) -> None:
    server = make_server()
    half = server.folder / "cluster.new"
    half.mkdir(parents=True)
    server.folder.chmod(0o711)
    (half / "PG_VERSION").write_text("18\n")
    server.start()
    assert server.running
    assert not half.exists()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("FATAL:  could not write lock file: No space left on device", DiskFull),
        ('LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', PortTaken),
        ("LOG: hello\nFATAL:  out of memory\nLOG: down", ServerFailed),
        ("", ServerFailed),
    ],
)
def test_what_the_server_says_becomes_one_sentence(said: str, problem: type[CannotStart]) -> None:
    told = explained(said, Path("/data"), 5432)
    assert type(told) is problem
    assert "\n" not in str(told)


def test_memory_stays_within_bounds() -> None:
    for memory, expected in ((256 << 20, "64MB"), (4 << 30, "256MB"), (1 << 40, "512MB")):
        assert settings(1, durable=True, memory=memory)["shared_buffers"] == expected
    assert "port = '1'\n" in rendered(settings(1, durable=True, memory=1 << 30))


# Without setpriv


async def test_it_runs_where_there_is_no_setpriv(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osuser, "_setpriv", lambda: None)
    server = make_server()
    server.start()
    await write_row(server, 1)
    server.stop()


# With a data folder around it


async def test_it_lives_in_a_data_folder_of_ours(make_server: MakeServer, folder: Path) -> None:
    data = DataFolder(folder / "data")
    data.take()
    server = make_server(data.path / "postgres")
    server.start()
    await write_row(server, 1)
    assert stat.S_IMODE((data.path / "postgres" / "cluster").stat().st_mode) == 0o700
    server.stop()
    data.give_back()
    data.wipe()
    assert not data.path.exists()


# The fixtures that other tests stand on


async def test_each_test_has_an_empty_database_that_goes_away(postgres: EmbeddedPostgres) -> None:
    async with fresh_database(postgres) as one, fresh_database(postgres) as other:
        assert one != other
        left_open = await asyncpg.connect(plain(one))
        assert await left_open.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    left_open.terminate()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(plain(one))


async def test_a_template_is_migrated_once_and_copied(postgres: EmbeddedPostgres) -> None:
    migrations = []

    async def migrate(url: str) -> None:
        migrations.append(url)
        connection = await asyncpg.connect(plain(url))
        await connection.execute("CREATE TABLE migrated ()")
        await connection.close()

    for _ in range(2):
        template = await template_database(postgres, "example", migrate)
        async with fresh_database(postgres, template) as url:
            connection = await asyncpg.connect(plain(url))
            await connection.execute("ALTER TABLE migrated ADD COLUMN ours int")
            await connection.close()
    assert len(migrations) == 1


async def test_a_migration_that_failed_leaves_no_template(postgres: EmbeddedPostgres) -> None:
    def broken(url: str) -> None:
        raise ZeroDivisionError

    async def sound(url: str) -> None:
        connection = await asyncpg.connect(plain(url))
        await connection.execute("CREATE TABLE sound ()")
        await connection.close()

    with pytest.raises(ZeroDivisionError):
        await template_database(postgres, "tried", broken)
    async with fresh_database(postgres, await template_database(postgres, "tried", sound)) as url:
        connection = await asyncpg.connect(plain(url))
        assert await connection.fetch("SELECT * FROM sound") == []
        await connection.close()


@pytest.fixture
async def template(postgres: EmbeddedPostgres) -> str:
    async def migrate(url: str) -> None:
        connection = await asyncpg.connect(plain(url))
        await connection.execute("CREATE TABLE filled (number int)")
        await connection.close()

    return await template_database(postgres, "kept", migrate)


async def test_a_database_is_emptied_behind_who_is_still_asking(postgres: EmbeddedPostgres, template: str) -> None:
    """As a loop that looks for news does: its connection goes back to a pool, and the next test gets it from there."""
    async with emptied_database(postgres, template) as url:
        connection = await asyncpg.connect(plain(url))
        asking = asyncio.create_task(connection.execute("INSERT INTO filled SELECT 1 FROM pg_sleep(0.05)"))
        await asyncio.sleep(0.02)
    await asking
    assert await connection.fetch("TABLE filled") == []
    await connection.close()
    async with emptied_database(postgres, template) as again:
        assert again == url


@pytest.mark.parametrize(
    "change",
    ["INSERT INTO seeded VALUES (3)", "DELETE FROM seeded WHERE number = 1", "UPDATE seeded SET number = number + 1"],
)
async def test_what_migrations_put_in_is_there_again_for_the_next_test(postgres: EmbeddedPostgres, change: str) -> None:
    async def migrate(url: str) -> None:
        connection = await asyncpg.connect(plain(url))
        await connection.execute("CREATE TABLE seeded (number int); INSERT INTO seeded VALUES (1), (2)")
        await connection.execute("CREATE TABLE counted (id bigserial, text text)")
        await connection.close()

    seeded = await template_database(postgres, "seeded", migrate)
    for _ in range(2):
        async with emptied_database(postgres, seeded) as url:
            connection = await asyncpg.connect(plain(url))
            assert [row["number"] for row in await connection.fetch("TABLE seeded ORDER BY number")] == [1, 2]
            # more than a few pages, which are cut off rather than emptied
            number = "INSERT INTO counted (text) SELECT repeat('x', 500) FROM generate_series(1, 200) RETURNING id"
            assert min(row["id"] for row in await connection.fetch(number)) == 1
            await connection.execute(change)
            await connection.close()


async def test_one_in_which_somebody_stays_is_not_used_again(postgres: EmbeddedPostgres, template: str) -> None:
    async with emptied_database(postgres, template) as url:
        connection = await asyncpg.connect(plain(url))
        await connection.execute("BEGIN; INSERT INTO filled VALUES (1)")
    async with emptied_database(postgres, template) as again:
        assert again != url
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(plain(url))
