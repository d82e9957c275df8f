"""Granting subsidies: which programme pays for a parcel or a match, decided under the locks of all that might.

A desk is opened once in a transaction, after every other lock was taken. It locks the funds it needs in the order of
their ids, judges the claims one after the other against what the ones before them left, and writes it all at its end.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from uuid import UUID

from catalogue import places
from chassis.db import WriteSession
from contracts.programmes import ProgrammeEvent, ProgrammeExhausted, ProgrammeKind
from services.logistics.programmes import queries
from services.logistics.programmes.models import Programme
from services.logistics.subsidy import eligibility
from services.logistics.subsidy import queries as ledger
from services.logistics.subsidy import service as subsidy
from services.logistics.subsidy.eligibility import Facts, Grant, NoGrant, Rule
from services.logistics.subsidy.fund import Fund, Held
from services.logistics.subsidy.queries import CapKey

SHANGHAI = timezone(timedelta(hours=8))  # no summer time since 1991


@dataclass(frozen=True, slots=True)
class Claim:
    """What asks for a subsidy. `moment` is when it was registered (a match: fulfilled): the rules of then count.

    `subject` is the business fact for the ledger. `match_parcels_g` is what the match's parcels before it weigh.
    """

    subject: str
    moment: datetime
    match_id: UUID
    parcel_id: UUID | None
    producer_id: UUID
    carrier_id: UUID | None
    buyer_id: UUID
    order_ref: str | None
    origin_adcode: str
    produce: str
    mass_g: int
    match_mass_g: int
    match_parcels_g: int = 0

    @property
    def order(self) -> tuple[UUID, str] | None:
        return None if self.order_ref is None else (self.buyer_id, self.order_ref)

    @property
    def day(self) -> date:
        return self.moment.astimezone(SHANGHAI).date()

    def held(self, grant: Grant) -> Held:
        return Held(self.subject, grant.amount_fen, grant.rule_version, self.parcel_id, self.match_id)


class Desk:
    """Use `open_desk`, then `ask` and the funds themselves, then `close`."""

    def __init__(
        self,
        kind: ProgrammeKind,
        programmes: Sequence[Programme],
        funds: dict[UUID, Fund],
        orders_taken: set[tuple[UUID, str]],
        used: dict[CapKey, int],
    ) -> None:
        self.funds = funds
        self._kind = kind
        self._programmes = {programme.id: programme for programme in programmes}
        self._orders_taken = orders_taken
        self._used = used
        self._granted: dict[CapKey, int] = defaultdict(int)
        self._rules: dict[tuple[UUID, datetime], Rule] = {}

    def ask(self, claim: Claim) -> Grant | NoGrant:
        """Reserve the claim's subsidy in the first programme that pays for it, or say why none does."""
        active = [each for each in self._programmes.values() if each.active_at(claim.moment)]
        facts = {str(each.id): self._facts(each.id, claim) for each in active}
        verdict = eligibility.choose([self._standing(each, claim.moment) for each in active], facts)
        if isinstance(verdict, Grant):
            if verdict.amount_fen == 0:  # produce support of a match too small to earn one fen
                return NoGrant("none")
            self._reserve(claim, verdict)
        return verdict

    def reserve_again(self, claim: Claim, programme_id: UUID, held: Held) -> bool:
        """Reserve what this programme had reserved for the claim before, by the rule of then; False without money."""
        if held.amount_fen > self.funds[programme_id].available_fen or claim.order in self._orders_taken:
            return False
        self.funds[programme_id].reserve(held)
        self._take_order(claim)
        return True

    async def close(self, session: WriteSession) -> None:
        """Write what was posted, and tell of the programmes that it exhausted."""
        await subsidy.add_cap_usage(session, self._granted)
        for fund in await subsidy.write(session, self.funds.values()):
            session.emit(fact(ProgrammeExhausted, self._programmes[fund.programme_id], fund))

    def _reserve(self, claim: Claim, grant: Grant) -> None:
        programme_id = UUID(grant.programme_id)
        self.funds[programme_id].reserve(claim.held(grant))
        self._take_order(claim)
        more = 1 if self._kind == "courier_parcel" else claim.mass_g
        for key in _cap_keys(programme_id, claim):
            self._granted[key] += more

    def _take_order(self, claim: Claim) -> None:
        if claim.order is not None:
            self._orders_taken.add(claim.order)

    def _standing(self, programme: Programme, moment: datetime) -> eligibility.Programme:
        available_fen = self.funds[programme.id].available_fen
        rule = self._rules.get((programme.id, moment)) or programme.rule_at(moment)
        self._rules[programme.id, moment] = rule  # a request's parcels are of one moment
        return eligibility.Programme(str(programme.id), programme.ends_at, programme.created_at, rule, available_fen)

    def _facts(self, programme_id: UUID, claim: Claim) -> Facts:
        place = places.get(claim.origin_adcode)
        keys = _cap_keys(programme_id, claim) if _has_caps(self._programmes[programme_id]) else []
        today = [self._today(key) for key in keys]
        return Facts(
            origin_adcode=claim.origin_adcode,
            origin_poverty_832=place.poverty_832 if place else None,
            origin_watch_52=place.watch_52 if place else None,
            produce=claim.produce,
            mass_g=claim.mass_g,
            match_mass_g=claim.match_mass_g,
            match_parcels_g=claim.match_parcels_g,
            order_ref_taken=claim.order in self._orders_taken,
            producer_today=today[0] if today else 0,
            carrier_today=today[1] if len(today) > 1 else 0,
        )

    def _today(self, key: CapKey) -> int:
        return self._used.get(key, 0) + self._granted.get(key, 0)


def fact(kind: type[ProgrammeEvent], programme: Programme, fund: Fund) -> ProgrammeEvent:
    """The event of this kind, with the programme's fund as it is now."""
    rule = programme.rule_at(fund.at)
    return kind(
        programme_id=programme.id,
        version=fund.version,
        kind=programme.kind,
        budget_fen=fund.head.balances.budget_fen,
        available_fen=fund.head.balances.available,
        rate_fen=rule.rate_fen,
        rule_version=rule.version,
        at=fund.at,
    )


async def open_desk(
    session: WriteSession, kind: ProgrammeKind, claims: Sequence[Claim], also: Collection[UUID] = ()
) -> Desk:
    """Lock the funds of every programme that was active at a claim's moment, and `also` these."""
    programmes: Sequence[Programme] = ()
    moments = [claim.moment for claim in claims]
    if claims:
        programmes = await queries.active_between(session, kind, min(moments), max(moments))
    funds = await ledger.locked_funds(session, {programme.id for programme in programmes} | set(also))
    if any(funds[programme.id].changes != programme.changes for programme in programmes):
        # Officers changed one between the reading and the lock: a claim whose moment is after the change goes by it.
        programmes = await queries.active_between(session, kind, min(moments), max(moments))
        programmes = [programme for programme in programmes if programme.id in funds]
    for programme in programmes:
        funds[programme.id].least_fen = programme.least_rate_fen(funds[programme.id].at)  # a dated rule may have begun
    orders = {claim.order for claim in claims if claim.order is not None} if funds else set()
    taken = await ledger.orders_taken(session, orders)
    capped = [programme for programme in programmes if _has_caps(programme)]
    keys = {key for claim in claims for programme in capped for key in _cap_keys(programme.id, claim)}
    return Desk(kind, programmes, funds, taken, await ledger.cap_usage(session, keys))


def _has_caps(programme: Programme) -> bool:
    return any(rule.per_producer_per_day or rule.per_carrier_per_day for rule in programme.rules)


def _cap_keys(programme_id: UUID, claim: Claim) -> list[CapKey]:
    """The producer's, then the carrier's where one is known."""
    parties = [("producer", claim.producer_id), ("carrier", claim.carrier_id)]
    return [(programme_id, claim.day, party, party_id) for party, party_id in parties if party_id is not None]
