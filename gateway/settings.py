"""What the gateway is told from outside."""

from datetime import timedelta
from typing import Literal

from limits.errors import ConfigurationError
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.settings import ServiceSettings
from gateway.buckets import LocalBuckets, shared_buckets
from gateway.limits import WRITES, Limits
from gateway.origins import Proxies
from gateway.tokens import Lives

DAY_S = 24 * 3600
CONSOLE = "console"


class GatewaySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DUIJIE_GATEWAY_", extra="ignore")

    signing_key: SecretStr
    """The Ed25519 private key of the access tokens, PEM (PKCS 8)."""
    verifying_keys: SecretStr = SecretStr("")
    """Further keys whose tokens are good, PEM, public or private: the next one before it signs, the last one after."""
    personal_data_key: SecretStr
    """32 random bytes in base64, under which names and phones are kept; lost, they are lost."""
    listing_url: str
    matching_url: str
    logistics_url: str
    sms_url: str = Field("", pattern=rf"^(https?://.+|{CONSOLE})?$")
    """Where codes are posted to be sent by SMS; `console` prints them, for trials. The API does not start without."""
    sms_token: SecretStr = SecretStr("")
    """What that provider knows us by, sent as a bearer token."""
    client_token_ttl_s: int = Field(3600, ge=1)
    person_token_ttl_s: int = Field(15 * 60, ge=1)
    client_session_idle_s: int = Field(DAY_S, ge=1)
    """A session that renews no token for so long ends."""
    person_session_idle_s: int = Field(30 * DAY_S, ge=1)
    client_session_max_s: int = Field(7 * DAY_S, ge=1)
    """However much it is used, a session ends after this."""
    person_session_max_s: int = Field(90 * DAY_S, ge=1)

    def for_people(self) -> Lives:
        return _lives(self.person_token_ttl_s, self.person_session_idle_s, self.person_session_max_s)

    def for_machines(self) -> Lives:
        return _lives(self.client_token_ttl_s, self.client_session_idle_s, self.client_session_max_s)


class EdgeSettings(BaseSettings):
    """What stands before the gateway and who may ask how often, as DUIJIE_RATE_LIMITS and so on; standalone's too."""

    model_config = SettingsConfigDict(env_prefix="DUIJIE_", extra="ignore")

    rate_limits: Literal["on", "off"] = "on"
    rate_limits_store: SecretStr = SecretStr("")
    """Where every gateway counts together, as the package `limits` names it; in each process's memory when empty."""
    trusted_proxies: str = ""
    """Networks whose `X-Forwarded-For` and `-Proto` are believed: `10.0.0.0/8, fd00::/8`."""

    @field_validator("rate_limits_store")
    @classmethod
    def _is_there(cls, store: SecretStr) -> SecretStr:
        if url := store.get_secret_value():
            try:
                shared_buckets(url)(WRITES)
            except (ConfigurationError, ValueError) as error:
                raise ValueError("names no store that can be used, see the documentation of limits") from error
        return store

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, networks: str) -> str:
        Proxies.named(networks)
        return networks

    def proxies(self) -> Proxies:
        return Proxies.named(self.trusted_proxies)

    def limits(self) -> Limits | None:
        if self.rate_limits == "off":
            return None
        store = self.rate_limits_store.get_secret_value()
        return shared_buckets(store) if store else LocalBuckets


def _lives(*seconds: int) -> Lives:
    return Lives(*(timedelta(seconds=each) for each in seconds))
