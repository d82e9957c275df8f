"""Clawbacks as their payee sees them: what is claimed back and why, until when one may object, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gateway.pages.reader import Reader
from gateway.pages.shown import at

CARRIERS, PRODUCERS = "/carrier/settlements/clawbacks", "/farm/clawbacks"
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Clawback:
    """`said` is the API's; of one alone with the subsidies that it is about. `home`: the page of them all."""

    said: Mapping[str, Any]
    home: str

    @property
    def may_object(self) -> bool:
        return bool(self.said["status"] == "noticed" and at(self.said["objection_until"]) > datetime.now(UTC))

    @property
    def left_fen(self) -> int:
        return int(self.said["amount_fen"] - self.said["recovered_fen"])


@dataclass(frozen=True, slots=True)
class Clawbacks:
    """A page of them, the newest first."""

    clawbacks: Sequence[Clawback]
    next: str | None
    home: str


async def read_clawbacks(reader: Reader, after: str | None) -> Clawbacks:
    """Those against the reader. Raises Refused and ServiceUnavailable."""
    found, home = await reader.api.get("/v1/clawbacks", after=after, limit=SHOWN), home_of(reader)
    return Clawbacks([Clawback(each, home) for each in found["items"]], found["next"], home)


async def read_clawback(reader: Reader, clawback_id: UUID) -> Clawback:
    """Raises Refused where there is none against the reader, and ServiceUnavailable."""
    return Clawback(await reader.api.get(f"/v1/clawbacks/{clawback_id}"), home_of(reader))


async def is_noticed(reader: Reader) -> bool:
    """Whether the newest notice to the reader waits for an objection. Raises Refused and ServiceUnavailable."""
    found = await reader.api.get("/v1/clawbacks", status="noticed", limit=1)
    return any(Clawback(each, home_of(reader)).may_object for each in found["items"])


def home_of(reader: Reader) -> str:
    """Where the reader's clawbacks are."""
    return CARRIERS if reader.caller and reader.caller.role == "carrier" else PRODUCERS
