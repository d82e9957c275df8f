"""What there is to carry, as a carrier's pages show it, read from the API."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogue.geodesy import great_circle_km
from gateway.pages.names import place_name, produce_name
from gateway.pages.placing import Meant
from gateway.pages.reader import Reader
from gateway.pages.shown import at

CLAIMABLE = ("open", "failed")
"""Anybody may take over what another carrier has failed with."""
OPEN_SHOWN = 50
NEXT: Mapping[str, Sequence[str]] = {"claimed": ("picked_up", "failed"), "picked_up": ("delivered", "failed")}
"""What can be told of a shipment of that status."""

Depots = Sequence[Mapping[str, float]]
"""Points, as the API tells them."""


@dataclass(frozen=True, slots=True)
class Load:
    """A shipment, and the depots from where it may be fetched."""

    said: Mapping[str, Any]
    goods: str
    origin: str
    destination: str
    depots: Depots
    is_own: bool

    @property
    def near_km(self) -> float | None:
        """From the nearest depot to where it is fetched, as the crow flies; None without any."""
        return _nearest_km(self.depots, self.said["origin"])

    @property
    def deliver_by(self) -> str:
        """What is spoilt by then is of no use, however late the buyer would take it."""
        return min(str(self.said["deliver_by"]), str(self.said["spoils_at"]), key=at)

    def is_ready_after(self, instant: str) -> bool:
        """Whether whoever comes at that instant has to wait for it."""
        return at(self.said["ready_at"]) > at(instant)

    @property
    def tellings(self) -> Sequence[str]:
        return NEXT.get(self.said["status"], ()) if self.is_own else ()


async def claimable(reader: Reader, meant: Meant, after: str | None) -> tuple[list[Mapping[str, Any]], str | None]:
    """The newest that the reader may claim, and behind which the next ones come: of two lists one, by their ids.

    Of a place that may be several none: which it is is asked first.
    """
    if meant.why is not None:
        return [], None
    asked = {"adcode": meant.code, "after": after, "limit": OPEN_SHOWN}
    pages = await asyncio.gather(*(reader.api.get("/v1/shipments", status=each, **asked) for each in CLAIMABLE))
    of_status = zip(CLAIMABLE, pages, strict=True)
    found = [each for status, page in of_status for each in page["items"] if each["status"] == status]
    shown = sorted(found, key=lambda each: str(each["id"]), reverse=True)[:OPEN_SHOWN]
    goes_on = len(found) > OPEN_SHOWN or any(page["next"] for page in pages)
    following = str(shown[-1]["id"]) if goes_on and shown else None
    return [each for each in shown if not is_own(reader, each)], following


def loads_of(reader: Reader, items: Sequence[Mapping[str, Any]], depots: Depots = ()) -> list[Load]:
    return [
        Load(
            said=each,
            goods=produce_name(each["produce"], reader.language),
            origin=place_name(each["origin"]["adcode"]),
            destination=place_name(each["destination"]["adcode"]),
            depots=depots,
            is_own=is_own(reader, each),
        )
        for each in items
    ]


def is_own(reader: Reader, said: Mapping[str, Any]) -> bool:
    return reader.caller is not None and said["carrier_id"] == str(reader.caller.account_id)


def _nearest_km(depots: Depots, point: Mapping[str, float]) -> float | None:
    away = (great_circle_km(each["lon"], each["lat"], point["lon"], point["lat"]) for each in depots)
    return min(map(round, away), default=None)
