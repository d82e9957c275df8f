"""What a courier programme does, said again in the plainest way: sets and sums, no ledger, no database, no hurry."""

from dataclasses import dataclass, field
from typing import Literal

Subsidy = Literal["none", "reserved", "posted", "voided", "reversed", "fund_exhausted", "not_eligible"]


@dataclass(slots=True)
class Parcel:
    order_ref: str | None
    rate_fen: int | None  # what the rules of its moment pay; None: nothing was active then
    seen: set[str] = field(default_factory=set)
    subsidy: Subsidy = "none"
    amount_fen: int = 0
    statement: int | None = None
    is_paid: bool = False
    claimed_back: bool = False


@dataclass(slots=True)
class Model:
    """One programme, one carrier, one buyer."""

    available_fen: int
    rate_fen: int
    budget_fen: int = 0
    is_paused: bool = False
    paid_fen: int = 0
    parcels: dict[str, Parcel] = field(default_factory=dict)
    statements: list[list[str]] = field(default_factory=list)
    paid_statements: set[int] = field(default_factory=set)
    to_recover_fen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.budget_fen = self.available_fen

    # What officers do

    def top_up(self, fen: int) -> None:
        self.available_fen += fen
        self.budget_fen += fen

    def freeze(self) -> tuple[int, int]:
        """How many lines, and their fen."""
        lines = [name for name, each in self.parcels.items() if each.subsidy == "posted" and each.statement is None]
        for name in lines:
            self.parcels[name].statement = len(self.statements)
        self.statements += [lines] if lines else []
        return len(lines), sum(self.parcels[name].amount_fen for name in lines)

    def pay(self, statement: int) -> tuple[int, int] | None:
        """What was owed and what was kept of it; None where there is nothing to pay."""
        lines = [self.parcels[name] for name in self.statements[statement]]
        owed = [each for each in lines if each.subsidy == "posted"]
        owed_fen = sum(each.amount_fen for each in owed)
        if not owed_fen:
            return None
        for each in owed:
            each.is_paid = True
        self.paid_statements.add(statement)
        kept_fen = 0
        for place, left_fen in enumerate(self.to_recover_fen):
            part_fen = min(left_fen, owed_fen - kept_fen)
            self.to_recover_fen[place] -= part_fen
            kept_fen += part_fen
        self.paid_fen += owed_fen - kept_fen
        self.available_fen += kept_fen
        return owed_fen, kept_fen

    def claim_back(self) -> int:
        """All that came back after it was paid, upheld; its fen."""
        back = [
            each for each in self.parcels.values() if each.is_paid and "returned" in each.seen and not each.claimed_back
        ]
        for each in back:
            each.claimed_back = True
        fen = sum(each.amount_fen for each in back)
        if back:
            self.to_recover_fen.append(fen)
        return fen

    # What the carrier does

    def register(self, name: str, order_ref: str | None) -> Subsidy:
        if name in self.parcels:
            return self.parcels[name].subsidy
        parcel = self.parcels[name] = Parcel(order_ref, None if self.is_paused else self.rate_fen)
        if parcel.rate_fen is not None:
            if self._has_its_subsidy(order_ref):
                parcel.subsidy = "not_eligible"
            else:
                self._reserve(parcel)
        return parcel.subsidy

    def scan(self, name: str, kind: str) -> None:
        parcel = self.parcels[name]
        before, known = self._due(parcel.seen), set(parcel.seen)
        parcel.seen.add(kind)
        due = self._due(parcel.seen)
        if parcel.seen == known or (parcel.is_paid and due == "reversed"):
            return
        match parcel.subsidy, due:
            case "reserved", "posted":
                parcel.subsidy = "posted"
            case "reserved", "voided":
                parcel.subsidy = "voided"
                self.available_fen += parcel.amount_fen
            case "reserved" | "posted", "reversed":
                parcel.subsidy = "reversed"
                self.available_fen += parcel.amount_fen
            case "voided", "posted" | "reversed" if before != due:
                self._once_more(parcel, due)
            case "fund_exhausted", "posted" if before != due and not self._has_its_subsidy(parcel.order_ref):
                self._reserve(parcel)
                parcel.subsidy = "posted" if parcel.subsidy == "reserved" else parcel.subsidy

    def _once_more(self, parcel: Parcel, due: Subsidy) -> None:
        """It was given up, and had been delivered after all."""
        if parcel.amount_fen > self.available_fen or self._has_its_subsidy(parcel.order_ref):
            return
        parcel.subsidy = due
        if due == "posted":
            self.available_fen -= parcel.amount_fen

    def _reserve(self, parcel: Parcel) -> None:
        assert parcel.rate_fen is not None
        if parcel.rate_fen > self.available_fen:
            parcel.subsidy = "fund_exhausted"
        else:
            parcel.subsidy, parcel.amount_fen = "reserved", parcel.rate_fen
            self.available_fen -= parcel.rate_fen

    def _has_its_subsidy(self, order_ref: str | None) -> bool:
        return order_ref is not None and any(
            each.order_ref == order_ref and each.subsidy in {"reserved", "posted"} for each in self.parcels.values()
        )

    @staticmethod
    def _due(seen: set[str]) -> Subsidy:
        if "delivered" in seen:
            return "reversed" if "returned" in seen else "posted"
        return "voided" if seen & {"returned", "lost"} else "reserved"

    # What is seen

    def money(self) -> dict[str, int]:
        held = {status: self._fen(status) for status in ("reserved", "posted")}
        paid_posted = sum(each.amount_fen for each in self.parcels.values() if each.is_paid)
        return {
            "budget_fen": self.budget_fen,
            "available_fen": self.available_fen,
            "reserved_fen": held["reserved"],
            "posted_fen": held["posted"] - paid_posted,
            "paid_fen": self.paid_fen,
        }

    def counts(self) -> dict[str, int]:
        found = {status: self._count(status) for status in ("reserved", "posted", "voided", "reversed")}
        return found | {"refused": self._count("fund_exhausted") + self._count("not_eligible")}

    def _fen(self, status: Subsidy) -> int:
        return sum(each.amount_fen for each in self.parcels.values() if each.subsidy == status)

    def _count(self, status: Subsidy) -> int:
        return sum(each.subsidy == status for each in self.parcels.values())
