"""Every process of Duijie apart on this machine: over a real PostgreSQL and Apache Kafka, without containers.

`python -m deploy.cluster up` runs them until SIGINT or SIGTERM, with one log; tests and benchmarks use `Cluster`.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self, TextIO

from chassis.vault import new_vault_key
from deploy.children import Log, Process
from deploy.kafka.broker import Broker, BrokerDidNotStart, Brokers
from deploy.kafka.java import QUICK, KafkaNotAvailable
from deploy.ports import LOOPBACK, is_free, stable_port
from duijie.databases import DATABASES
from duijie.datafolder import DataFolder, Run, default_path
from duijie.postgres import EmbeddedPostgres
from duijie.problems import CannotStart, PortTaken
from gateway.tokens import new_signing_key

DUIJIE = Path(sys.executable).with_name("duijie")
SERVICES = tuple(DATABASES)
PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "PYTHONPATH"),
    *("DUIJIE_ALLOW_PRIVATE_WEBHOOKS", "DUIJIE_RATE_LIMITS"),
)

PREPARED_WITHIN_S = 120.0
READY_WITHIN_S = 120.0
CHILDREN_END_WITHIN_S = 9.0

CONNECTIONS = 180  # of the 200 that our PostgreSQL takes
USUAL_POOL = 10
LEAST_POOL = 3  # matching refuses fewer

LOOK_S = 0.25
PAUSE_S = 1.0
"""Before what died is started again; twice as long each time it dies young, up to LONGEST_PAUSE_S."""
LONGEST_PAUSE_S = 15.0
YOUNG_S = 30.0

HOW_TO_USE = """\
One log of all: {0.log_path}. Stop it with Ctrl-C, or `duijie down`. In another shell, for `duijie` to speak to it:
  export DUIJIE_DATA={0.folder.path} DUIJIE_KAFKA_BOOTSTRAP={0.kafka.bootstrap}"""

DID_NOT_START = (CannotStart, KafkaNotAvailable, BrokerDidNotStart, OSError, subprocess.SubprocessError)
"""What a start may fail with, a full disk or a program that hangs among it: whoever keeps the others goes on."""


class Cluster:
    """The house apart, on one data folder. Every port is known, and stays, from the beginning.

    `processes` are by their names, `serve-listing` or `work-matching-2`, once the servers have started. What is
    changed in the `environment` of one counts from its next start. Nobody brings back what dies, unless `keep` is
    told to.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        workers: int | Mapping[str, int] = 1,
        brokers: int = 1,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        echo: TextIO | None = None,
        jvm: tuple[str, ...] = QUICK,
    ) -> None:
        """`workers` is how many of each service, or by service. `environment` is by process's name, or "*" for all."""
        self.folder = DataFolder(folder)
        self.port = port or stable_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.postgres = EmbeddedPostgres(self.folder.path / "postgres", port=stable_port())
        self.kafka = Brokers(self.folder.path / f"kafka-{brokers}", brokers, jvm=jvm)
        self.processes: dict[str, Process] = {}
        self.log_path = self.folder.path / "cluster.log"
        self._workers = dict.fromkeys(SERVICES, workers) if isinstance(workers, int) else dict(workers)
        self._environment = environment or {}
        self._echo = echo
        self._log: Log | None = None
        self._api_ports = {service: stable_port() for service in SERVICES} | {"gateway": self.port}

    # Life

    def start(self) -> None:
        """Return when the gateway and every process behind it say that they are ready. Raises CannotStart."""
        try:
            self.start_servers()
            self.prepare()
            self.start_processes()
            self.wait_ready()
        except (KafkaNotAvailable, BrokerDidNotStart) as why:
            self.stop()
            raise CannotStart(str(why)) from why
        except BaseException:
            self.stop()
            raise

    def start_servers(self) -> None:
        """Own the folder; PostgreSQL with its databases, and Kafka, at once."""
        if not is_free(self.port):
            raise PortTaken(f"Port {self.port} of {LOOPBACK} is taken by another program; choose another with --port.")
        self.folder.take()
        self._log = Log(self.log_path, self._echo)
        self._log.follow("postgres", self.postgres.folder / "server.log")
        for broker in self.kafka.brokers:
            self._log.follow(f"kafka-{broker.node.id}", broker.log)
        with _beside(self.kafka.start):
            self.postgres.start()
            asyncio.run(self.postgres.create_databases(SERVICES))
        self._define_processes()

    def prepare(self) -> None:
        """Databases at their newest version, and topics; by the commands that everyone else uses."""
        databases = {name: url for service in SERVICES for name, url in self._database(service).items()}
        with _beside(lambda: self.run("topics", "apply", environment=self._kafka_settings())):
            self.run("migrate", environment=databases)

    def start_processes(self) -> None:
        """All of them, without waiting."""
        started = datetime.now(UTC).isoformat()
        self.folder.begin_run(
            Run(os.getpid(), self.port, self.url, self.postgres.port, started, kafka=self.kafka.bootstrap)
        )
        for process in self.processes.values():
            process.start()

    def wait_ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Raises CannotStart when one ends instead, or takes longer."""
        deadline = time.monotonic() + within_s
        for process in self.processes.values():
            if not process.wait_ready(deadline - time.monotonic()):
                said = "\n".join(process.last)
                how = "is not ready" if process.running else f"ended with exit code {process.exit_code}"
                raise CannotStart(f"{process.name} {how}; see {self.log_path}. It said last:\n{said}")

    def stop(self) -> None:
        """Processes first, then Kafka, then PostgreSQL: within 15 s nothing is left. Twice does nothing."""
        if self.processes:
            with ThreadPoolExecutor(len(self.processes)) as pool:
                list(pool.map(lambda process: process.stop(CHILDREN_END_WITHIN_S), self.processes.values()))
        self.kafka.stop(in_haste=True)
        self.postgres.stop()
        if self._log is not None:
            self._log.close()
        self.folder.give_back()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Use

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """A `duijie` command to its end, in the log. Raises CannotStart when it fails."""
        command = self._process("-".join(arguments), arguments, environment or {})
        command.start()
        try:
            code = command.wait(PREPARED_WITHIN_S)
        finally:
            command.stop()
        if code != 0:
            said = "\n".join(command.last)
            raise CannotStart(f"`duijie {' '.join(arguments)}` {'did not end' if code is None else 'failed'}: {said}")

    def keep(self, until: threading.Event) -> None:
        """Start again, after a pause, whatever dies by itself, servers too, until told to end."""
        assert self._log is not None
        kept = [_Kept(process.name, process) for process in self.processes.values()]
        kept += [_Kept(f"kafka-{broker.node.id}", _Server(broker)) for broker in self.kafka.brokers]
        kept.append(_Kept("postgres", _Server(self.postgres)))
        while not until.wait(LOOK_S):
            for each in kept:
                each.look(self._log)

    # Inside

    def _define_processes(self) -> None:
        for service in SERVICES:
            self._define(f"serve-{service}", ("serve", service), self._api(service), self._api_ports[service])
        for service, count in self._workers.items():
            for number in range(1, count + 1):
                settings = self._database(service) | self._webhooks(service) | self._kafka_settings()
                self._define(f"work-{service}-{number}", ("work", service), settings, stable_port())

    def _define(self, name: str, arguments: Sequence[str], settings: Mapping[str, str], port: int) -> None:
        self.processes[name] = self._process(name, arguments, {**settings, "DUIJIE_PORT": str(port)}, port)

    def _process(
        self, name: str, arguments: Sequence[str], settings: Mapping[str, str], port: int | None = None
    ) -> Process:
        """Each is told what it needs and nothing else; our own environment may name another cluster."""
        assert self._log is not None
        environment = {variable: os.environ[variable] for variable in PASSED_ON if variable in os.environ}
        environment |= {**settings, **self._environment.get("*", {}), **self._environment.get(name, {})}
        return Process(name, [str(DUIJIE), *arguments], environment, self._log, port)

    def _database(self, service: str) -> dict[str, str]:
        count = len(SERVICES) + sum(self._workers.values())
        # one server for all of them; under load each opens as many connections again
        pool = max(LEAST_POOL, min(USUAL_POOL, CONNECTIONS // (2 * count)))
        return {
            f"DUIJIE_{service.upper()}_DATABASE_URL": self.postgres.url(service),
            f"DUIJIE_{service.upper()}_DATABASE_POOL": str(pool),
        }

    def _kafka_settings(self) -> dict[str, str]:
        return {"DUIJIE_KAFKA_BOOTSTRAP": self.kafka.bootstrap}

    def _webhooks(self, service: str) -> dict[str, str]:
        if service != "matching":
            return {}
        return {"DUIJIE_MATCHING_WEBHOOK_KEY": self.folder.secret("webhook-key", new_vault_key)}

    def _api(self, service: str) -> dict[str, str]:
        settings = self._database(service) | self._webhooks(service)
        if service != "gateway":
            return {**settings, "DUIJIE_JWKS_URL": f"{self.url}/.well-known/jwks.json"}
        for behind in SERVICES:
            if behind != "gateway":
                settings[f"DUIJIE_GATEWAY_{behind.upper()}_URL"] = f"http://{LOOPBACK}:{self._api_ports[behind]}"
        settings["DUIJIE_GATEWAY_SMS_URL"] = "console"
        # the same secrets as standalone's, so that `duijie token` and `duijie demo` know them
        settings["DUIJIE_GATEWAY_SIGNING_KEY"] = self.folder.secret("signing-key", new_signing_key)
        settings["DUIJIE_GATEWAY_PERSONAL_DATA_KEY"] = self.folder.secret("personal-data-key", new_vault_key)
        return settings


class _Server:
    """PostgreSQL or a broker: one that died is tidied away first."""

    wanted = True

    def __init__(self, server: EmbeddedPostgres | Broker) -> None:
        self._server = server

    @property
    def running(self) -> bool:
        return self._server.running

    def start(self) -> None:
        self._server.stop()
        self._server.start()


class _Kept:
    """Something that is brought back, and how often that was in vain."""

    def __init__(self, name: str, what: Process | _Server) -> None:
        self._name = name
        self._what = what
        self._pause_s = PAUSE_S
        self._started_s = time.monotonic()
        self._due_s: float | None = None

    def look(self, log: Log) -> None:
        now_s = time.monotonic()
        if self._what.running or not self._what.wanted:
            self._due_s = None
        elif self._due_s is None:
            young = now_s - self._started_s < YOUNG_S
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S) if young else PAUSE_S
            self._due_s = now_s + self._pause_s
            log.say("cluster", f"{self._name} died; it starts again in {self._pause_s:g} s")
        elif now_s >= self._due_s:
            self._due_s = None
            self._started_s = now_s
            try:
                self._what.start()
            except DID_NOT_START as why:
                log.say("cluster", f"{self._name} did not start: {why}")
            else:
                log.say("cluster", f"{self._name} was started again")


@contextlib.contextmanager
def _beside(work: Callable[[], object]) -> Iterator[None]:
    """Do both at once. What fails beside is raised at the end of the block; a block that fails waits for nobody."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    thread.join()
    if failed:
        raise failed[0]


class _Asked(BaseException):
    """SIGINT or SIGTERM."""


def up(cluster: Cluster) -> None:
    """Run it until SIGINT or SIGTERM. Raises CannotStart."""

    def asked(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise _Asked

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked)
    ending = threading.Event()
    keeper: threading.Thread | None = None
    try:
        cluster.start()
        keeper = threading.Thread(target=cluster.keep, args=(ending,), name="keeper", daemon=True)
        keeper.start()
        print(f"ready {cluster.url}\n{HOW_TO_USE.format(cluster)}", flush=True)
        while True:
            signal.pause()
    except _Asked:
        pass
    finally:
        ending.set()
        if keeper is not None:
            keeper.join(timeout=2)  # it may be waiting for a server to start
        cluster.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.cluster", description=__doc__)
    parser.add_argument("action", choices=["up"])
    parser.add_argument("--port", type=int, default=8000, help="of the gateway; 0 takes a free one")
    parser.add_argument("--workers", type=int, default=1, help="of each service")
    parser.add_argument("--brokers", type=int, default=1, choices=range(1, 10), metavar="N", help="1 or 3, usually")
    parser.add_argument("--data", type=Path, help="the data folder; else one of this checkout's own")
    arguments = parser.parse_args()
    standalone = default_path()
    data = arguments.data or standalone.with_name(f"{standalone.name}-cluster")
    cluster = Cluster(data, port=arguments.port, workers=arguments.workers, brokers=arguments.brokers, echo=sys.stderr)
    try:
        up(cluster)
    except CannotStart as why:
        print(why, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
