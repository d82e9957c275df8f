"""Starting, stopping and being killed, as `duijie` on the command line."""

import json
import os
import signal
import socket
import subprocess
from dataclasses import dataclass

import httpx
import pytest

from tests.support.postgres import temporary_folder
from tests.system.conftest import DUIJIE, Standalone, processes_under, until
from tests.system.test_scene import LISTING

pytestmark = pytest.mark.long

CABBAGES = {**LISTING, "produce": "cabbage"}  # not the market of the scene


@dataclass(frozen=True)
class Killed:
    """A platform that was killed and started again, what it had answered before, and a token made in between."""

    platform: Standalone
    keys: list[str]
    posted: list[httpx.Response]
    token: str

    @property
    def farmer(self) -> httpx.Client:
        return self.platform.caller("producer", "farmer")


def post(farmer: httpx.Client, keys: list[str]) -> list[httpx.Response]:
    return [farmer.post("/v1/listings", json=CABBAGES, headers={"Idempotency-Key": key}) for key in keys]


@pytest.fixture(scope="module")
def killed(_kept: Standalone) -> Killed:
    if not _kept.running:
        _kept.start()
    keys = [f"key-{number}" for number in range(20)]
    posted = post(_kept.caller("producer", "farmer"), keys)
    _kept.kill()
    token = _kept.run("token", "--role", "carrier", "--account", "Sufeng").stdout.strip()
    _kept.start()
    return Killed(_kept, keys, posted, token)


def test_what_was_answered_201_is_there_after_a_kill_once(killed: Killed) -> None:
    assert {answer.status_code for answer in killed.posted} == {201}
    again = post(killed.farmer, killed.keys)
    assert [answer.content for answer in again] == [answer.content for answer in killed.posted]
    listings = killed.farmer.get("/v1/listings", params={"limit": 500}).json()["items"]
    assert {row["id"] for row in listings} == {answer.json()["id"] for answer in killed.posted}
    assert len(listings) == len(killed.keys)


def test_a_database_that_dies_is_started_again_and_nothing_acknowledged_is_lost(standalone: Standalone) -> None:
    farmer = standalone.caller("producer", "farmer with bad luck")
    posted = farmer.post("/v1/listings", json=CABBAGES).json()
    postmaster = int((standalone.folder / "postgres/cluster/postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)

    def read_again() -> bool:
        answer = farmer.get(f"/v1/listings/{posted['id']}")
        assert answer.status_code in {200, 503}, answer.text
        return answer.status_code == 200

    until(read_again, within_s=30)
    more = until(lambda: (answer := farmer.post("/v1/listings", json=CABBAGES)).is_success and answer, within_s=30)
    until(lambda: farmer.get(f"/v1/listings/{more.json()['id']}").json()["on_market"], within_s=30)


def test_a_second_platform_on_the_same_folder_or_port_is_one_sentence(standalone: Standalone) -> None:
    second = standalone.run("up", "--port", "0")
    assert (second.returncode, second.stdout) == (1, "")
    assert "in use" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    with temporary_folder() as folder, socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = subprocess.run(
            [DUIJIE, "up", "--data", folder / "data", "--port", port], capture_output=True, text=True, check=False
        )
    assert refused.returncode == 1
    assert f"Port {port}" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_tokens_and_clients_are_made_whether_it_runs_or_not(killed: Killed, standalone: Standalone) -> None:
    first = standalone.caller("carrier", "Sufeng").get("/v1/me").json()
    made = json.loads(standalone.run("client", "create", "--role", "carrier", "--name", "Sufeng", "--json").stdout)
    anyone = standalone.caller("citizen", "anyone")
    assert anyone.get("/v1/me", headers={"Authorization": f"Bearer {killed.token}"}).json() == first
    granted = anyone.post("/v1/auth/token", data={"grant_type": "client_credentials", **made}).json()
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    assert anyone.get("/v1/me", headers=bearer).json()["account_id"] == first["account_id"]
    for wrong in (
        ("token", "--role", "king", "--account", "x"),
        ("token", "--role", "admin", "--account", "x", "--ttl", "x"),
    ):
        refused = standalone.run(*wrong)
        assert (refused.returncode, refused.stdout) == (2, "")


def test_it_tells_its_state_and_ends_cleanly(standalone: Standalone) -> None:
    running = standalone.run("status")
    assert (running.returncode, standalone.url in running.stdout) == (0, True)
    assert standalone.stop() == 0
    assert processes_under(standalone.folder) == []
    stopped = standalone.run("status")
    assert (stopped.returncode, stopped.stdout.startswith("not running")) == (3, True)
    assert standalone.run("reset").returncode == 0
    assert not standalone.folder.exists()
