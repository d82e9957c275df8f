"""Rules to try on the past, as a file holds them."""

from chassis.fields import AmountFen, RequestModel
from contracts.programmes import ProgrammeKind
from services.logistics.programmes.schemas import CapsIn, Eligibility, RateFen
from services.logistics.subsidy.eligibility import Caps, Conditions, Rule


class OtherRules(RequestModel):
    """What `POST /v1/programmes` takes of them. Without a budget there is no end to the money."""

    kind: ProgrammeKind
    rate_fen: RateFen
    budget_fen: AmountFen | None = None
    eligibility: Eligibility | None = None
    caps: CapsIn | None = None

    def rule(self) -> Rule:
        wanted, caps = self.eligibility or Eligibility(), self.caps or CapsIn()
        return Rule(
            version=1,
            kind=self.kind,
            rate_fen=self.rate_fen,
            conditions=Conditions(
                wanted.poverty_832,
                wanted.watch_52,
                frozenset(wanted.adcodes or ()),
                frozenset(wanted.produce or ()),
            ),
            caps=Caps(caps.per_producer_per_day, caps.per_carrier_per_day),
        )
