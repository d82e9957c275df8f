"""What the logistics service is told from outside."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class LogisticsSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DUIJIE_LOGISTICS_", extra="ignore")

    planners: int = Field(1, ge=1)
    """How many routes are planned at once, each in a process of its own."""
