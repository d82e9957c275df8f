"""What a process is told by its environment."""

import ssl
from pathlib import Path

import pytest

from chassis.settings import KafkaSettings, ProcessSettings


@pytest.fixture(autouse=True)
def _bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_KAFKA_BOOTSTRAP", "one:9092,two:9092")


def test_on_an_open_network_kafka_needs_nothing_more() -> None:
    assert KafkaSettings().connection() == {"security_protocol": "PLAINTEXT"}


def test_tls_trusts_the_systems_authorities_or_those_it_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DUIJIE_KAFKA_SECURITY_PROTOCOL", "SSL")
    context = KafkaSettings().connection()["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    monkeypatch.setenv("DUIJIE_KAFKA_CA_FILE", str(tmp_path / "absent.pem"))
    with pytest.raises(OSError, match="No such file"):
        KafkaSettings().connection()


def test_sasl_brings_a_name_and_a_password_that_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("DUIJIE_KAFKA_USERNAME", "duijie")
    monkeypatch.setenv("DUIJIE_KAFKA_PASSWORD", "open sesame")
    settings = KafkaSettings()
    assert settings.connection() == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "duijie",
        "sasl_plain_password": "open sesame",
    }
    assert "sesame" not in repr(settings)


@pytest.mark.parametrize(("name", "value"), [("PORT", "65536"), ("PORT", "x"), ("LOG_LEVEL", "LOUD")])
def test_a_setting_that_can_not_be_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"DUIJIE_{name}", value)
    with pytest.raises(ValueError, match=name.lower()):
        ProcessSettings()
