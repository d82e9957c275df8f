"""The folder that holds everything a standalone platform keeps: where it lies, whose it is, what stands in it."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from duijie.osuser import running_as_root
from duijie.problems import DiskFull, FolderInUse, FolderNotOurs, FolderNotWritable

SYSTEM_STATE = Path("/var/lib")
CHECKOUT = Path(__file__).resolve().parent.parent

MARKER = "duijie.json"
LOCK = "lock"
RUN_FILE = "run.json"

LOCK_PATIENCE_S = 0.3


def default_path(
    checkout: Path = CHECKOUT, environment: Mapping[str, str] = os.environ, *, root: bool | None = None
) -> Path:
    """`$DUIJIE_DATA`, else a folder of this checkout's own under the state folder of the system or of the user.

    Of its own, so that a fresh clone starts empty and two clones do not meet.
    """
    if named := environment.get("DUIJIE_DATA"):
        return Path(named).expanduser().absolute()
    own = f"{checkout.name}-{hashlib.sha256(os.fsencode(checkout)).hexdigest()[:8]}"
    if running_as_root() if root is None else root:
        return SYSTEM_STATE / "duijie" / own
    state = environment.get("XDG_STATE_HOME", "")
    # The XDG specification has relative paths ignored.
    base = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return base / "duijie" / own


@contextmanager
def problems_of(folder: Path) -> Iterator[None]:
    """Tell what the operating system refuses about a folder in one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk that holds {folder} is full.") from error
        raise FolderNotWritable(
            f"{folder} cannot be used for data ({error.strerror}: {error.filename}); choose another with --data."
        ) from error


def ensure_folder(folder: Path) -> bool:
    """Make the folder, closed to others, and the parents it lacks; whether it had to be made.

    A parent that exists is never changed. As root the folder can be walked through (`o+x`), but not listed, by the
    user that the database runs as.
    """
    with problems_of(folder):
        if folder.is_dir():
            if not os.access(folder, os.W_OK | os.X_OK):
                raise FolderNotWritable(f"{folder} cannot be written by you; choose another folder with --data.")
            return False
        for parent in reversed([parent for parent in folder.parents if not parent.exists()]):
            parent.mkdir(exist_ok=True)
            parent.chmod(0o755)  # whatever the umask: a parent of ours must not lock the database out
        folder.mkdir(mode=0o700)
        open_for_database(folder)
        return True


def open_for_database(folder: Path) -> None:
    """As root, let the database's user walk through this one folder of ours."""
    if running_as_root():
        folder.chmod(folder.stat().st_mode | 0o001)


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a whole file or nothing, and for good."""
    beside = path.with_name(f".{path.name}.new")
    with problems_of(path.parent):
        beside.unlink(missing_ok=True)
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        rename_for_good(beside, path)


def rename_for_good(old: Path, new: Path) -> None:
    """Rename, and have the folder remember it after a power cut."""
    old.replace(new)
    folder = os.open(new.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """A secret made once and kept, readable by its owner alone."""
    with problems_of(path.parent):
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            write_atomically(path, make())
            return path.read_text(encoding="utf-8")


class FolderLock:
    """One owner at a time; the kernel lets go when the owner dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        """By this object."""
        return self._file is not None

    def acquire(self) -> None:
        with problems_of(self._path.parent):
            file = open(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")  # noqa: SIM115
        if not _locked(file, LOCK_PATIENCE_S):
            owner = file.read().strip()
            file.close()
            raise FolderInUse(
                f"{self._path.parent} is in use by process {owner}; stop that one first, or choose another folder."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def is_held_by_anyone(self) -> bool:
        """Whether a living process, this one or another, holds it."""
        try:
            with open(self._path, encoding="utf-8") as file:
                return not _locked(file, 0)
        except FileNotFoundError:
            return False


def _locked(file: IO[str], patience_s: float) -> bool:
    """Lock it, with a little patience: whoever only looks holds the lock for an instant too."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)


@dataclass(frozen=True)
class Run:
    """What another command needs to know of the platform that runs on a folder."""

    pid: int
    port: int
    url: str
    database_port: int
    started: str  # RFC 3339, UTC
    kafka: str | None = None  # where the Kafka that carries its events answers; None: they are in the folder's store


class DataFolder:
    """The data of one platform. `take` it to own it, `give_back` at the end; reading needs neither."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock = FolderLock(self.path / LOCK)

    def is_used(self) -> bool:
        """Whether a platform has ever run on it, or a command has begun one."""
        return (self.path / MARKER).is_file()

    def create(self) -> None:
        """Make the folder, or adopt one that exists; what it held before stays the user's, also at `wipe`."""
        made = ensure_folder(self.path)
        if (self.path / MARKER).exists():
            return
        with problems_of(self.path):
            theirs = sorted(entry.name for entry in self.path.iterdir())
        if not made and not theirs:
            open_for_database(self.path)
        write_atomically(self.path / MARKER, json.dumps({"not_ours": theirs}, ensure_ascii=False) + "\n")

    def take(self) -> None:
        """Create the folder and own it until `give_back`, or until this process ends; `FolderInUse` if owned."""
        self.create()
        self._lock.acquire()

    def give_back(self) -> None:
        """Let go of it; without having taken it, nothing."""
        if self._lock.held:
            self.end_run()
            self._lock.release()

    def secret(self, name: str, make: Callable[[], str]) -> str:
        """The secret of that name, made on first use."""
        folder = self.path / "secrets"
        with problems_of(self.path):
            folder.mkdir(mode=0o700, exist_ok=True)
        return kept_secret(folder / name, make)

    def begin_run(self, run: Run) -> None:
        write_atomically(self.path / RUN_FILE, json.dumps(asdict(run)) + "\n")

    def end_run(self) -> None:
        (self.path / RUN_FILE).unlink(missing_ok=True)

    def current_run(self) -> Run | None:
        """The platform that runs on this folder now; what a killed one left behind does not count."""
        try:
            with problems_of(self.path):
                text = (self.path / RUN_FILE).read_text(encoding="utf-8")
        except FolderNotWritable as error:
            if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
                return None
            raise
        return Run(**json.loads(text)) if self._lock.is_held_by_anyone() else None

    def wipe(self) -> None:
        """Delete what the platform keeps here, and the folder when nothing else is in it."""
        if not self.path.exists() or not any(self.path.iterdir()):
            return
        if not (self.path / MARKER).is_file():
            raise FolderNotOurs(f"{self.path} is no data folder of Duijie: nothing was deleted.")
        self._lock.acquire()
        try:
            self._delete_ours()
        finally:
            self._lock.release()

    def _delete_ours(self) -> None:
        theirs = set(json.loads((self.path / MARKER).read_text(encoding="utf-8"))["not_ours"])
        with problems_of(self.path):
            for entry in self.path.iterdir():
                if entry.name in theirs | {MARKER, LOCK}:
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
            # These two last: a wipe cut short can be repeated, and nobody may move in meanwhile.
            (self.path / MARKER).unlink()
            (self.path / LOCK).unlink()
            if not theirs:
                self.path.rmdir()
