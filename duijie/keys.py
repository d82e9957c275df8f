"""The keys that a data folder's platform signs access tokens with, and what becomes of them when one is changed.

A platform that runs reads them again when their files change: who rotates need not stop it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from duijie.datafolder import DataFolder, write_atomically
from gateway.tokens import Ring, new_signing_key

SIGNING = "signing-key"
BEFORE = "previous-signing-keys.json"


@dataclass(frozen=True, slots=True)
class Previous:
    """The public half of a key that signed before, PEM, and until when its tokens are good."""

    pem: str
    until: datetime


class KeptKeys:
    """The ring of a data folder. Calling it gives the present one."""

    def __init__(self, folder: DataFolder) -> None:
        folder.secret(SIGNING, new_signing_key)
        self._signing = folder.path / "secrets" / SIGNING
        self._before = folder.path / "secrets" / BEFORE
        self._state: tuple[int, int] | None = None
        self._ring: Ring | None = None
        self._good_until = datetime.now(UTC)

    def __call__(self) -> Ring:
        """Raises ValueError for what is no key."""
        state = (_changed_ns(self._signing), _changed_ns(self._before))
        now = datetime.now(UTC)
        if self._ring is None or state != self._state or now >= self._good_until:
            good = [each for each in self._read() if each.until > now]
            self._ring = Ring.of(self._signing.read_text("utf-8"), "\n".join(each.pem for each in good))
            self._state = state
            self._good_until = min((each.until for each in good), default=datetime.max.replace(tzinfo=UTC))
        return self._ring

    def rotate(self, keep: timedelta) -> Ring:
        """Sign with a new key from here on; tokens of the one that signed until now are good for `keep`.

        With no time at all nothing is good that was signed before, not by any older key either.
        """
        now, old = datetime.now(UTC), self()
        before = [*self._read(), Previous(_public_pem(old), now + keep)] if keep else []
        # these first: killed in between, the folder has a key that stands in both, and signs on
        rows = [{"pem": each.pem, "until": each.until.isoformat()} for each in before if each.until > now]
        write_atomically(self._before, json.dumps(rows, indent=2) + "\n")
        write_atomically(self._signing, new_signing_key())
        return self()

    def _read(self) -> list[Previous]:
        try:
            rows = json.loads(self._before.read_text("utf-8"))
        except FileNotFoundError:
            return []
        return [Previous(row["pem"], datetime.fromisoformat(row["until"])) for row in rows]


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _public_pem(ring: Ring) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return ring.signing.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
