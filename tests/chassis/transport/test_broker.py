"""The broker of `make kafka-up` and of the tests."""

from pathlib import Path

import pytest

from deploy.kafka import broker, java
from deploy.kafka.broker import Broker, KafkaNotAvailable


def test_a_missing_jdk_is_said_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(KafkaNotAvailable, match=r"needs a JDK 17 or later, and there is no `java`\.$"):
        Broker(tmp_path).start()


def test_an_old_jdk_is_said_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(KafkaNotAvailable, match=r'needs a JDK 17 or later; .*version "11\.0\.2"'):
        Broker(tmp_path).start()


def test_a_missing_maven_is_said_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pom.xml").write_text("<project/>")
    monkeypatch.setattr(java, "HERE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KafkaNotAvailable, match="no `mvn` on the PATH"):
        java.fetch_jars()


def test_stopping_what_does_not_run_does_nothing(tmp_path: Path) -> None:
    Broker(tmp_path).stop()
    broker.down(tmp_path)
