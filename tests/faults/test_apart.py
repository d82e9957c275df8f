"""The processes apart, over PostgreSQL and Apache Kafka: started, asked, told to end."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.vault import new_vault_key
from contracts.accounts import Role
from deploy.kafka.broker import Broker
from duijie.postgres import EmbeddedPostgres, free_port
from gateway.tokens import Signer, new_signing_key
from tests.support.kafka import start_or_skip
from tests.support.postgres import temporary_folder
from tests.system.conftest import DUIJIE, until
from tests.system.test_scene import LISTING, ORDER

SERVICES = ("gateway", "listing", "matching", "logistics")
ENDS_WITHIN_S = 10
READY_WITHIN_S = 30


class Apart:
    """Their environment, and the processes that a test has started."""

    def __init__(self, variables: dict[str, str], signer: Signer, stack: ExitStack) -> None:
        self.variables = variables
        self.signer = signer
        self._stack = stack

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [DUIJIE, *arguments],
            env=os.environ | self.variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *arguments: str, port: str = "0") -> subprocess.Popen[str]:
        environment = os.environ | self.variables | {"DUIJIE_PORT": port}
        process = subprocess.Popen([DUIJIE, *arguments], env=environment, stdout=subprocess.PIPE, text=True)
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        return process

    def caller(self, role: Role) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.signer.sign(uuid4(), role, timedelta(hours=1))}"}
        return httpx.Client(base_url=self.variables["GATEWAY"], headers=headers, timeout=30, trust_env=False)


def ready(process: subprocess.Popen[str]) -> str:
    """Where it answers; waits for its one line."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line.startswith("ready http://"), line
    return line.removeprefix("ready ")


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        postgres = EmbeddedPostgres(folder / "postgres", durable=False)
        postgres.start()
        stack.callback(postgres.stop)
        broker = Broker(folder / "kafka")
        stack.callback(broker.stop)
        start_or_skip(broker)
        pem, ports = new_signing_key(), {service: free_port() for service in SERVICES}
        variables = {
            "DUIJIE_KAFKA_BOOTSTRAP": broker.bootstrap,
            "DUIJIE_GATEWAY_SIGNING_KEY": pem,
            "DUIJIE_GATEWAY_PERSONAL_DATA_KEY": new_vault_key(),
            "DUIJIE_MATCHING_WEBHOOK_KEY": new_vault_key(),
            "DUIJIE_GATEWAY_SMS_URL": "console",
            "DUIJIE_JWKS_URL": f"http://127.0.0.1:{ports['gateway']}/.well-known/jwks.json",
            "GATEWAY": f"http://127.0.0.1:{ports['gateway']}",
        }
        for service, port in ports.items():
            variables[f"DUIJIE_{service.upper()}_DATABASE_URL"] = postgres.url(service)
            variables[f"DUIJIE_GATEWAY_{service.upper()}_URL"] = f"http://127.0.0.1:{port}"
        asyncio.run(postgres.create_databases([*SERVICES]))
        yield Apart(variables, Signer.from_pem(pem), stack)


def port_of(apart: Apart, service: str) -> str:
    return apart.variables[f"DUIJIE_GATEWAY_{service.upper()}_URL"].rsplit(":", 1)[1]


def test_before_the_databases_and_topics_are_there_a_worker_says_what_to_run(apart: Apart) -> None:
    refused = apart.run("work", "listing")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "run `duijie topics apply` first" in refused.stderr
    assert apart.run("topics", "apply").returncode == 0
    refused = apart.run("work", "listing")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "run `duijie migrate listing` first" in refused.stderr
    assert apart.run("migrate").returncode == 0
    checked = apart.run("topics", "check")
    assert (checked.returncode, checked.stdout) == (0, "every topic is there\n")


def test_the_scene_goes_through_all_of_them_and_each_ends_when_told(apart: Apart) -> None:
    started = [apart.start("serve", service, port=port_of(apart, service)) for service in SERVICES]
    started += [apart.start("work", service) for service in SERVICES]
    urls = [ready(process) for process in started]
    until(lambda: all(is_ready(url) for url in urls), within_s=READY_WITHIN_S)
    farmer, shop = apart.caller("producer"), apart.caller("platform")
    posted: dict[str, Any] = farmer.post("/v1/listings", json=LISTING).json()
    assert shop.post("/v1/orders", json=ORDER).status_code == 201
    (item,) = until(lambda: shop.get("/v1/feed/matches").json()["items"], within_s=20)
    assert (item["type"], item["match"]["listing_id"]) == ("match.agreed", posted["id"])
    sold = until(lambda: farmer.get(f"/v1/listings/{posted['id']}").json()["agreed_kg"], within_s=20)
    assert sold == ORDER["quantity_kg"]
    told_s = time.monotonic()
    for process in started:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(ENDS_WITHIN_S) for process in started] == [0] * len(started)
    assert time.monotonic() - told_s < ENDS_WITHIN_S
