"""A real Apache Kafka for development and tests: one broker and controller in one JVM, on loopback.

`python -m deploy.kafka.broker up|down` runs one in the background; tests use `Broker` as a context manager.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

HERE = Path(__file__).parent
JDK_AT_LEAST = 17
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
JVM = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
)


class KafkaNotAvailable(Exception):
    """This machine can't run Kafka; the message is a sentence that says what is missing."""


class BrokerDidNotStart(Exception):
    """The broker was started and ended, or did not answer in time; the message ends with its log."""


class Broker:
    """One broker. Its ports and data stay the same over stop and start, so a test can bring it back."""

    def __init__(self, data: Path, *, port: int | None = None, advertised_port: int | None = None) -> None:
        """`advertised_port` is what clients are told to connect to, for a proxy in between."""
        self.data = data.resolve()
        self.port = port or _free_port()
        self.advertised_port = advertised_port or self.port
        self._controller_port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.advertised_port}"

    @property
    def pid(self) -> int:
        """For signals: a test ends the broker with SIGKILL, then calls `stop` and `start`."""
        if self._process is None:
            raise ProcessLookupError("the broker is not running")
        return self._process.pid

    def start(self, *, detached: bool = False, within_s: float = 60.0) -> None:
        """Return once the broker answers. `detached` lets it outlive this process and its terminal."""
        java = [_java(), *JVM, "-cp", f"{fetch_jars()}/*"]
        self.data.mkdir(parents=True, exist_ok=True)
        settings = self._write_settings()
        with (self.data / "broker.log").open("ab") as log:
            if not (self.data / "log" / "meta.properties").exists():
                _format_storage(java, settings, log.fileno())
            self._process = subprocess.Popen(
                [*java, "kafka.Kafka", str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=detached,
            )
        self._wait_until_it_answers(within_s)

    def stop(self) -> None:
        """End our child for sure, also when it is paused. Does nothing when it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def pause(self) -> None:
        """Stop it in its tracks; return when all its threads stand still."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

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
        broker, controller = f"127.0.0.1:{self.port}", f"127.0.0.1:{self._controller_port}"
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "log.dirs": str(self.data / "log"),
            # A misspelt topic should be an error, as on a production cluster.
            "auto.create.topics.enable": "false",
            "num.partitions": "2",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            # A single developer's consumer should not wait 3 s for others to join its group.
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
        }
        path = self.data / "broker.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
        return path

    def _wait_until_it_answers(self, within_s: float) -> None:
        assert self._process is not None
        deadline = time.monotonic() + within_s
        while not _answers(self.port):
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                log = (self.data / "broker.log").read_text(encoding="utf-8", errors="replace")
                raise BrokerDidNotStart(
                    f"Kafka {'ended' if ended else f'did not answer within {within_s:g} s'}:\n{log[-3000:]}"
                )
            time.sleep(0.05)


def fetch_jars() -> Path:
    """Return the folder with Kafka's jars, fetched by Maven once for each content of pom.xml."""
    pom = HERE / "pom.xml"
    jars = HERE / "target" / f"jars-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if jars.exists():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaNotAvailable("Kafka's jars are fetched by Maven, and there is no `mvn` on the PATH.")
    jars.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as fetched:
        command = [maven, "-B", "-q", "-f", str(pom), "dependency:copy-dependencies"]
        options = ["-DincludeScope=runtime", f"-DoutputDirectory={fetched}/jars"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        if done.returncode:
            raise KafkaNotAvailable(f"Maven could not fetch Kafka's jars: {done.stdout[-2000:].strip()}")
        # Two processes may fetch at once; the second finds the folder there and leaves it.
        if not jars.exists():
            Path(fetched, "jars").rename(jars)
    return jars


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        raise KafkaNotAvailable(f"Kafka needs a JDK {JDK_AT_LEAST} or later, and there is no `java`.")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JDK_AT_LEAST:
        raise KafkaNotAvailable(f"Kafka needs a JDK {JDK_AT_LEAST} or later; {java} is: {said.strip()}")
    return java


def _format_storage(java: list[str], settings: Path, log: int) -> None:
    format_ = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(settings)]
    done = subprocess.run([*java, *format_], stdout=log, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BrokerDidNotStart(f"Kafka's storage could not be formatted: {done.stderr[-2000:].strip()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    """Ask for Metadata (key 3, version 0): just after its start a broker answers, but knows of no broker yet."""
    request = struct.pack(">hhihi", 3, 0, 1, -1, 0)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=1) as connection,
            connection.makefile("rb") as answer,
        ):
            connection.settimeout(2)
            connection.sendall(struct.pack(">i", len(request)) + request)
            _size, _correlation, brokers = struct.unpack(">iii", answer.read(12))
    except (OSError, struct.error):
        return False
    return bool(brokers)


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


def up(port: int, data: Path) -> None:
    if _in_use(data):
        print(f"A broker is already running on {data}.")
        return
    broker = Broker(data, port=port)
    broker.start(detached=True)
    (data / "broker.pid").write_text(f"{broker.pid}\n", encoding="ascii")
    print(broker.bootstrap)


def down(data: Path, *, within_s: float = 10.0) -> None:
    pid_file = data / "broker.pid"
    if pid_file.exists() and _in_use(data):
        pid = int(pid_file.read_text(encoding="ascii"))
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + within_s
        while _in_use(data):
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka.broker", description=__doc__)
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--port", type=int, default=9092)
    parser.add_argument("--data", type=Path, default=HERE / "run")
    arguments = parser.parse_args()
    try:
        if arguments.action == "up":
            up(arguments.port, arguments.data)
        else:
            down(arguments.data)
    except (KafkaNotAvailable, BrokerDidNotStart) as why:
        print(why, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
