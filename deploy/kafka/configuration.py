"""What a broker is told: `broker.properties` (kafka.apache.org, Broker Configs)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.ports import LOOPBACK

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
SASL_MODULES = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class Security:
    """Two further listeners: one by TLS with certificates on both sides, one by TLS and SASL with passwords."""

    keystore: Path
    """The broker's key (PKCS #8) and its certificate, PEM."""
    authority: Path
    """Who vouches for the clients, PEM."""
    users: Mapping[str, str]
    """Passwords by names, the same for PLAIN and SCRAM."""
    tls_port: int
    sasl_port: int

    def listeners(self) -> dict[str, int]:
        return {"SSL": self.tls_port, "SASL_SSL": self.sasl_port}

    def settings(self) -> dict[str, str]:
        users = " ".join(f'user_{name}="{password}"' for name, password in self.users.items())
        scram = f"{SASL_MODULES}.scram.ScramLoginModule required;"
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.keystore),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority),
            "listener.name.ssl.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            "listener.name.sasl_ssl.plain.sasl.jaas.config": f"{SASL_MODULES}.plain.PlainLoginModule required {users};",
            "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": scram,
        }

    def formatting(self) -> list[str]:
        """SCRAM's users are part of the cluster's first metadata."""
        return [
            f"--add-scram={mechanism}=[name={name},password={password}]"
            for mechanism in MECHANISMS[1:]
            for name, password in self.users.items()
        ]


@dataclass(frozen=True, slots=True)
class Node:
    """One broker and controller of a quorum."""

    id: int
    controllers: Mapping[int, int]
    """The controllers' ports by the ids of their nodes."""
    port: int
    internal_port: int
    """Where the other brokers read from it, whatever stands between it and its clients."""
    doors: Mapping[int, int]
    """Further plain listeners: where each listens, and the port that is told to who comes in by it."""


def broker_settings(node: Node, log: Path, security: Security | None) -> dict[str, str]:
    copies = min(3, len(node.controllers))
    in_sync = 2 if copies == 3 else 1
    secured = security.listeners() if security else {}
    open_ports = {"PLAINTEXT": node.port, "INTERNAL": node.internal_port, **secured}
    doors = {f"DOOR{number}": ports for number, ports in enumerate(node.doors.items(), 1)}
    listening = {
        **open_ports,
        "CONTROLLER": node.controllers[node.id],
        **{name: port for name, (port, _) in doors.items()},
    }
    advertised = {**open_ports, **{name: told for name, (_, told) in doors.items()}}
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.id),
        "controller.quorum.voters": ",".join(f"{id_}@{LOOPBACK}:{port}" for id_, port in node.controllers.items()),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "INTERNAL",
        "listeners": _addresses(listening),
        "advertised.listeners": _addresses(advertised),
        "listener.security.protocol.map": ",".join(
            f"{name}:{name if name in secured else 'PLAINTEXT'}" for name in listening
        ),
        "log.dirs": str(log),
        # A misspelt topic should be an error, as on a production cluster.
        "auto.create.topics.enable": "false",
        "num.partitions": "2",
        "default.replication.factor": str(copies),
        "min.insync.replicas": str(in_sync),
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": str(copies),
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": str(in_sync),
        # A single developer's consumer should not wait 3 s for others to join its group.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # A killed broker may register again when its last session has run out: 9 s, if not told otherwise.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        **(security.settings() if security else {}),
    }


def rendered(settings: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _addresses(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in ports.items())
