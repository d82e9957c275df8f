"""A real Apache Kafka for development and tests: brokers on loopback, each with its controller in one JVM.

`python -m deploy.kafka.broker up|down` runs them in the background; tests use `Broker` and `Brokers` as context
managers.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.kafka.configuration import Node, Security, broker_settings, rendered
from deploy.kafka.java import HERE, QUICK, KafkaNotAvailable, java_command
from deploy.ports import LOOPBACK, stable_port
from duijie.osuser import tied_to_us
from duijie.postmaster import Child

CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
START_WITHIN_S = 60.0
SHUTDOWN = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
SHUTDOWN_IN_HASTE = ((signal.SIGTERM, 2.0), (signal.SIGKILL, 1.0))


class BrokerDidNotStart(Exception):
    """The broker was started and ended, or did not answer in time; the message ends with its log."""


class Broker:
    """One broker. Its ports and data stay the same over stop and start, so a test can bring it back."""

    def __init__(
        self,
        data: Path,
        *,
        port: int | None = None,
        doors: Mapping[int, int] | None = None,
        id_: int = 1,
        controllers: Mapping[int, int] | None = None,
        security: Security | None = None,
        jvm: tuple[str, ...] = QUICK,
    ) -> None:
        """`doors` are further listeners: the port of each, and the one its clients are told, for a proxy in between.

        `controllers` are the ports of the quorum's controllers by their nodes' ids, this one's among them.
        `jvm` is `QUICK` or `FULL` of `deploy.kafka.java`.
        """
        self.data = data.resolve()
        self.port = port or stable_port()
        self.node = Node(id_, controllers or {id_: stable_port()}, self.port, stable_port(), doors or {})
        self._security = security
        self._jvm = jvm
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        return self.data / "broker.log"

    @property
    def running(self) -> bool:
        """Also when it is paused."""
        return self._child is not None and not self._child.ended.is_set()

    @property
    def pid(self) -> int:
        """For signals: a test ends the broker with SIGKILL, then calls `stop` and `start`."""
        if self._child is None:
            raise ProcessLookupError("the broker is not running")
        return self._child.pid

    def start(self, *, detached: bool = False, within_s: float = START_WITHIN_S) -> None:
        """Return once the broker answers. `detached` lets it outlive this process."""
        java = java_command(self._jvm)
        self.data.mkdir(parents=True, exist_ok=True)
        settings = self._write_settings()
        with self.log.open("ab") as log:
            if not (self.data / "log" / "meta.properties").exists():
                self._format_storage(java, settings, log.fileno())
            command = [*(() if detached else tied_to_us("KILL")), *java, "kafka.Kafka", str(settings)]
            # a session of its own: Ctrl-C at the terminal is for whoever started it to handle
            self._child = Child(
                lambda: subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                ),
                f"kafka-{self.node.id}",
            )
        self._wait_until_it_answers(within_s)

    def stop(self, *, in_haste: bool = False) -> None:
        """End our child for sure, also when it is paused. Does nothing when it has ended."""
        child, self._child = self._child, None
        if child is not None:
            child.stop(SHUTDOWN_IN_HASTE if in_haste else SHUTDOWN)

    def kill(self) -> None:
        """End it by SIGKILL; `start` brings it back."""
        child, self._child = self._child, None
        if child is not None:
            child.stop(SHUTDOWN[-1:])

    def pause(self) -> None:
        """Stop it in its tracks; return when all its threads stand still."""
        if self._child is None:
            raise ProcessLookupError("the broker is not running")
        self._child.pause()

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _write_settings(self) -> Path:
        path = self.data / "broker.properties"
        settings = broker_settings(self.node, self.data / "log", self._security)
        path.write_text(rendered(settings), encoding="utf-8")
        return path

    def _format_storage(self, java: list[str], settings: Path, log: int) -> None:
        command = [*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(settings)]
        command += self._security.formatting() if self._security else []
        done = subprocess.run(command, stdout=log, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            shutil.rmtree(self.data / "log", ignore_errors=True)
            raise BrokerDidNotStart(f"Kafka's storage could not be formatted: {done.stderr[-2000:].strip()}")

    def _wait_until_it_answers(self, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while self.node.id not in brokers_known(self.port):
            ended = not self.running
            if ended or time.monotonic() > deadline:
                self.stop()
                log = self.log.read_text(encoding="utf-8", errors="replace")
                raise BrokerDidNotStart(
                    f"Kafka {'ended' if ended else f'did not answer within {within_s:g} s'}:\n{log[-3000:]}"
                )
            time.sleep(0.05)


class Brokers:
    """Several brokers in one quorum. With three, two must have a record before it is acknowledged."""

    def __init__(
        self,
        data: Path,
        count: int = 1,
        *,
        ports: Sequence[int] | None = None,
        jvm: tuple[str, ...] = QUICK,
    ) -> None:
        controllers = {id_: stable_port() for id_ in range(1, count + 1)}
        self.brokers = [
            Broker(
                data / f"node-{id_}",
                port=ports[id_ - 1] if ports else None,
                id_=id_,
                controllers=controllers,
                jvm=jvm,
            )
            for id_ in controllers
        ]

    @property
    def bootstrap(self) -> str:
        return ",".join(broker.bootstrap for broker in self.brokers)

    def start(self, *, detached: bool = False, within_s: float = START_WITHIN_S) -> None:
        """All at once, since a broker alone has no quorum."""
        with ThreadPoolExecutor(len(self.brokers)) as pool:
            starting = [pool.submit(broker.start, detached=detached, within_s=within_s) for broker in self.brokers]
        try:
            for each in starting:
                each.result()
        except BaseException:
            self.stop()
            raise

    def stop(self, *, in_haste: bool = False) -> None:
        with ThreadPoolExecutor(len(self.brokers)) as pool:
            for stopping in [pool.submit(broker.stop, in_haste=in_haste) for broker in self.brokers]:
                stopping.result()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def brokers_known(port: int) -> set[int]:
    """The ids of the brokers that the one at `port` knows of: nobody, when it is not there or has just begun.

    Asked by Metadata (key 3, version 0).
    """
    request = struct.pack(">hhihi", 3, 0, 1, -1, 0)
    try:
        with (
            socket.create_connection((LOOPBACK, port), timeout=1) as connection,
            connection.makefile("rb") as answer,
        ):
            connection.settimeout(2)
            connection.sendall(struct.pack(">i", len(request)) + request)
            _size, _correlation, count = struct.unpack(">iii", answer.read(12))
            known = set()
            for _ in range(count):
                id_, name_bytes = struct.unpack(">ih", answer.read(6))
                answer.read(name_bytes + 4)
                known.add(id_)
            return known
    except (OSError, struct.error):
        return set()


def _in_use(data: Path) -> bool:
    """Whether a live broker holds the lock on this data: unlike a process id, a lock is never reused."""
    try:
        with (data / "log" / ".lock").open("r+b") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def up(port: int, data: Path, count: int = 1) -> None:
    """Start so many brokers, at `port` and those after it."""
    if any(_in_use(node) for node in _nodes(data)):
        print(f"Kafka is already running on {data}.")
        return
    brokers = Brokers(data / f"of-{count}", count, ports=range(port, port + count))
    brokers.start(detached=True)
    for broker in brokers.brokers:
        (broker.data / "broker.pid").write_text(f"{broker.pid}\n", encoding="ascii")
    print(brokers.bootstrap)


def down(data: Path, *, within_s: float = 10.0) -> None:
    nodes = [node for node in _nodes(data) if (node / "broker.pid").exists()]
    running = [node for node in nodes if _in_use(node)]
    for node in running:
        _signal(node, signal.SIGTERM)
    deadline = time.monotonic() + within_s
    while running := [node for node in running if _in_use(node) or _lingers(node)]:
        if time.monotonic() > deadline:
            for node in running:
                _signal(node, signal.SIGKILL)
        time.sleep(0.05)
    for node in nodes:
        (node / "broker.pid").unlink(missing_ok=True)


def _lingers(node: Path) -> bool:
    """Whether a broker that has let go of its data still holds its ports: one of three waits for a quorum a while."""
    try:
        command = Path(f"/proc/{_pid(node)}/cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(node.resolve()) in command


def _nodes(data: Path) -> list[Path]:
    """Where brokers keep their data: a quorum of one and a quorum of three can't share theirs."""
    return sorted(data.glob("of-*/node-*"))


def _pid(node: Path) -> int:
    return int((node / "broker.pid").read_text(encoding="ascii"))


def _signal(node: Path, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(_pid(node), what)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka.broker", description=__doc__)
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--port", type=int, default=9092, help="of the first; the others follow")
    parser.add_argument("--brokers", type=int, default=1, choices=range(1, 10), metavar="N", help="1 or 3, usually")
    parser.add_argument("--data", type=Path, default=HERE / "run")
    arguments = parser.parse_args()
    try:
        if arguments.action == "up":
            up(arguments.port, arguments.data, arguments.brokers)
        else:
            down(arguments.data)
    except (KafkaNotAvailable, BrokerDidNotStart) as why:
        print(why, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
