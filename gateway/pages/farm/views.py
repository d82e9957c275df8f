"""A farmer's lots, matches and reasons as the templates show them: the API's JSON, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.problems import Language
from gateway.pages.names import place_name, produce_name
from gateway.pages.shown import URGENT_H

S_PER_H = 3600
KG_DECIMALS = 3
LATE_S = 15
"""A round comes within seconds: who has waited longer waits for rounds that are stopped, or busy."""
BADGES: Mapping[str, tuple[str, str]] = {
    "open": ("good", "farm.status.open"),
    "sold_out": ("good", "farm.status.sold_out"),
    "withdrawn": ("", "farm.status.withdrawn"),
    "expired": ("alarm", "farm.status.expired"),
    "proposed": ("soon", "farm.match.proposed"),
    "agreed": ("good", "farm.match.agreed"),
    "fulfilled": ("good", "farm.match.fulfilled"),
    "released": ("", "farm.match.released"),
}
"""How a lot's or a match's status is shown: the badge's class and the name of its text."""


@dataclass(frozen=True, slots=True)
class Lot:
    """One lot of the reader's, or of whom they write for. Times are RFC 3339 text, as filters take it."""

    id: str
    producer_id: str
    version: int
    status: str
    on_market: bool
    name: str
    variety: str
    grade: str
    quantity_kg: float
    remaining_kg: float
    held_kg: float
    sold_kg: float
    floor_fen_per_kg: int
    place: str
    village: str
    harvested_at: str
    available_until: str | None
    best_before: str | None
    spoils_at: str
    life_source: str
    temperature_class: str
    households: int | None
    story: str
    divisible: bool
    auto_agree: bool
    photos: Sequence[str]
    """Their addresses among the farmer's pages."""
    hours_left: float
    created_at: str
    is_new: bool
    """So new that no round need have seen it."""
    awaits_buyers: bool = False
    """Whether nothing of what is held waits for its producer's answer."""

    @classmethod
    def of(cls, item: Mapping[str, Any], language: Language, now: datetime) -> "Lot":
        """As it stands `now`."""
        return cls(
            id=item["id"],
            producer_id=item["producer_id"],
            version=item["version"],
            status=item["status"],
            on_market=item["on_market"],
            name=produce_name(item["produce"], language),
            variety=item["variety"] or "",
            grade=item["grade"],
            quantity_kg=item["quantity_kg"],
            remaining_kg=min(item["remaining_kg"], _unsold_kg(item)),
            held_kg=item["held_kg"],
            sold_kg=item["agreed_kg"],
            floor_fen_per_kg=item["min_price_fen_per_kg"],
            place=place_name(item["origin"]["adcode"]),
            village=item["origin"]["village"] or "",
            harvested_at=item["harvested_at"],
            available_until=item["available_until"],
            best_before=item["best_before"],
            spoils_at=item["spoils_at"],
            life_source=item["shelf_life_source"],
            temperature_class=item["temperature_class"],
            households=item["households"],
            story=item["story"] or "",
            divisible=item["divisible"],
            auto_agree=item["auto_agree"],
            photos=[f"/farm{address.removeprefix('/v1')}" for address in item.get("photos", ())],
            hours_left=max(0.0, (datetime.fromisoformat(item["spoils_at"]) - now).total_seconds() / S_PER_H),
            created_at=item["created_at"],
            is_new=(now - datetime.fromisoformat(item["created_at"])).total_seconds() < LATE_S,
        )

    @property
    def is_open(self) -> bool:
        return self.status == "open"

    @property
    def is_urgent(self) -> bool:
        """Whether it is for sale still, and spoils within a day."""
        return self.is_open and self.hours_left <= URGENT_H

    @property
    def badge(self) -> tuple[str, str]:
        """The class of its badge and the name of its text."""
        if self.is_open and not self.on_market:
            return "soon", "farm.status.pending"
        return BADGES[self.status]

    @property
    def next_step(self) -> str:
        """The name of the text that says what to do about it; empty where there is nothing."""
        if not self.is_open:
            return ""
        if not self.on_market:
            return "farm.next.wait" if self.is_new else "farm.next.late"
        if self.held_kg and not self.awaits_buyers:
            return "farm.next.answer"
        if self.remaining_kg:
            return "farm.next.why"
        return "farm.next.buyer" if self.held_kg else ""


def waits_for_producer(match: Mapping[str, Any]) -> bool:
    """Whether the API's match is one that the producer has to answer."""
    return bool(match["status"] == "proposed" and not match["consents"]["producer"])


@dataclass(frozen=True, slots=True)
class Match:
    """A buyer for some of a lot."""

    id: str
    listing_id: str
    producer_id: str
    name: str
    status: str
    kg: float
    price_fen_per_kg: int
    amount_fen: int
    destination: str
    distance_km: float
    arrives_at: str
    agree_by: str | None
    waits: bool
    """For the producer's yes or no."""
    words: str

    @classmethod
    def of(cls, item: Mapping[str, Any], language: Language) -> "Match":
        return cls(
            id=item["id"],
            listing_id=item["listing_id"],
            producer_id=item["producer_id"],
            name=produce_name(item["produce"], language),
            status=item["status"],
            kg=item["quantity_kg"],
            price_fen_per_kg=item["price_fen_per_kg"],
            amount_fen=item["amount_fen"],
            destination=place_name(item["destination"]["adcode"]),
            distance_km=item["distance_km"],
            arrives_at=item["arrives_at"],
            agree_by=item["agree_by"],
            waits=waits_for_producer(item),
            words=item["words"] or "",
        )

    @property
    def badge(self) -> tuple[str, str]:
        """The class of its badge and the name of its text."""
        if self.status == "proposed" and not self.waits:
            return "soon", "farm.match.buyer"
        return BADGES[self.status]


@dataclass(frozen=True, slots=True)
class Price:
    """What a produce goes for at the farm gate; from fewer than five matches nothing is known."""

    produce: str
    lower_fen_per_kg: int
    median_fen_per_kg: int
    upper_fen_per_kg: int

    @classmethod
    def known(cls, said: Mapping[str, Any]) -> "dict[str, Price]":
        """By produce."""
        return {
            each["produce"]: cls(
                each["produce"], each["lower_fen_per_kg"], each["median_fen_per_kg"], each["upper_fen_per_kg"]
            )
            for each in said["items"]
            if each["median_fen_per_kg"] is not None
        }


def _unsold_kg(item: Mapping[str, Any]) -> float:
    """What can remain of a lot at most: matching hears a moment later that there is less of it."""
    unsold_kg: float = item["quantity_kg"] - item["held_kg"] - item["agreed_kg"]
    return max(0.0, round(unsold_kg, KG_DECIMALS))


def lots_of(said: Mapping[str, Any], language: Language) -> list[Lot]:
    """Those of a page of `/v1/listings`, in its order."""
    now = datetime.now(UTC)
    return [Lot.of(each, language, now) for each in said["items"]]
