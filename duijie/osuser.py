"""Run a program as another OS user, tied to the life of this process.

PostgreSQL refuses to run as root, so root has to run it as someone else, who may not be able to walk to the data
folder: its parents can be closed, and they are not ours to open. Linux lets us pass on one capability for that,
`CAP_DAC_READ_SEARCH`, through util-linux's `setpriv`; capabilities(7) and setpriv(1) say how.
"""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from duijie.problems import FolderNotReachable, OsUserNotAvailable

PREFERRED_USERS = ("postgres", "nobody")
CHILD_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}  # C: we read the messages; and no PG* of the caller's

# no_setuid_fixup, because access(2) otherwise drops the capabilities of every user but root, and PostgreSQL asks
# access(2) whether its own programs can be run.
WALK_THROUGH_CLOSED_PARENTS = (
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=+dac_read_search",
    "--bounding-set=-all,+dac_read_search",
    "--securebits=+no_setuid_fixup,+no_setuid_fixup_locked",
)


@dataclass(frozen=True)
class OsUser:
    """Someone to run a program as."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)


@dataclass(frozen=True)
class Launcher:
    """How to start a program: what stands before its arguments, and what `subprocess` is told."""

    prefix: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    passes_closed_folders: bool = False

    def popen(self, argv: list[str], **more: Any) -> subprocess.Popen[bytes]:
        """Start a program. A session of its own: Ctrl-C at the terminal is for us, not for the database."""
        try:
            return subprocess.Popen(
                [*self.prefix, *argv],
                cwd="/",
                env=CHILD_ENVIRONMENT,
                start_new_session=True,
                **{"stdin": subprocess.DEVNULL, **self.options, **more},
            )
        except PermissionError as error:
            raise OsUserNotAvailable(
                f"Cannot run {argv[0]} as another user: {error.strerror}; start as an ordinary user, not as root."
            ) from error

    def run(self, argv: list[str], told: str = "") -> tuple[int, str]:
        """Run a program to its end, with `told` as its input; its exit code and all it said."""
        process = self.popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            said, _ = process.communicate(told.encode())
        except BaseException:  # it has a session of its own: Ctrl-C does not reach it
            process.kill()
            process.wait()
            raise
        return process.returncode, said.decode(errors="replace")


def running_as_root() -> bool:
    return os.geteuid() == 0


def someone_else() -> OsUser:
    """The user that programs which refuse root run as."""
    for name in PREFERRED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return OsUser(entry.pw_uid, entry.pw_gid)
    raise OsUserNotAvailable(
        f"PostgreSQL does not run as root and there is no user {' or '.join(PREFERRED_USERS)}; "
        "add one, or start as an ordinary user."
    )


def may_enter(folder: Path, user: OsUser) -> bool:
    """Whether the user has search permission on this one folder."""
    status = folder.stat()
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def closed_folder(folder: Path, user: OsUser) -> Path | None:
    """The first folder on the way into `folder` that the user may not enter, if there is one."""
    real = folder.resolve()
    return next((step for step in (*reversed(real.parents), real) if not may_enter(step, user)), None)


def tied_to_us(with_signal: str) -> tuple[str, ...]:
    """What stands before a command, so that it gets the signal when the thread that starts it ends (prctl(2),
    PR_SET_PDEATHSIG); nothing where there is no `setpriv`.
    """
    setpriv = _setpriv()
    return (setpriv, "--pdeathsig", with_signal, "--") if setpriv else ()


def launcher(user: OsUser | None, folder: Path) -> Launcher:
    """How to run a program that works in `folder`, as `user` (`None`: as ourselves).

    Where there is `setpriv`, the child gets SIGINT when the thread that starts it ends (prctl(2),
    PR_SET_PDEATHSIG); setpriv asks for it last, because a change of user forgets it.
    """
    if user is None:
        return Launcher(tied_to_us("INT"))
    setpriv = _setpriv()
    closed = closed_folder(folder, user)
    if setpriv is None:
        if closed is not None:
            raise _not_reachable(closed, user, "there is no `setpriv` to help it")
        return Launcher((), {"user": user.uid, "group": user.gid, "extra_groups": ()})
    identity = (f"--reuid={user.uid}", f"--regid={user.gid}", "--clear-groups", "--no-new-privs")
    capabilities = ("--inh-caps=-all",) if closed is None else WALK_THROUGH_CLOSED_PARENTS
    chosen = Launcher(
        (setpriv, *identity, *capabilities, "--pdeathsig", "INT", "--"), passes_closed_folders=closed is not None
    )
    _try_out(chosen, user, folder, closed)
    return chosen


@cache
def _setpriv() -> str | None:
    """util-linux's `setpriv`; the one of busybox has the name but not the option."""
    found = shutil.which("setpriv", path=os.defpath) if sys.platform == "linux" else None
    if found is None:
        return None
    said = subprocess.run([found, "--help"], capture_output=True, text=True, check=False)
    return found if "--pdeathsig" in said.stdout else None


def _try_out(chosen: Launcher, user: OsUser, folder: Path, closed: Path | None) -> None:
    code, said = chosen.run(["sh", "-c", 'test -x "$1"', "sh", str(folder)])
    if code == 0:
        return
    if closed is not None:
        raise _not_reachable(closed, user, "this system does not let it pass")
    raise OsUserNotAvailable(
        f"Cannot run PostgreSQL as user {user.name} ({said.strip() or f'{folder} is closed to it'}); "
        "start as an ordinary user, not as root."
    )


def _not_reachable(closed: Path, user: OsUser, why: str) -> FolderNotReachable:
    return FolderNotReachable(
        f"PostgreSQL runs as user {user.name}, which may not enter {closed}, and {why}: choose a data folder "
        "elsewhere with --data, or start as an ordinary user."
    )
