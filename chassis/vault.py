"""Personal data and secrets at rest: encrypted for reading back, fingerprinted for finding.

AES-256-GCM with a fresh nonce each time; what a ciphertext is about (its row and column) is authenticated with it,
so that it can't be moved to another row. Fingerprints are HMAC-SHA256: a stolen table can't be searched by
trying all numbers without the key.
"""

import base64
import binascii
import hashlib
import hmac
import os
from typing import Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

KEY_B = 32
NONCE_B = 12
FORMAT = b"\x01"  # the first byte of a ciphertext: a later format or key has another


class Vault:
    """Keeps, and finds, under one key what nobody may read in a stolen table."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_B:
            raise ValueError(f"the key of a vault has {KEY_B} bytes")
        self._cipher = AESGCM(_derived(key, b"encryption"))
        self._mac_key = _derived(key, b"fingerprint")

    @classmethod
    def from_base64(cls, key: str) -> Self:
        """Raises ValueError for what is not 32 bytes in base64."""
        try:
            return cls(base64.b64decode(key, validate=True))
        except binascii.Error as error:
            raise ValueError("the key of a vault is not base64") from error

    def seal(self, text: str, about: str) -> bytes:
        nonce = os.urandom(NONCE_B)
        return FORMAT + nonce + self._cipher.encrypt(nonce, text.encode(), about.encode())

    def open(self, sealed: bytes, about: str) -> str:
        """Raises InvalidTag when it was changed, moved, or sealed under another key."""
        nonce, rest = sealed[1 : 1 + NONCE_B], sealed[1 + NONCE_B :]
        return self._cipher.decrypt(nonce, rest, about.encode()).decode()

    def fingerprint(self, kind: str, *parts: str) -> bytes:
        """The same for the same parts of the same kind, and to nobody without the key."""
        # lengths first: ("ab", "c") and ("a", "bc") are two things
        framed = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in (kind, *parts))
        return hmac.new(self._mac_key, framed, hashlib.sha256).digest()


def new_vault_key() -> str:
    """A fresh key, base64."""
    return base64.b64encode(os.urandom(KEY_B)).decode()


def _derived(key: bytes, purpose: bytes) -> bytes:
    # The words are those of the first use, and stay: with others nothing that is stored would open.
    return HKDFExpand(hashes.SHA256(), KEY_B, b"duijie personal data " + purpose).derive(key)
