"""What the matching service is told from outside."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class MatchingSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DUIJIE_MATCHING_", extra="ignore")

    database_pool: int = Field(10, ge=3)
    """How many connections are kept; as many again are opened under load, so 6 at least: four rounds and the relay hold
    one each for their locks, and they need another to get on."""
    solvers: int = Field(2, ge=1)
    """How many processes solve rounds."""
