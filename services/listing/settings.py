"""What the listing service is told from outside."""

from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class ListingSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DUIJIE_LISTING_", extra="ignore")
