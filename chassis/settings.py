"""What every service is told from outside. Small, passed in, and without a default for a secret."""

from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Subclassed by each service with its own `env_prefix`, such as DUIJIE_LISTING_."""

    model_config = SettingsConfigDict(extra="ignore")

    database_url: SecretStr
    """`postgresql+asyncpg://user:password@host/name`"""
    database_pool: int = 10
    transport: Literal["kafka", "postgres"] = "kafka"
    kafka_bootstrap: str = ""
    transport_url: SecretStr = SecretStr("")
    """The transport's own database, when `transport` is postgres."""
    jwks_url: str = ""
    """Where the gateway publishes its keys."""
