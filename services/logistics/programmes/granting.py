"""Granting subsidies: which programme pays for a parcel or a match, decided under the locks of all that might.

A desk is opened once in a transaction, after every other lock was taken. It locks the funds it needs in the order of
their ids, judges the claims one after the other against what the ones before them left, and writes it all at its end.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from catalogue import places
from catalogue.days import local_day
from chassis.db import WriteSession
from contracts.programmes import ProgrammeEvent, ProgrammeExhausted, ProgrammeKind
from services.logistics.programmes import queries
from services.logistics.programmes.models import Programme
from services.logistics.subsidy import eligibility
from services.logistics.subsidy import queries as ledger
from services.logistics.subsidy import service as subsidy
from services.logistics.subsidy.eligibility import Facts, Grant, NoGrant
from services.logistics.subsidy.fund import Fund, Held
from services.logistics.subsidy.queries import CapKey


class Claim(NamedTuple):
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
        return _day(self.moment)

    def facts(self, order_ref_taken: bool) -> Facts:
        """What rules look at, but for what was granted today."""
        place = places.get(self.origin_adcode)
        return Facts(  # by place: by name it takes two thirds longer, and each claim makes one
            self.origin_adcode,
            place.poverty_832 if place else None,
            place.watch_52 if place else None,
            self.produce,
            self.mass_g,
            self.match_mass_g,
            self.match_parcels_g,
            order_ref_taken,
        )

    def recorded(self, decided_at: datetime) -> dict[str, Any]:
        """The columns of a subsidy that say what it was decided on."""
        return {
            "asked_at": self.moment,
            "decided_at": decided_at,
            "match_g": self.match_mass_g,
            "before_g": self.match_parcels_g,
        }

    def counts(self, kind: ProgrammeKind) -> int:
        """What it takes of a cap: a parcel, or its grams."""
        return 1 if kind == "courier_parcel" else self.mass_g

    def cap_keys(self, programme_id: UUID) -> list[CapKey]:
        """The producer's, then the carrier's where one is known."""
        parties = [("producer", self.producer_id), ("carrier", self.carrier_id)]
        return [(programme_id, self.day, party, party_id) for party, party_id in parties if party_id is not None]

    def held(self, grant: Grant) -> Held:
        if self.parcel_id is None:  # then the match is the subject
            return Held(self.subject, grant.amount_fen, grant.rule_version, None, self.subject)
        return Held(self.subject, grant.amount_fen, grant.rule_version, str(self.parcel_id), str(self.match_id))


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
        self._programmes = {str(programme.id): programme for programme in programmes}
        self._funds = {str(programme_id): fund for programme_id, fund in funds.items()}
        self._capped = {str(programme.id) for programme in programmes if programme.has_caps}
        self._orders_taken = orders_taken
        self._used = used
        self._granted: dict[CapKey, int] = defaultdict(int)
        self._in_force: dict[datetime, list[eligibility.Programme]] = {}

    def ask(self, claim: Claim, *, delivered: bool = False) -> Grant | NoGrant:
        """Reserve the claim's subsidy in the first programme that pays for it, or say why none does.

        What was `delivered` already is posted at once.
        """
        offers = self._active_at(claim.moment)
        for each in offers:
            each.available_fen = self._funds[each.id].available_fen
        verdict = eligibility.choose(offers, self._facts(claim, offers))
        if isinstance(verdict, Grant):
            if verdict.amount_fen == 0:  # produce support of a match too small to earn one fen
                return NoGrant("none")
            self._reserve(claim, verdict, delivered)
        return verdict

    def fund_of(self, verdict: Grant | NoGrant) -> Fund:
        """That of the programme which granted, or whose refusal was told."""
        assert verdict.programme_id is not None
        return self._funds[verdict.programme_id]

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
            session.emit(fact(ProgrammeExhausted, await self._programme(session, fund.programme_id), fund))

    async def _programme(self, session: WriteSession, programme_id: UUID) -> Programme:
        """One whose fund is at the desk `also` may have been active at no claim's moment, so that it was not read."""
        programme = self._programmes.get(str(programme_id)) or await queries.whole(session, programme_id)
        assert programme is not None, "a fund has its programme"
        return programme

    def _reserve(self, claim: Claim, grant: Grant, delivered: bool) -> None:
        fund, held = self._funds[grant.programme_id], claim.held(grant)
        fund.reserve(held)
        if delivered:
            fund.post(held)
        self._take_order(claim)
        if grant.programme_id in self._capped:  # else nobody asks, see `queries.count_granted`
            for key in claim.cap_keys(fund.programme_id):
                self._granted[key] += claim.counts(self._kind)

    def _take_order(self, claim: Claim) -> None:
        if claim.order is not None:
            self._orders_taken.add(claim.order)

    def _active_at(self, moment: datetime) -> list[eligibility.Programme]:
        """What pays at that moment, by the rule of then and with its money at the first asking. A request's parcels are
        of one moment."""
        if (known := self._in_force.get(moment)) is None:
            known = self._in_force[moment] = eligibility.in_order(
                eligibility.Programme(
                    id_, each.ends_at, each.created_at, each.rule_at(moment), self._funds[id_].available_fen
                )
                for id_, each in self._programmes.items()
                if each.active_at(moment)
            )
        return known

    def _facts(self, claim: Claim, offers: Sequence[eligibility.Programme]) -> Facts | dict[str, Facts]:
        """The same for all, but for what each has granted today."""
        facts = claim.facts(claim.order_ref is not None and claim.order in self._orders_taken)
        return {each.id: self._with_today(facts, each.id, claim) for each in offers} if self._capped else facts

    def _with_today(self, facts: Facts, programme_id: str, claim: Claim) -> Facts:
        today = [
            self._used.get(key, 0) + self._granted.get(key, 0)
            for key in claim.cap_keys(self._funds[programme_id].programme_id)
        ]
        return facts._replace(producer_today=today[0], carrier_today=today[1] if len(today) > 1 else 0)


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
    capped = [programme for programme in programmes if programme.has_caps]
    keys = {key for claim in claims for programme in capped for key in claim.cap_keys(programme.id)}
    return Desk(kind, programmes, funds, taken, await ledger.cap_usage(session, keys))


@lru_cache(maxsize=1024)  # a batch is of few moments
def _day(moment: datetime) -> date:
    return local_day(moment)
