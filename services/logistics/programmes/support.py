"""Produce support: so many fen a kilogram of a fulfilled match, once, to its producer."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.clock import database_now
from chassis.db import WriteSession
from contracts.matches import MatchFulfilled
from services.logistics.programmes import queries
from services.logistics.programmes.granting import Claim, open_desk
from services.logistics.subsidy import queries as ledger
from services.logistics.subsidy import service as subsidy
from services.logistics.subsidy.eligibility import Grant, NoGrant
from services.logistics.subsidy.fund import Fund, Held


async def support_fulfilled(session: WriteSession, matches: Sequence[MatchFulfilled]) -> None:
    """Reserve and post the support of each of these matches, unless it was decided before."""
    if not matches:
        return
    by_id = {match.match_id: match for match in matches}
    carriers = await queries.carriers_of(session, by_id.keys())
    now = await database_now(session)
    claims = {match_id: _claim(each, carriers, now) for match_id, each in by_id.items()}
    desk = await open_desk(session, "produce_support", list(claims.values()))
    decided = await ledger.subsidies_of(session, by_id.keys())  # under the funds' locks: nobody decides beside us
    rows = []
    for claim in [each for match_id, each in claims.items() if match_id not in decided]:  # first come, first served
        verdict = desk.ask(claim, delivered=True)
        fund = None if verdict.programme_id is None else desk.fund_of(verdict)
        rows.append(_row(claim, verdict, fund))
        if fund is not None:
            fund.recount(None, rows[-1]["status"])
    write = subsidy.add_subsidies if desk.funds else subsidy.note_unsupported
    await write(session, sorted(rows, key=lambda row: row["subject_id"].int))  # so that no two can wait for each other
    await desk.close(session)


async def reverse_support(session: WriteSession, match_ids: Collection[UUID]) -> tuple[int, int]:
    """Reverse what is posted for these matches, as officers decided; how many, and their fen.

    The caller has seen to it that none of it is paid, or being paid.
    """
    before = await ledger.subsidies_of(session, match_ids)
    desk = await open_desk(
        session, "produce_support", [], also={row.programme_id for row in before.values() if row.programme_id}
    )
    rows = await ledger.subsidies_of(session, match_ids)  # under the funds' locks
    posted = [row for row in rows.values() if row.status == "posted" and row.programme_id in desk.funds]
    for row in posted:
        fund, match_id = desk.funds[row.programme_id], str(row.match_id)
        fund.reverse(Held(match_id, row.amount_fen, row.rule_version, None, match_id))
        fund.recount("posted", "reversed")
    await subsidy.change_subsidies(session, [row._asdict() | {"status": "reversed"} for row in posted])
    await desk.close(session)
    return len(posted), sum(row.amount_fen for row in posted)


def _claim(match: MatchFulfilled, carriers: Mapping[UUID, UUID | None], moment: datetime) -> Claim:
    match_id, mass_g = match.match_id, match.quantity_g
    return Claim(
        subject=str(match_id),
        moment=moment,
        match_id=match_id,
        parcel_id=None,
        producer_id=match.producer_id,
        carrier_id=carriers.get(match_id),
        buyer_id=match.buyer_id,
        order_ref=None,
        origin_adcode=match.origin.adcode,
        produce=match.produce,
        mass_g=mass_g,
        match_mass_g=mass_g,
    )


def _row(claim: Claim, verdict: Grant | NoGrant, fund: Fund | None) -> dict[str, Any]:
    """`fund` is that of the programme which granted, or whose refusal was told; None where none was active."""
    granted = verdict if isinstance(verdict, Grant) else None
    refused = verdict if isinstance(verdict, NoGrant) else None
    status = "posted" if refused is None else refused.subsidy
    programme_id = None if fund is None else fund.programme_id
    return {
        "subject_id": claim.match_id,
        "match_id": claim.match_id,
        "buyer_id": claim.buyer_id,
        "order_ref": None,
        "status": status,
        "first_status": status,
        "reason": refused and refused.reason,
        "refused_by": refused and programme_id,
        "programme_id": granted and programme_id,
        "amount_fen": granted and granted.amount_fen,
        "rule_version": granted and granted.rule_version,
        "turn": 1,
        "payee_id": claim.producer_id,
        "posted_at": fund.at if granted and fund else None,
        **claim.recorded(claim.moment if fund is None else fund.at),
    }
