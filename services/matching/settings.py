"""What the matching service is told from outside."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.settings import ServiceSettings


class MatchingSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DUIJIE_MATCHING_", extra="ignore")

    database_pool: int = Field(10, ge=3)
    """How many connections are kept; as many again are opened under load, so 6 at least: four rounds and the relay hold
    one each for their locks, and they need another to get on."""
    solvers: int = Field(2, ge=1)
    """How many processes solve rounds."""
    webhook_key: SecretStr
    """32 random bytes in base64, under which the secrets of webhooks are kept; lost, each has to be rotated."""


class WebhookSettings(BaseSettings):
    """Of the whole house, standalone too, as DUIJIE_ALLOW_PRIVATE_WEBHOOKS."""

    model_config = SettingsConfigDict(env_prefix="DUIJIE_", extra="ignore")

    allow_private_webhooks: bool = False
    """Whether webhooks may lead to addresses inside the house: for trials, where the other side is there, too."""
