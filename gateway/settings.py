"""What the gateway is told from outside."""

from typing import Literal

from limits.errors import ConfigurationError
from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.settings import ServiceSettings
from gateway.addresses import Proxies
from gateway.buckets import LocalBuckets, shared_buckets
from gateway.limits import WRITES, Limits


class GatewaySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DUIJIE_GATEWAY_", extra="ignore")

    signing_key: SecretStr
    """The Ed25519 private key of the access tokens, PEM (PKCS 8)."""
    personal_data_key: SecretStr
    """32 random bytes in base64, under which names and phones are kept; lost, they are lost."""
    listing_url: str
    matching_url: str
    logistics_url: str
    client_token_ttl_s: int = 3600
    person_token_ttl_s: int = 12 * 3600


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
