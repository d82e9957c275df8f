"""What a parcel's scans say about it. Pure, and a function of their set: neither order nor repetition counts."""

from enum import IntFlag
from typing import Final, Literal, get_args

from contracts.parcels import ParcelStatus

ScanType = Literal["accepted", "in_transit", "delivered", "returned", "lost"]


class Seen(IntFlag):
    """What is known of a parcel. `EXPIRED` is no scan: nobody had delivered it when its time was over."""

    NOTHING = 0
    ACCEPTED = 1
    IN_TRANSIT = 2
    DELIVERED = 4
    RETURNED = 8
    LOST = 16
    EXPIRED = 32


SEEN_BY_SCAN: Final[dict[ScanType, Seen]] = {
    "accepted": Seen.ACCEPTED,
    "in_transit": Seen.IN_TRANSIT,
    "delivered": Seen.DELIVERED,
    "returned": Seen.RETURNED,
    "lost": Seen.LOST,
}

# What weighs more comes first: what was returned went back even if it had been delivered, and what was delivered is
# not lost, whoever missed it on the way.
STATUS_BY_WEIGHT: Final[tuple[tuple[Seen, ParcelStatus], ...]] = (
    (Seen.RETURNED, "returned"),
    (Seen.DELIVERED, "delivered"),
    (Seen.LOST, "lost"),
    (Seen.EXPIRED, "void"),
    (Seen.IN_TRANSIT, "in_transit"),
    (Seen.ACCEPTED, "accepted"),
)

ENDS: Final = Seen.DELIVERED | Seen.RETURNED | Seen.EXPIRED
"""After one of these there is no deadline to wait for; a lost parcel may still be found."""


def status_of(seen: Seen) -> ParcelStatus:
    if not seen:
        return "registered"
    return next((status for mark, status in STATUS_BY_WEIGHT if mark & seen), "registered")


def subsidy_due(seen: Seen) -> Literal["reserved", "posted", "voided", "reversed"]:
    """What has to become of a subsidy that was reserved for the parcel."""
    if Seen.EXPIRED & seen:
        return "voided"
    if Seen.DELIVERED & seen:
        return "reversed" if Seen.RETURNED & seen else "posted"
    return "voided" if (Seen.RETURNED | Seen.LOST) & seen else "reserved"


SEEN_BY_STATUS: Final[dict[ParcelStatus, list[int]]] = {
    status: [seen for seen in range(2 * max(Seen)) if status_of(Seen(seen)) == status]
    for status in get_args(ParcelStatus)
}
"""By status, everything that may be known of a parcel that has it."""
