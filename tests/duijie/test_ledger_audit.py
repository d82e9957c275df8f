"""`duijie ledger verify`: an auditor's own check, of a file alone."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.logistics.subsidy import ledger, seals
from services.logistics.subsidy.ledger import Head, Posting

PROGRAMME = "0190a1b2-0000-7000-8000-000000000001"
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    postings = [Posting("fund", "opening", NOON, 1000, 1), Posting("reserve", "SF1", NOON, 200, 1, "p", "m")]
    batch = ledger.apply(Head.genesis(PROGRAMME), postings, {})
    seal = seals.sealed(batch.head, "2026-11-22", PROGRAMME)
    lines = [*seals.lines_of(batch.transfers, [seal]), seals.end_of(batch.head, seal.hash)]
    path = tmp_path / "ledger.ndjson"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def verify(*arguments: object, said: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """As an auditor calls it: no database, no data folder, no setting."""
    command = [sys.executable, "-m", "duijie", "ledger", "verify", *map(str, arguments)]
    return subprocess.run(command, input=said, capture_output=True, env={"PATH": "/usr/bin"}, check=False, timeout=60)


def test_a_sound_ledger_says_where_every_fen_is(file: Path) -> None:
    found = verify(file)
    assert found.returncode == 0, found.stderr.decode()
    assert b"sound: 2 transfers, 1 sealed days" in found.stdout
    assert b"budget 1000 fen = available 800 + reserved 200 + posted 0 + paid 0" in found.stdout
    assert verify("-", said=file.read_bytes()).stdout == found.stdout


def test_a_changed_one_names_the_line_and_ends_with_one(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"amount_fen":200', b'"amount_fen":100'))
    found = verify(file)
    assert (found.returncode, found.stdout) == (1, b"")
    assert b"not sound: line 2:" in found.stderr


def test_a_hash_that_was_kept_has_to_be_in_it(file: Path) -> None:
    kept = file.read_text().split('"hash":"')[1][:64]
    assert verify(file, "--head", kept).returncode == 0
    assert verify(file, "--head", f" {kept.upper()} ").returncode == 0
    assert verify(file, "--head", "0" * 64).returncode == 1


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    found = verify(tmp_path / "none")
    assert (found.returncode, found.stderr.count(b"\n")) == (2, 1)
    assert b"can't be read" in found.stderr
