"""The JVM that Kafka runs on, and Kafka's own jars, fetched by Maven."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
JDK_AT_LEAST = 17
LOGGING = HERE / "log4j2.properties"

# Up soonest, which is what tests want; the second compiler would only begin to pay after a minute of load.
QUICK = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# As fast as it gets, for benchmarks.
FULL = ("-Xmx1g", "-Xms1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")


class KafkaNotAvailable(Exception):
    """This machine can't run Kafka; the message is a sentence that says what is missing."""


def java_command(flags: tuple[str, ...] = QUICK) -> list[str]:
    """`java` with Kafka on its class path; a main class is still to follow."""
    return [_java(), *flags, f"-Dlog4j2.configurationFile={LOGGING}", "-cp", f"{fetch_jars()}/*"]


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
