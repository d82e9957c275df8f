"""What was acknowledged to the load, and what it saw meanwhile: the oracles' other witness beside the databases."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.faults.kit.findings import Findings

Feed = Literal["matches", "shipments", "shipments/open"]


@dataclass(slots=True)
class Journal:
    """Everything the callers were told with a 2xx."""

    listings: dict[str, dict[str, Any]] = field(default_factory=dict)
    patched: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Listings as the last acknowledged change left them."""
    withdrawn: set[str] = field(default_factory=set)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    agreed: set[tuple[str, str]] = field(default_factory=set)
    """Match, account."""
    declined: set[str] = field(default_factory=set)
    claims: dict[str, str] = field(default_factory=dict)
    """Shipment, carrier."""
    delivered_shipments: set[str] = field(default_factory=set)
    parcels: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By waybill as first written: what was sent and what was answered."""
    scans: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By waybill: types."""
    programmes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name: as opened."""
    accounts: set[str] = field(default_factory=set)
    """Whose phones have signed in."""
    perhaps_accounts: int = 0
    """How many more phones may have: nobody was told."""
    feeds: dict[tuple[Feed, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """By feed (`/v1/feed/…`) and account: the items of all pages, joined."""
    findings: Findings = field(default_factory=Findings)
    """What was seen while it ran."""

    def seen(self, invariant: str, right: bool, evidence: str) -> None:
        self.findings.seen(invariant, right, evidence)
