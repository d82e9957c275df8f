"""What the gateway is told from outside."""

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


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
