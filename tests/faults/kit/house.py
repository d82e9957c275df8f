"""The house under test: real PostgreSQL, real Apache Kafka, and the real processes, each our own child.

Whoever is killed is reaped here and started again on its port. What ends without having been told to is noted in
`surprises`, which a test must find empty.
"""

import asyncio
import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from deploy.kafka.broker import Broker
from deploy.ports import stable_port
from duijie.postgres import EmbeddedPostgres
from gateway.tokens import new_signing_key
from tests.faults.kit.child import ROOT, Child, Command
from tests.faults.kit.proxy import HOST, Proxy
from tests.faults.kit.spy import install_spies

SERVICES = ("gateway", "listing", "matching", "logistics")
DATABASE_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)
"""What asyncpg raises when the server is killed or paused, also in the middle of a statement."""
READY_WITHIN_S = 60.0
RESTART_AFTER_S = 0.3
LOOK_EVERY_S = 0.1
END_WITHIN_S = 10.0
"""After SIGTERM. A process that hangs ends in haste before that, and then not with 0."""


@dataclass(slots=True)
class Plan:
    """What to run. `wrapper` runs `duijie` some other way, for mutants and clocks."""

    workers: Mapping[str, int] = field(default_factory=lambda: {"matching": 2})
    wrapper: tuple[str, ...] = (str(Path(sys.executable).with_name("duijie")),)
    wrapped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Another wrapper for the children of these names."""
    environment: Mapping[str, str] = field(default_factory=dict)
    postgres_folder: Path | None = None
    token_hours: int = 12


class House:
    """Everything, for as long as the block lasts."""

    def __init__(self, folder: Path, plan: Plan | None = None) -> None:
        self.folder = folder
        self.plan = plan or Plan()
        self.children: dict[str, Child] = {}
        self.kills: Counter[str] = Counter()
        """By how they died."""
        self.killed: Counter[str] = Counter()
        """By who died."""
        self.surprises: list[str] = []
        self.proxies: dict[str, Proxy] = {}
        self.postgres = EmbeddedPostgres(
            self.plan.postgres_folder or folder / "postgres", port=stable_port(), durable=True
        )
        self.signing_key = new_signing_key()
        self.personal_data_key = base64.b64encode(os.urandom(32)).decode()
        self.webhook_key = base64.b64encode(os.urandom(32)).decode()
        self._stack = ExitStack()
        self._ended = threading.Event()
        self._lock = threading.RLock()
        self.broker: Broker

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._stack.close()

    # What it is made of

    @property
    def url(self) -> str:
        """Where the gateway answers."""
        return self.children["serve gateway"].url

    def database(self, service: str) -> str:
        """For asyncpg, past every proxy."""
        return self.postgres.url(service).replace("+asyncpg", "")

    def proxied(self, name: str, target: int) -> int:
        """A port that leads to `target` through the proxy of that name."""
        proxy = self.proxies[name] = self._stack.enter_context(Proxy(target))
        return proxy.port

    async def tokens(self, accounts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """By name of the account, whose role is given: its id and a token."""
        from chassis.db import Database
        from chassis.vault import Vault
        from contracts.accounts import Role
        from gateway.accounts.service import account_for, issue_token
        from gateway.tokens import Signer

        signer, vault = Signer.from_pem(self.signing_key), Vault.from_base64(self.personal_data_key)
        db = Database(self.postgres.url("gateway"), source="/duijie/gateway")
        found = {}
        try:
            for name, role in accounts.items():
                async with db.transaction() as session:
                    named: Role = role  # type: ignore[assignment]
                    account = await account_for(session, vault, named, name)
                found[name] = (str(account.id), issue_token(signer, account, timedelta(hours=self.plan.token_hours)))
        finally:
            await db.close()
        return found

    def code_of(self, masked: str) -> str | None:
        """The last code for a phone, which the gateway shows on its console for want of an SMS provider."""
        said = self.children["serve gateway"].log.read_text(errors="replace")
        _, found, rest = said.rpartition(f"code for {masked}: ")
        return rest.split("\n", 1)[0] if found and "\n" in rest else None

    # Beginning

    def _begin(self) -> None:
        self._stack.callback(self.postgres.stop)
        self.postgres.start()
        asyncio.run(self.postgres.create_databases(SERVICES))
        # a door for each worker, or nobody could be cut off from Kafka alone
        doors = {stable_port(): name for name in self._workers()}
        told = {door: self.proxied(f"kafka {name}", door) for door, name in doors.items()}
        self.broker = Broker(self.folder / "kafka", doors=told)
        self._stack.callback(self.broker.stop)
        self.broker.start()
        common = self._common()
        self._run(["migrate"], common)
        self._run(["topics", "apply"], common)
        asyncio.run(install_spies({service: self.database(service) for service in SERVICES}))
        self._make_children(common)
        self._stack.callback(self._stop_children)
        for child in self.children.values():
            child.start()
        self.until_ready()
        watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        watcher.start()
        self._stack.callback(watcher.join, 10)
        self._stack.callback(self._ended.set)

    def _common(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DUIJIE_")}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "DUIJIE_LOG_LEVEL": "WARNING",
            "DUIJIE_RATE_LIMITS": "off",
            "DUIJIE_KAFKA_BOOTSTRAP": self.broker.bootstrap,
            "DUIJIE_KAFKA_SESSION_TIMEOUT_S": "3",
            "DUIJIE_KAFKA_TIMEOUT_S": "5",
            "DUIJIE_MATCHING_SOLVERS": "1",
            "DUIJIE_GATEWAY_SIGNING_KEY": self.signing_key,
            "DUIJIE_GATEWAY_PERSONAL_DATA_KEY": self.personal_data_key,
            "DUIJIE_GATEWAY_SMS_URL": "console",
            "DUIJIE_MATCHING_WEBHOOK_KEY": self.webhook_key,
            **{f"DUIJIE_{service.upper()}_DATABASE_URL": self.postgres.url(service) for service in SERVICES},
            **self.plan.environment,
        }

    def _workers(self) -> dict[str, str]:
        """Their services by their names."""
        return {
            f"work {service}" if number == 1 else f"work {service} {number}": service
            for service in SERVICES
            for number in range(1, self.plan.workers.get(service, 1) + 1)
        }

    def _make_children(self, common: dict[str, str]) -> None:
        ports = {service: stable_port() for service in SERVICES}
        behind = {name: self.proxied(f"http {name}", ports[name]) for name in SERVICES}  # the gateway: for its keys
        common = common | {
            "DUIJIE_JWKS_URL": f"http://{HOST}:{behind['gateway']}/.well-known/jwks.json",
            **{f"DUIJIE_GATEWAY_{name.upper()}_URL": f"http://{HOST}:{behind[name]}" for name in SERVICES[1:]},
        }
        for service in SERVICES:
            self._add("serve", service, ports[service], f"serve {service}", common)
        for name, service in self._workers().items():
            door = {"DUIJIE_KAFKA_BOOTSTRAP": f"{HOST}:{self.proxies[f'kafka {name}'].port}"}
            self._add("work", service, stable_port(), name, common | door)

    def _add(self, command: Command, service: str, port: int, name: str, common: dict[str, str]) -> None:
        to_database = self.proxied(f"postgres {name}", self.postgres.port)
        url = self.postgres.url(service).replace(f":{self.postgres.port}/", f":{to_database}/")
        own = {"DUIJIE_PORT": str(port), f"DUIJIE_{service.upper()}_DATABASE_URL": url}
        wrapper = self.plan.wrapped.get(name, self.plan.wrapper)
        log = self.folder / f"{name.replace(' ', '-')}.log"
        self.children[name] = Child(name, command, service, port, common | own, log, wrapper)

    def _run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        duijie = Path(sys.executable).with_name("duijie")
        done = subprocess.run(
            [str(duijie), *arguments], env=dict(environment), capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            raise RuntimeError(f"duijie {' '.join(arguments)}: {done.stderr.strip()}")

    def until_ready(self, within_s: float = READY_WITHIN_S) -> float:
        """Wait until every child that is not held down is ready; how long that took, in seconds."""
        began_s = time.monotonic()
        for child in self.children.values():
            while not child.held_down and not child.answers():
                if time.monotonic() - began_s > within_s:
                    tail = child.log.read_text(errors="replace")[-2000:]
                    raise TimeoutError(f"{child.name} was not ready within {within_s:.0f} s:\n{tail}")
                time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began_s

    def _stop_children(self) -> None:
        there = []
        for child in self.children.values():
            if child.running:
                there.append(child)
                child.signal(signal.SIGCONT)
            elif not child.held_down:
                self._note_death(child)
        begun = [self._tell_to_end(child) for child in there]
        ends_s = time.monotonic() + END_WITHIN_S
        for child, had_begun in zip(there, begun, strict=True):
            self._judge_end(child, had_begun, max(0.1, ends_s - time.monotonic()))

    # Ending and beginning again

    def _watch(self) -> None:
        """Reap who died, and start it again."""
        while not self._ended.wait(LOOK_EVERY_S):
            for child in self.children.values():
                with self._lock:
                    if child.held_down or child.running:
                        continue
                    self._note_death(child)
                    if self._ended.wait(RESTART_AFTER_S):
                        return
                    child.start()

    def _note_death(self, child: Child) -> None:
        code = child.reap()
        if child.died_at_its_point:
            self._count_point(child)
        elif not child.expected:
            self.surprises.append(f"{child.name} ended by itself with {code}; see {child.log}")

    def _count_point(self, child: Child) -> None:
        """It has died where it was told to."""
        assert child.point is not None
        self.kills[f"at {child.point.partition(':')[0]}"] += 1
        self.killed[child.name] += 1

    def kill(self, name: str, *, then_point: str | None = None) -> bool:
        """SIGKILL, and begin again at once, with the place where it shall die next; not who was told to stay away.
        Whether it has begun again."""
        child = self.children[name]
        with self._lock:
            if child.held_down:
                return False
            if not child.running:
                self._note_death(child)  # it was quicker
            child.expected = True
            if child.running:
                child.signal(signal.SIGKILL)
                child.reap()
                self.kills["at random"] += 1
                self.killed[name] += 1
            child.start(then_point)
            return True

    def stop(self, name: str) -> int | None:
        """SIGTERM, and stay away; the exit code. An end that is not sound is a surprise."""
        child = self.children[name]
        with self._lock:
            return self._judge_end(child, self._tell_to_end(child), END_WITHIN_S)

    def _tell_to_end(self, child: Child) -> bool:
        """Send SIGTERM; whether it had begun to answer before."""
        child.held_down = child.expected = True
        begun = child.answers("/healthz")
        child.signal(signal.SIGTERM)
        return begun

    def _judge_end(self, child: Child, begun: bool, within_s: float) -> int | None:
        """Wait for the end of what was sent SIGTERM. Sound is 0, in time; in haste it is neither.

        Before it answers it has not begun, and dies of the signal as every program does; and it may come to the point
        where it was told to die.
        """
        try:
            code = child.reap(within_s)
        except subprocess.TimeoutExpired:
            self.surprises.append(f"{child.name} did not end within {END_WITHIN_S:g} s of SIGTERM; see {child.log}")
            child.signal(signal.SIGKILL)
            return child.reap()
        if child.died_at_its_point:
            self._count_point(child)
        elif code and not (code == -signal.SIGTERM and not begun):
            self.surprises.append(f"{child.name} ended with {code} after SIGTERM; see {child.log}")
        return code

    def start(self, name: str, point: str | None = None, wrapper: Sequence[str] | None = None) -> None:
        with self._lock:
            self.children[name].start(point, wrapper)

    def pause(self, name: str) -> None:
        self.children[name].signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self.children[name].signal(signal.SIGCONT)

    def kill_postgres(self, away_s: float = 0.5) -> None:
        """As if its machine had lost power, but for the disk: it recovers from its log."""
        os.kill(self.postgres.pid, signal.SIGKILL)
        self.kills["of PostgreSQL"] += 1
        self.killed["PostgreSQL"] += 1
        self.postgres.stop()
        time.sleep(away_s)
        self.postgres.start()

    def kill_broker(self, away_s: float = 1.0) -> None:
        os.kill(self.broker.pid, signal.SIGKILL)
        self.kills["of the broker"] += 1
        self.killed["the broker"] += 1
        self.broker.stop()
        time.sleep(away_s)
        self.broker.start()

    def pause_broker(self, seconds: float) -> None:
        self.broker.pause()
        try:
            time.sleep(seconds)
        finally:
            self.broker.resume()

    def disarm(self) -> None:
        """Who still has a place to die at dies now, and begins again without one: it was the last fault."""
        for child in self.children.values():
            if child.point is not None and child.running:
                self.kill(child.name)

    def count_in_logs(self, words: str) -> int:
        """How often any of the processes has written this."""
        return sum(child.log.read_bytes().count(words.encode()) for child in self.children.values())

    def unready(self) -> list[str]:
        """The children that are not ready now."""
        return [child.name for child in self.children.values() if not child.held_down and not child.answers()]
