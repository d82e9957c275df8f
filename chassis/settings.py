"""What a process is told from outside: small, passed in, and without a default for a secret."""

import ssl
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DRIVER = "postgresql+asyncpg://"


class ProcessSettings(BaseSettings):
    """What every process is told, as DUIJIE_HOST and so on."""

    model_config = SettingsConfigDict(env_prefix="DUIJIE_", extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    """Where it answers; 0 takes a free port."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    jwks_url: str = ""
    """Where the gateway publishes its keys; the APIs of the services need it."""


class ServiceSettings(BaseSettings):
    """A service's own, subclassed by each with its `env_prefix`, such as DUIJIE_LISTING_."""

    model_config = SettingsConfigDict(extra="ignore")

    database_url: SecretStr
    """`postgresql+asyncpg://user:password@host/name`"""
    database_pool: int = Field(10, ge=1)
    """How many connections are kept; as many again are opened under load."""

    @field_validator("database_url")
    @classmethod
    def _names_the_driver(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(DRIVER):
            raise ValueError(f"begins with {DRIVER}")
        return url


class KafkaSettings(BaseSettings):
    """How Apache Kafka is reached, as DUIJIE_KAFKA_BOOTSTRAP and so on."""

    model_config = SettingsConfigDict(env_prefix="DUIJIE_KAFKA_", extra="ignore")

    bootstrap: str
    """`host:port`, several with commas."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca_file: Path | None = None
    """Who may vouch for the brokers, PEM; the system's own authorities when none is named."""
    certificate_file: Path | None = None
    """The client's certificate, PEM, where brokers ask for one."""
    key_file: Path | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str = ""
    password: SecretStr = SecretStr("")
    replication: int = Field(-1, ge=-1)
    """How many brokers keep each topic that `duijie topics apply` makes; -1 is the brokers' own default."""
    timeout_s: float = Field(10.0, gt=0)
    session_timeout_s: float = Field(10.0, gt=0)

    @field_validator("replication")
    @classmethod
    def _is_not_0(cls, replication: int) -> int:
        if replication == 0:
            raise ValueError("is -1, or at least 1")
        return replication

    def connection(self) -> dict[str, Any]:
        """aiokafka's settings for TLS and SASL. Raises OSError for a file that can't be read."""
        settings: dict[str, Any] = {"security_protocol": self.security_protocol}
        if self.security_protocol.endswith("SSL"):
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file)
            settings["ssl_context"] = context
        if self.security_protocol.startswith("SASL"):
            settings["sasl_mechanism"] = self.sasl_mechanism
            settings["sasl_plain_username"] = self.username
            settings["sasl_plain_password"] = self.password.get_secret_value()
        return settings
