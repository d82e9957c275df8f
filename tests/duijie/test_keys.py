"""The keys of a data folder: changed while the platform runs, and good for as long as their tokens."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine

from chassis.auth import LocalKeys, verify
from chassis.problems import Unauthenticated
from duijie.datafolder import DataFolder, Run
from duijie.keys import KeptKeys
from duijie.store import Secrets
from gateway.tokens import Signer
from tests.duijie.test_cli import run

DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


def token(signer: Signer) -> str:
    return signer.sign(uuid4(), "carrier", timedelta(days=2))


async def test_a_running_platform_takes_up_a_new_key_and_still_takes_tokens_of_the_old(folder: DataFolder) -> None:
    running = Secrets.of(folder).signer
    keys, before = LocalKeys(running.jwks), running.kid
    old = token(running)
    await verify(old, keys)
    code, said = run("keys", "rotate", "--data", str(folder.path))
    assert (code, said) == (0, f"signing with {running.kid} ")
    assert running.kid != before
    await verify(token(Secrets.of(folder).signer), keys)
    await verify(old, keys)
    assert [key["kid"] for key in running.jwks()["keys"]] == [running.kid, before]


async def test_a_key_is_published_for_as_long_as_its_tokens_are_good(folder: DataFolder) -> None:
    ring = KeptKeys(folder)
    signer = Signer(ring)
    first = signer.kid
    ring.rotate(DAY)
    second = signer.kid
    ring.rotate(3 * DAY)
    assert [key["kid"] for key in signer.jwks()["keys"]] == [signer.kid, first, second]
    with time_machine.travel(datetime.now(UTC) + 2 * DAY):
        assert [key["kid"] for key in signer.jwks()["keys"]] == [signer.kid, second]
        ring.rotate(DAY)
        assert first not in (folder.path / "secrets" / "previous-signing-keys.json").read_text()


async def test_of_a_key_that_somebody_else_has_no_token_is_good(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = Secrets.of(folder).signer
    keys, stolen = LocalKeys(signer.jwks), token(signer)
    await verify(stolen, keys)
    assert run("keys", "rotate", "--forget", "--data", str(folder.path))[0] == 0
    monkeypatch.setattr("time.monotonic", lambda: 1e9)  # what is known is read again after some minutes
    with pytest.raises(Unauthenticated):
        await verify(stolen, keys)
    assert len(signer.jwks()["keys"]) == 1


def test_the_files_are_their_owners_alone(folder: DataFolder) -> None:
    KeptKeys(folder).rotate(DAY)
    modes = {file.name: file.stat().st_mode & 0o777 for file in (folder.path / "secrets").iterdir()}
    assert modes == {"signing-key": 0o600, "previous-signing-keys.json": 0o600}
    assert "PRIVATE" not in (folder.path / "secrets" / "previous-signing-keys.json").read_text()


def test_a_cluster_whose_gateway_would_not_hear_of_it_keeps_its_key(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Secrets.of(folder).signer.kid
    cluster = Run(1, 1, "http://127.0.0.1:1", 1, "2026-11-29T00:00:00Z", kafka="127.0.0.1:9092")
    monkeypatch.setattr(DataFolder, "current_run", lambda _: cluster)
    code, _ = run("keys", "rotate", "--data", str(folder.path))
    assert (code, Secrets.of(folder).signer.kid) == (1, before)
