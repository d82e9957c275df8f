"""What the logistics service is told from outside."""

from typing import Literal, Self

from pydantic import AnyHttpUrl, Field, model_validator
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class LogisticsSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DUIJIE_LOGISTICS_", extra="ignore")

    planners: int = Field(1, ge=1)
    """How many routes are planned at once, each in a process of its own."""
    roads: Literal["osrm", "valhalla"] | None = None
    """Whose tables of roads plans go by; by great circle without."""
    roads_url: AnyHttpUrl | None = None
    """Where that server answers."""

    @model_validator(mode="after")
    def _roads_are_whole(self) -> Self:
        if (self.roads is None) != (self.roads_url is None):
            raise ValueError("roads and roads_url come together")
        return self
