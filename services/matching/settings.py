"""What the matching service is told from outside."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class MatchingSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DUIJIE_MATCHING_", extra="ignore")

    solvers: int = Field(2, ge=1)
    """How many processes solve rounds."""
