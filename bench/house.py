"""Duijie's processes apart, as `duijie serve` and `duijie work` run them, for benchmarks of them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from chassis.vault import new_vault_key
from contracts.accounts import Role
from deploy.kafka.broker import Broker
from duijie.postgres import EmbeddedPostgres
from gateway.tokens import Signer, new_signing_key

SERVICES = ("gateway", "listing", "matching", "logistics")
DUIJIE = (str(Path(sys.executable).parent / "duijie"),)
ROOT = Path(__file__).parent.parent
TOKENS_LAST = timedelta(hours=1)
READY_WITHIN_S = 60
END_WITHIN_S = 15


class ProcessFailed(Exception):
    """A process ended or said nothing; the message ends with what it wrote."""


class Running:
    """A process that has said where it answers."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        end(self._process)


class House:
    """What the processes are told: databases, Kafka, and keys that this program made and publishes."""

    def __init__(self, server: EmbeddedPostgres, broker: Broker | None, jwks_url: str, signing_key: str) -> None:
        self._signer = Signer.from_pem(signing_key)
        self.environment = {
            **os.environ,
            "DUIJIE_PORT": "0",
            "DUIJIE_LOG_LEVEL": "ERROR",
            "DUIJIE_RATE_LIMITS": "off",
            "DUIJIE_JWKS_URL": jwks_url,
            "DUIJIE_GATEWAY_SIGNING_KEY": signing_key,
            "DUIJIE_GATEWAY_PERSONAL_DATA_KEY": new_vault_key(),
            "DUIJIE_MATCHING_WEBHOOK_KEY": new_vault_key(),
            "DUIJIE_GATEWAY_SMS_URL": "console",
            **{f"DUIJIE_{name.upper()}_DATABASE_URL": server.url(name) for name in SERVICES},
            # the gateway asks them only when it is asked for something of theirs
            **{f"DUIJIE_GATEWAY_{name.upper()}_URL": jwks_url for name in SERVICES[1:]},
        }
        if broker is not None:
            self.environment["DUIJIE_KAFKA_BOOTSTRAP"] = broker.bootstrap

    def caller(self, role: Role, account_id: UUID | None = None) -> dict[str, str]:
        """The headers of a caller of this role, a new account unless one is given."""
        return {"Authorization": f"Bearer {self._signer.sign(account_id or uuid4(), role, TOKENS_LAST)}"}

    @contextmanager
    def running(self, command: str, service: str) -> Iterator[Running]:
        """`duijie serve|work <service>` for as long as the block lasts."""
        with self.running_program([*DUIJIE, command, service]) as running:
            yield running

    @contextmanager
    def running_program(self, command: list[str]) -> Iterator[Running]:
        """The same of another program that says where it answers."""
        process = spawn(command, self.environment)
        try:
            yield Running(process, ready_url(process))
        finally:
            end(process)

    def run(self, *arguments: str) -> None:
        """A command that ends by itself. Raises CalledProcessError."""
        subprocess.run([*DUIJIE, *arguments], env=self.environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def house(server: EmbeddedPostgres, broker: Broker | None = None) -> Iterator[House]:
    """A house whose keys are published as long as the block lasts."""
    key = new_signing_key()
    jwks = json.dumps(Signer.from_pem(key).jwks()).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(jwks)))
            self.end_headers()
            self.wfile.write(jwks)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nobody reads it."""

    publisher = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=publisher.serve_forever, daemon=True).start()
    try:
        yield House(server, broker, f"http://127.0.0.1:{publisher.server_address[1]}/jwks.json", key)
    finally:
        publisher.shutdown()
        publisher.server_close()


def spawn(command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    )


def ready_url(process: subprocess.Popen[str]) -> str:
    """Where it says `ready http://…`. Raises ProcessFailed."""
    assert process.stdout is not None
    patience = threading.Timer(READY_WITHIN_S, process.kill)
    patience.start()
    try:
        for line in process.stdout:
            if line.startswith("ready "):
                return line.split()[1]
    finally:
        patience.cancel()
    raise ProcessFailed(f"{process.args!r} did not become ready")


def end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


class Client:
    """One connection, kept. It blocks: for one request at a time, where a client's own speed is not what counts."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: object = None) -> tuple[int, Any]:
        """The status and the JSON of the answer."""
        sent = None if body is None else json.dumps(body).encode()
        extra = {} if body is None else {"Content-Type": "application/json"}
        if method == "POST":
            extra["Idempotency-Key"] = uuid4().hex
        self._connection.request(method, path, sent, {**headers, **extra})
        answer = self._connection.getresponse()
        read = answer.read()
        return answer.status, json.loads(read) if read else None

    def must(self, status: int, method: str, path: str, headers: Mapping[str, str], body: object = None) -> Any:
        """The same, where another answer is a fault of the program."""
        found, read = self.ask(method, path, headers, body)
        if found != status:
            raise ProcessFailed(f"{method} {path} answered {found}: {read}")
        return read
