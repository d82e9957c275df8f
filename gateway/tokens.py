"""Access tokens: Ed25519 JWTs that `chassis.auth` verifies. They name an account and its role, never a person."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chassis.auth import ALGORITHM, AUDIENCE, ISSUER, OPERATOR
from contracts.accounts import Role


@dataclass(frozen=True, slots=True)
class Lives:
    """How long what one signs in for lasts: an access token, and the session that renews it."""

    access: timedelta
    idle: timedelta
    """A session that is not used for so long ends."""
    whole: timedelta
    """However much it is used, a session ends after this."""


FOR_PEOPLE = Lives(timedelta(minutes=15), timedelta(days=30), timedelta(days=90))
FOR_MACHINES = Lives(timedelta(hours=1), timedelta(days=1), timedelta(days=7))


@dataclass(frozen=True, slots=True)
class Ring:
    """The private key that signs, and further keys that only verify: the next one, and those that signed before."""

    signing: Ed25519PrivateKey
    verifying: tuple[Ed25519PublicKey, ...] = ()

    @classmethod
    def of(cls, signing_pem: str, verifying_pems: str = "") -> Self:
        """Of PEMs; those that verify stand one after the other, private or public.

        Raises ValueError for anything but Ed25519 keys.
        """
        key = serialization.load_pem_private_key(signing_pem.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the signing key must be an Ed25519 private key")
        return cls(key, tuple(_public(pem) for pem in PEM.findall(verifying_pems)))

    def jwks(self) -> dict[str, Any]:
        """The JWK set (RFC 7517, RFC 8037): what verifies, the key that signs first, and each once."""
        keys = {jwk["kid"]: jwk for jwk in map(_jwk, (self.signing.public_key(), *self.verifying))}
        return {"keys": list(keys.values())}


PEM = re.compile("-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)


class Signer:
    """Signs with one key of a ring, and publishes the public half of all. The ring is read again at each use."""

    def __init__(self, ring: Callable[[], Ring]) -> None:
        self._ring = ring

    @classmethod
    def from_pem(cls, signing_pem: str, verifying_pems: str = "") -> Self:
        """Of keys that stay as they are. Raises ValueError for anything but Ed25519 keys."""
        ring = Ring.of(signing_pem, verifying_pems)
        return cls(lambda: ring)

    @property
    def kid(self) -> str:
        """The id of the key that signs now."""
        return str(_jwk(self._ring().signing.public_key())["kid"])

    def jwks(self) -> dict[str, Any]:
        return self._ring().jwks()

    def sign(self, account_id: UUID, role: Role, ttl: timedelta, session_id: UUID | None = None) -> str:
        """A token for that account, good for `ttl` from now, of that session; without one it is the operator's."""
        now, key = datetime.now(UTC), self._ring().signing
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account_id),
            "role": role,
            "iat": now,
            "exp": now + ttl,
            **({"by": OPERATOR} if session_id is None else {"sid": str(session_id)}),
        }
        return jwt.encode(claims, key, ALGORITHM, headers={"kid": _jwk(key.public_key())["kid"]})


def new_signing_key() -> str:
    """A fresh private key, PEM."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def _public(pem: str) -> Ed25519PublicKey:
    """Raises ValueError for anything but an Ed25519 key."""
    key: object
    if "PRIVATE" in pem.partition("\n")[0]:
        key = serialization.load_pem_private_key(pem.encode(), password=None).public_key()
    else:
        key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a key that verifies must be an Ed25519 key")
    return key


def _jwk(key: Ed25519PublicKey) -> dict[str, str]:
    public = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    required = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}
    return {**required, "kid": _thumbprint(required), "alg": ALGORITHM, "use": "sig"}


def _thumbprint(jwk: dict[str, str]) -> str:
    """RFC 7638: SHA-256 of the required members in order of their names, without blanks."""
    return _base64url(hashlib.sha256(json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
