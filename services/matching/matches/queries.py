"""Reading matches."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Integer, Select, Uuid, any_, bindparam, func, literal, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bulk import among
from chassis.db import WriteSession
from contracts.matches import MatchStatus
from services.matching.matches.models import MATCH_DELIVERIES, Match


async def match_of(session: AsyncSession, match_id: UUID, account_id: UUID | None) -> Match | None:
    """The match, when this account is a party; None as `account_id` stands for everyone."""
    return (await session.scalars(select(Match).where(Match.id == match_id, *_of(account_id)))).one_or_none()


def _is_party(account_id: Any) -> ColumnElement[bool]:
    return or_(Match.producer_id == account_id, Match.buyer_id == account_id)


ASKED: dict[str, ColumnElement[bool]] = {
    "account_id": _is_party(bindparam("account_id", type_=Uuid)),
    "status": Match.status == bindparam("status"),
    "listing_id": Match.listing_id == bindparam("listing_id"),
    "order_id": Match.order_id == bindparam("order_id"),
    "before": Match.id < bindparam("before"),
}


@cache  # making it takes longer than PostgreSQL does
def _asked_by(*names: str) -> Select[Match]:
    """Newest first: ids are version 7, in the order of their making."""
    wanted = select(Match).where(*(ASKED[name] for name in names))
    return wanted.order_by(Match.id.desc()).limit(bindparam("limit", type_=Integer))


async def matches_of(
    session: AsyncSession,
    account_id: UUID | None,
    *,
    status: MatchStatus | None,
    listing_id: UUID | None,
    order_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Match]:
    """Those of this account and so on, as many as `limit`; what is None is any."""
    asked = {
        "account_id": account_id,
        "status": status,
        "listing_id": listing_id,
        "order_id": order_id,
        "before": before,
    }
    asked = {name: value for name, value in asked.items() if value is not None}
    return (await session.scalars(_asked_by(*asked), {**asked, "limit": limit})).all()


async def sides_of(session: AsyncSession, match_ids: Collection[UUID]) -> tuple[set[UUID], set[UUID]]:
    """The listings and the orders of these matches, which never change: what to lock before the matches."""
    rows = (await session.execute(select(Match.listing_id, Match.order_id).where(_among(match_ids)))).all()
    return {row.listing_id for row in rows}, {row.order_id for row in rows}


async def locked_matches(session: WriteSession, match_ids: Collection[UUID]) -> Sequence[Match]:
    """These matches as they are now, locked in the order of their ids."""
    wanted = select(Match).where(_among(match_ids)).order_by(Match.id).with_for_update()
    return (await session.scalars(wanted.execution_options(populate_existing=True))).all()


async def proposed_of_listings(session: AsyncSession, listing_ids: Collection[UUID]) -> Sequence[UUID]:
    of_listings = Match.listing_id == any_(literal(list(listing_ids), ARRAY(Uuid)))
    return (await session.scalars(select(Match.id).where(Match.status == "proposed", of_listings))).all()


async def proposed_of_orders(session: AsyncSession, order_ids: Collection[UUID]) -> Sequence[UUID]:
    wanted = select(Match.id).where(Match.status == "proposed", among(Match.order_id, order_ids))
    return (await session.scalars(wanted)).all()


async def lapsed(session: AsyncSession, limit: int) -> Sequence[UUID]:
    """Proposed matches whose deadline has passed by the database's clock, the oldest first."""
    wanted = select(Match.id).where(Match.status == "proposed", Match.agree_by < func.clock_timestamp())
    return (await session.scalars(wanted.order_by(Match.agree_by).limit(limit))).all()


async def locked_never_agreed(
    session: WriteSession, account_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Match]:
    """Those of this account that both sides never said yes to, the oldest first, locked.

    Each side's are found along its own index: by `or` PostgreSQL would read all matches of who has made many.
    """
    never = ~(Match.producer_consents & Match.buyer_consents)
    behind = [] if after is None else [Match.id > after]
    oldest = [
        select(Match.id).where(party == account_id, never, *behind).order_by(Match.id).limit(limit)
        for party in (Match.producer_id, Match.buyer_id)
    ]
    ids = union(*(select(each.subquery().c.id) for each in oldest)).subquery()
    wanted = select(Match).where(Match.id.in_(select(ids.c.id).order_by(ids.c.id).limit(limit))).order_by(Match.id)
    return (await session.scalars(wanted.with_for_update().execution_options(populate_existing=True))).all()


async def count_proposed(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).where(Match.status == "proposed")) or 0


async def delivered_g(session: AsyncSession, match_ids: Collection[UUID]) -> dict[UUID, int]:
    """What the delivered parcels of these matches weigh together."""
    deliveries = MATCH_DELIVERIES.c
    wanted = (
        select(deliveries.match_id, func.sum(deliveries.delivered_g))
        .where(deliveries.match_id == any_(literal(list(match_ids), ARRAY(Uuid))))
        .group_by(deliveries.match_id)
    )
    return {match_id: int(total) for match_id, total in (await session.execute(wanted)).all()}


def _among(match_ids: Collection[UUID]) -> ColumnElement[bool]:
    return Match.id == any_(literal(list(match_ids), ARRAY(Uuid)))


def _of(account_id: UUID | None) -> list[ColumnElement[bool]]:
    return [] if account_id is None else [_is_party(account_id)]
