"""The data folder: where it lies, who owns it, what a wipe leaves."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from duijie.datafolder import DataFolder, Run, default_path, ensure_folder, kept_secret, write_atomically
from duijie.problems import FolderInUse, FolderNotOurs, FolderNotWritable

CHECKOUT = Path(__file__).parents[2]
RUN = Run(pid=os.getpid(), port=8000, url="http://127.0.0.1:8000", database_port=5432, started="2026-11-23T00:00:00Z")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


# Where it lies


def test_a_named_folder_wins() -> None:
    assert default_path(environment={"DUIJIE_DATA": "/srv/d"}, root=True) == Path("/srv/d")


def test_root_keeps_data_with_the_system_and_a_user_with_the_user() -> None:
    clone = Path("/src/duijie")
    assert default_path(clone, {}, root=True).parent == Path("/var/lib/duijie")
    assert default_path(clone, {"XDG_STATE_HOME": "/s"}, root=False).parent == Path("/s/duijie")
    for environment in ({}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative"}):
        assert default_path(clone, environment, root=False).parent == Path.home() / ".local/state/duijie"


def test_two_clones_of_one_name_do_not_meet_and_one_clone_finds_its_own() -> None:
    one, other = Path("/a/duijie"), Path("/b/duijie")
    assert default_path(one, {}) != default_path(other, {})
    assert default_path(one, {}) == default_path(one, {})
    assert default_path(one, {}).name.startswith("duijie-")


# Making it


def test_a_new_folder_is_closed_to_others_but_for_the_databases_user(data: DataFolder, tmp_path: Path) -> None:
    before = mode(tmp_path)
    data.create()
    assert mode(data.path) == (0o701 if os.geteuid() == 0 else 0o700)
    assert mode(tmp_path) == before


def test_missing_parents_are_made_open_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        assert ensure_folder(tmp_path / "a" / "b" / "data")
    finally:
        os.umask(old)
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o755


def test_a_folder_with_something_in_it_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    tmp_path.chmod(0o700)
    DataFolder(tmp_path).create()
    assert mode(tmp_path) == 0o700


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for where in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(FolderNotWritable, match="cannot be used for data"):
            DataFolder(where).create()


# What stands in it


def test_a_secret_is_made_once_and_is_its_owners_alone(data: DataFolder) -> None:
    data.create()
    assert data.secret("key", lambda: "first") == "first"
    assert DataFolder(data.path).secret("key", lambda: "second") == "first"
    assert mode(data.path / "secrets" / "key") == 0o600
    assert mode(data.path / "secrets") == 0o700


def test_a_secret_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kept_secret(tmp_path / "key", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_write_replaces_the_whole_and_does_not_follow_links(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    (tmp_path / "file").symlink_to(elsewhere)
    (tmp_path / ".file.new").symlink_to(elsewhere)
    write_atomically(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "new"
    assert elsewhere.read_text() == "untouched"


# One owner


def test_a_second_owner_is_refused_until_the_first_lets_go(data: DataFolder) -> None:
    second = DataFolder(data.path)
    data.take()
    data.begin_run(RUN)
    with pytest.raises(FolderInUse, match=f"in use by process {os.getpid()}"):
        second.take()
    second.give_back()
    assert second.current_run() == RUN
    data.give_back()
    second.take()
    assert second.current_run() is None


def test_a_killed_owner_holds_nothing_and_does_not_count_as_running(data: DataFolder) -> None:
    script = (
        "import sys, time; from pathlib import Path; from duijie.datafolder import DataFolder, Run\n"
        "d = DataFolder(Path(sys.argv[1])); d.take(); d.begin_run(Run(1, 2, 'u', 3, 's'))\n"
        "print('taken', flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", script, str(data.path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=CHECKOUT) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        assert data.current_run() == Run(1, 2, "u", 3, "s")
        with pytest.raises(FolderInUse, match=f"process {owner.pid}"):
            data.take()
        owner.kill()
    assert data.current_run() is None
    data.take()
    data.give_back()


def test_nothing_runs_on_a_folder_that_is_not_there(data: DataFolder) -> None:
    assert data.current_run() is None
    assert not data.path.exists()


# Wiping it


def test_a_wipe_removes_what_is_ours_and_the_folder(data: DataFolder) -> None:
    data.take()
    data.secret("key", lambda: "secret")
    data.begin_run(RUN)
    data.give_back()
    data.wipe()
    assert not data.path.exists()
    data.wipe()


def test_a_wipe_keeps_what_was_there_before_us(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one").write_text("dear")
    data = DataFolder(tmp_path)
    data.create()
    data.secret("key", lambda: "secret")
    data.wipe()
    assert [entry.name for entry in tmp_path.iterdir()] == ["letters"]
    assert (tmp_path / "letters" / "one").read_text() == "dear"


def test_a_wipe_does_not_follow_a_link_out(data: DataFolder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "letter").write_text("dear")
    data.create()
    (data.path / "link").symlink_to(outside)
    data.wipe()
    assert (outside / "letter").exists()


def test_a_wipe_refuses_a_folder_that_is_not_ours_and_one_in_use(tmp_path: Path, data: DataFolder) -> None:
    (tmp_path / "letter").write_text("dear")
    with pytest.raises(FolderNotOurs, match="nothing was deleted"):
        DataFolder(tmp_path).wipe()
    data.take()
    with pytest.raises(FolderInUse):
        DataFolder(data.path).wipe()
    assert (tmp_path / "letter").exists()
    assert (data.path / "duijie.json").exists()
