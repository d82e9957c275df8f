"""Access tokens: Ed25519 JWTs that `chassis.auth` verifies. They name an account and its role, never a person."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.auth import ALGORITHM, AUDIENCE, ISSUER
from contracts.accounts import Role


class Signer:
    """The one private key that signs, and its public half for everyone."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self._jwk = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}
        self.kid = _thumbprint(self._jwk)

    @classmethod
    def from_pem(cls, pem: str) -> Self:
        """Raises ValueError for anything but an Ed25519 private key."""
        key = serialization.load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the signing key must be an Ed25519 private key")
        return cls(key)

    def jwks(self) -> dict[str, Any]:
        """The JWK set (RFC 7517, RFC 8037) that verifies what this signs."""
        return {"keys": [{**self._jwk, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}]}

    def sign(self, account_id: UUID, role: Role, ttl: timedelta) -> str:
        """A token for that account, good for `ttl` from now."""
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account_id),
            "role": role,
            "iat": now,
            "exp": now + ttl,
        }
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": self.kid})


def new_signing_key() -> str:
    """A fresh private key, PEM."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def _thumbprint(jwk: dict[str, str]) -> str:
    """RFC 7638: SHA-256 of the required members in order of their names, without blanks."""
    return _base64url(hashlib.sha256(json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
