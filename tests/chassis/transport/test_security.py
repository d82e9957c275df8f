"""Kafka by TLS and SASL, on a real broker, with the settings that a process is given."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from chassis.settings import KafkaSettings
from chassis.transport.base import TransportUnavailable
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import ensure_topics
from deploy.kafka.broker import Broker
from deploy.kafka.configuration import Security
from deploy.ports import stable_port
from tests.support.certificates import Authority
from tests.support.events import records, take
from tests.support.kafka import start_or_skip
from tests.support.postgres import temporary_folder

USER, PASSWORD = "duijie", "correct-horse=battery"


@dataclass(frozen=True)
class Secured:
    """A broker with a listener for each kind of security, and what its clients need."""

    broker: Broker
    security: Security
    certificate: Path
    key: Path

    def settings(self, protocol: str, **more: Any) -> KafkaSettings:
        port = self.security.tls_port if protocol == "SSL" else self.security.sasl_port
        return KafkaSettings(
            bootstrap=f"127.0.0.1:{port}",
            security_protocol=protocol,
            **{"ca_file": self.security.authority, "timeout_s": 5.0} | more,
        )


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    with temporary_folder() as folder:
        authority = Authority(folder)
        certificate, key = authority.issue("broker")
        keystore = folder / "broker-keystore.pem"
        keystore.write_bytes(key.read_bytes() + certificate.read_bytes())
        security = Security(keystore, authority.certificate, {USER: PASSWORD}, stable_port(), stable_port())
        broker = Broker(folder / "kafka", security=security)
        try:
            start_or_skip(broker)
            yield Secured(broker, security, *authority.issue("client"))
        finally:
            broker.stop()


async def round_trip(settings: KafkaSettings) -> None:
    topic = f"test.{uuid4().hex}.v1"
    await ensure_topics(settings.bootstrap, {topic: 2}, connection=settings.connection())
    sent = records(topic, "a", "b")
    async with transport(settings) as through:
        await through.publish(sent)
        taken = await take(through, "matching", [topic], 2)
    assert sorted(taken, key=lambda record: record.key) == sent


def transport(settings: KafkaSettings) -> KafkaTransport:
    return KafkaTransport(settings.bootstrap, timeout_s=settings.timeout_s, connection=settings.connection())


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_events_go_through_tls_with_a_password(secured: Secured, mechanism: str) -> None:
    signing_in = {"sasl_mechanism": mechanism, "username": USER, "password": SecretStr(PASSWORD)}
    await round_trip(secured.settings("SASL_SSL", **signing_in))


async def test_events_go_through_tls_with_a_certificate(secured: Secured) -> None:
    await round_trip(secured.settings("SSL", certificate_file=secured.certificate, key_file=secured.key))


async def refusals(settings: KafkaSettings) -> list[str]:
    """What publishing, reading and making topics say."""
    said = []
    async with transport(settings) as through, asyncio.timeout(20):
        with pytest.raises(TransportUnavailable) as refused:
            await through.publish(records("test.v1", "a"))
        said.append(str(refused.value))
        with pytest.raises(TransportUnavailable) as refused:
            await take(through, "matching", ["test.v1"], 1)
        said.append(str(refused.value))
        with pytest.raises(TransportUnavailable) as refused:
            await ensure_topics(settings.bootstrap, {"test.v1": 1}, connection=settings.connection())
        said.append(str(refused.value))
    return said


async def test_a_wrong_password_is_said_in_plain_words_and_not_repeated(secured: Secured) -> None:
    signing_in = {"username": USER, "password": SecretStr("wrong-password")}
    for said in await refusals(secured.settings("SASL_SSL", **signing_in)):
        assert "refused the user name or the password" in said
        assert "wrong-password" not in said


async def test_a_broker_that_nobody_vouches_for_is_not_talked_to(secured: Secured, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    for said in await refusals(secured.settings("SSL", ca_file=stranger.certificate)):
        assert "CERTIFICATE_VERIFY_FAILED" in said


async def test_whoever_shows_no_certificate_is_refused(secured: Secured) -> None:
    for said in await refusals(secured.settings("SSL")):
        assert "Kafka" in said
