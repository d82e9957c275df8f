"""The command line: what it takes, what it refuses, and in which words."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from chassis.telemetry import configure_logging
from duijie import cli
from duijie.datafolder import DataFolder, Run

runner = CliRunner()
PLAIN = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"}


def run(*arguments: str) -> tuple[int, str]:
    done = runner.invoke(cli.app, list(arguments), env=PLAIN)
    return done.exit_code, re.sub(r"\s+", " ", done.output)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command configures it for a process of its own, to what was standard error then."""
    yield
    configure_logging()


@pytest.mark.parametrize(
    ("text", "lasting"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, lasting: timedelta) -> None:
    assert cli.lasting_of(text) == lasting


@pytest.mark.parametrize("text", ["", "1", "h", "0h", "-1h", "1.5h", "1 h", "1w", "9999999s", "1h30m"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 90s, 30m, 1h or 7d"):
        cli.lasting_of(text)


def test_roles_are_those_of_the_surface() -> None:
    assert cli.role_of("group_leader") == "group_leader"
    with pytest.raises(typer.BadParameter, match="the roles are producer, agent"):
        cli.role_of("king")


def test_it_tells_its_version() -> None:
    assert run("--version") == (0, f"duijie {metadata.version('duijie')} ")


def test_help_names_every_command() -> None:
    code, said = run("--help")
    assert code == 0
    named = ("up", "down", "status", "reset", "demo", "token", "client", "keys", "policy", "listings", "feed", "routes")
    for command in named:
        assert command in said


def test_every_command_and_option_is_explained() -> None:
    alone = ("up", "down", "status", "reset", "demo", "token")
    of_groups = [("client", each) for each in ("create", "list", "rotate", "revoke")] + [("keys", "rotate")]
    for command in [*((each,) for each in alone), *of_groups]:
        code, said = run(*command, "--help")
        assert code == 0
        assert "--data" in said, command


def test_what_is_missing_is_named() -> None:
    code, said = run("token", "--role", "producer")
    assert code == 2
    assert "--account" in said
    code, said = run("client", "create", "--name", "x")
    assert code == 2
    assert "--role" in said


def test_a_port_is_a_port() -> None:
    code, said = run("up", "--port", "70000")
    assert code == 2
    assert "--port" in said


def test_on_an_empty_folder_nothing_runs_and_nothing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    code, said = run("status", "--data", str(folder))
    assert (code, said.startswith("not running")) == (3, True)
    assert run("down", "--data", str(folder)) == (0, "not running ")
    code, said = run("reset", "--data", str(folder), "--yes")
    assert (code, said.startswith("empty")) == (0, True)
    assert not folder.exists()


def test_a_folder_that_is_not_ours_is_not_deleted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    treasure = tmp_path / "treasure"
    treasure.write_text("mine")
    done = runner.invoke(cli.app, ["reset", "--data", str(tmp_path), "--yes"])
    assert done.exit_code == 1
    assert "nothing was deleted" in str(done.exception)
    assert treasure.read_text() == "mine"


def test_what_cant_be_done_is_one_sentence_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "treasure").write_text("mine")
    monkeypatch.setattr("sys.argv", ["duijie", "reset", "--data", str(tmp_path), "--yes"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1


def test_a_demonstration_that_was_interrupted_is_told_of_when_it_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(_folder: DataFolder, _port: int, meanwhile: Callable[[str], AbstractContextManager[None]]) -> None:
        with meanwhile("http://127.0.0.1:8000"):
            pass

    monkeypatch.setattr("duijie.standalone.serve", serve)
    journal = tmp_path / "demo" / "seed-7.jsonl"
    journal.parent.mkdir()
    journal.write_text('["day", "2026-11-30"]\n')
    assert run("up", "--data", str(tmp_path)) == (
        0,
        "ready http://127.0.0.1:8000 The demonstration of seed 7 was interrupted, and rounds stand still until it is "
        "played to its end: `duijie up --demo --seed 7`. ",
    )
    journal.write_text('["day", "2026-11-30"]\n["totals", {}]\n')
    assert run("up", "--data", str(tmp_path)) == (0, "ready http://127.0.0.1:8000 ")


def test_a_platform_that_does_not_end_is_told_after_some_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.take()
    try:
        run_of_nobody = Run(pid=4_194_303, port=1, url="http://x", database_port=2, started="now")
        folder.begin_run(run_of_nobody)
        monkeypatch.setattr(cli, "DOWN_PATIENCE_S", 0.1)
        monkeypatch.setattr(cli.os, "kill", lambda pid, number: None)
        with pytest.raises(cli.CannotStart, match="did not end"):
            cli.stop(DataFolder(folder.path), run_of_nobody)
    finally:
        folder.give_back()


def test_every_command_of_the_platform_takes_a_port(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    for command, code in (("status", 3), ("down", 0), ("reset", 0)):
        assert run(command, "--data", folder, "--port", "8123")[0] == code, command


def test_a_platform_on_another_port_is_not_the_one_meant(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.take()
    try:
        here = Run(pid=1, port=8123, url="http://x", database_port=2, started="now")
        folder.begin_run(here)
        assert cli.run_of(folder, 8123) == cli.run_of(folder, None) == here
        assert cli.run_of(folder, 9999) is None
    finally:
        folder.give_back()


@pytest.mark.parametrize("folder", ["/proc/nowhere", "/tmp/" + "x" * 300, "/dev/null/data"])
def test_a_folder_that_cant_be_is_one_sentence(folder: str) -> None:
    done = runner.invoke(cli.app, ["token", "--role", "admin", "--account", "a", "--data", folder])
    assert isinstance(done.exception, cli.CannotStart)
    assert "choose another" in str(done.exception)
