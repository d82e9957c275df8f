"""What is noted of lots, once and whole, and what is fitted to it."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select

from catalogue.days import local_day
from chassis.db import Database
from services.listing.backlog import hazard, queries, service
from services.listing.backlog.models import Hazard, Sight, Stand
from services.listing.listings.models import Spell
from services.listing.listings.service import expire_spoiled
from tests.services.listing.backlog.test_api import SIYANG, lie
from tests.services.listing.listings.test_service import age, hear, posted, supply
from tests.support.services import Issuer

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


async def sights(db: Database) -> list[Sight]:
    async with db.reading() as session:
        return list(await session.scalars(select(Sight).order_by(Sight.band)))


async def noted(db: Database, *spells: Spell) -> None:
    async with db.transaction() as session:
        await service.note(session, spells)


def spell(**changes: Any) -> Spell:
    """300 kg that stood for ten hours, with thirty left at the beginning; then 50 kg were sold."""
    times = {"ends_at": NOON + timedelta(hours=30), "since": NOON, "until": NOON + timedelta(hours=10)}
    times |= {"posted_at": NOON - timedelta(hours=5)}
    return Spell(
        **{"produce": "strawberry", "adcode": SIYANG, "remaining_g": 300_000, "sold_g": 50_000, **times, **changes}
    )


def figures(sight: Sight) -> tuple[int, float, int, int, int]:
    return sight.band, round(sight.exposure_gh, 3), sight.sold_g, sight.sales, sight.spoiled_g


async def test_a_spell_is_noted_by_the_bands_it_passed_and_its_end_in_the_band_of_its_end(db: Database) -> None:
    await noted(db, spell())
    assert [figures(each) for each in await sights(db)] == [
        (1, 4 * 300_000, 50_000, 1, 0),
        (2, 6 * 300_000, 0, 0, 0),
    ]


async def test_a_lots_first_hour_and_what_it_sold_in_it_stand_apart(db: Database) -> None:
    """It sold to orders that waited for it."""
    posted_at = NOON - timedelta(minutes=30)
    soon = spell(posted_at=posted_at, since=posted_at, until=NOON)
    later = spell(posted_at=posted_at, since=NOON, until=NOON + timedelta(hours=2), sold_g=7_000)
    await noted(db, soon, later)
    assert [figures(each) for each in await sights(db)] == [
        (-1, 300_000, 50_000, 1, 0),
        (2, 1.5 * 300_000, 7_000, 1, 0),
    ]
    async with db.reading() as session:
        seen = await queries.seen_since(session, date(2026, 11, 22), NOON)
    assert [(each.band, each.sold_g) for each in seen] == [(2, 7_000)]


async def test_many_are_added_up_whether_together_or_one_after_the_other(db: Database) -> None:
    await noted(db, spell(), spell(sold_g=-20_000))
    await noted(db, spell(sold_g=0, spoiled_g=7), spell(since=NOON + timedelta(hours=10)))
    assert [figures(each) for each in await sights(db)] == [
        (1, 3 * 4 * 300_000, 80_000, 2, 7),
        (2, 3 * 6 * 300_000, 0, 0, 0),
    ]


async def test_batches_at_once_lose_nothing_and_wait_for_each_other_in_one_order(db: Database) -> None:
    spells = [spell(produce=produce, adcode=adcode) for produce in ("a", "b") for adcode in ("321323", "110101")]
    await asyncio.gather(*(noted(db, *(spells if number % 2 else reversed(spells))) for number in range(8)))
    assert sum(each.sales for each in await sights(db)) == 32
    assert sum(each.exposure_gh for each in await sights(db)) == pytest.approx(32 * 10 * 300_000)


async def test_the_day_is_chinas(db: Database) -> None:
    await noted(db, spell(until=datetime(2026, 11, 22, 16, 30, tzinfo=UTC)))
    assert {each.day for each in await sights(db)} == {date(2026, 11, 23)}


async def test_news_of_a_sale_ends_a_spell_once_and_news_that_changes_nothing_none(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    lot = await posted(client, issuer.caller("producer"))
    await age(db, lot["id"], stands_since=datetime.now(UTC) - timedelta(hours=2))
    sold = supply(lot, 2, remaining_g=700_000, agreed_g=500_000)
    await hear(db, sold)
    await hear(db, sold, supply(lot, 1, remaining_g=600_000, agreed_g=600_000))
    await hear(db, supply(lot, 3, remaining_g=700_000, agreed_g=500_000))
    found = await sights(db)
    assert sum(each.exposure_gh for each in found) == pytest.approx(2 * 1_200_000, rel=0.01)
    assert (sum(each.sold_g for each in found), sum(each.sales for each in found)) == (500_000, 1)


async def test_what_spoils_unsold_is_tallied_once_by_many_at_once(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    lots = [await posted(client, issuer.caller("producer")) for _ in range(3)]
    now = datetime.now(UTC)
    for lot in lots:
        await hear(db, supply(lot, 1, remaining_g=1_000_000, held_g=50_000, agreed_g=150_000))
        await age(db, lot["id"], stands_since=now - timedelta(hours=5), spoils_at=now - timedelta(hours=1))
    await expire_spoiled(db)
    assert sum(await asyncio.gather(*(service.tally_ended(db) for _ in range(4)))) == 3
    found = await sights(db)
    assert sum(each.spoiled_g for each in found) == 3 * 1_050_000
    assert sum(each.exposure_gh for each in found) == pytest.approx(3 * 4 * 1_000_000, rel=0.01), "till it spoiled"
    assert await service.tally_ended(db) == 0


async def test_a_withdrawn_lot_has_stood_but_did_not_spoil(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    await age(db, lot["id"], stands_since=datetime.now(UTC) - timedelta(hours=2))
    await client.post(f"/v1/listings/{lot['id']}/withdraw", headers=producer)
    assert await service.tally_ended(db) == 1
    found = await sights(db)
    assert sum(each.exposure_gh for each in found) == pytest.approx(2 * 1_200_000, rel=0.01)
    assert sum(each.spoiled_g for each in found) == 0


async def test_what_is_given_back_after_the_end_has_spoiled_and_what_had_been_sold_had_not(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    lot = await posted(client, issuer.caller("producer"))
    await age(db, lot["id"], spoils_at=datetime.now(UTC))
    await expire_spoiled(db)
    await service.tally_ended(db)
    await hear(db, supply(lot, 1, remaining_g=0, agreed_g=200_000))  # agreed before, heard of late
    assert sum(each.spoiled_g for each in await sights(db)) == 1_000_000
    await hear(db, supply(lot, 2, remaining_g=0, agreed_g=50_000))
    assert sum(each.spoiled_g for each in await sights(db)) == 1_150_000
    assert sum(each.sold_g for each in await sights(db)) == 50_000


async def test_the_fit_counts_what_stands_now_beside_what_was_noted(db: Database) -> None:
    await lie(db, kg=1000, hours=40, stands_since=datetime.now(UTC) - timedelta(hours=20))
    await service.refit(db)
    awaited = 20 * 1_000_000 / hazard.SALE_G
    fitted = hazard.fit(
        [
            hazard.Seen("strawberry", SIYANG, 2, 8 * 1_000_000, 0, 0),
            hazard.Seen("strawberry", SIYANG, 3, 12 * 1_000_000, 0, 0),
        ]
    )
    assert awaited > 1
    async with db.reading() as session:
        rates = {hazard.Cell(each.produce, each.adcode): each.rates for each in await session.scalars(select(Hazard))}
    assert rates.keys() == fitted.keys()
    for cell, expected in fitted.items():
        assert rates[cell] == pytest.approx(expected, rel=1e-3)


async def test_of_what_stands_now_the_first_hour_does_not_count(db: Database) -> None:
    now = datetime.now(UTC)
    for age_h in (0.5, 1.5):
        posted_at = now - timedelta(hours=age_h)
        await lie(db, kg=1000, hours=40, created_at=posted_at, stands_since=posted_at)
    async with db.reading() as session:
        (seen,) = await queries.seen_since(session, now.date(), now)
    assert (seen.band, seen.exposure_gh) == (2, pytest.approx(0.5 * 1_000_000, rel=1e-3))


async def test_a_cell_with_nothing_more_to_say_is_forgotten_and_fits_at_once_agree(db: Database) -> None:
    async with db.transaction() as session:
        old = {"produce": "old", "adcode": "", "rates": [1.0] * 6, "fitted_at": NOON}
        await session.execute(insert(Hazard).values(old))
    await lie(db, kg=1000, stands_since=datetime.now(UTC) - timedelta(hours=20))
    await asyncio.gather(*(service.refit(db) for _ in range(4)))
    async with db.reading() as session:
        cells = {(each.produce, each.adcode) for each in await session.scalars(select(Hazard))}
        stands = list(await session.scalars(select(Stand)))
    assert cells == {("", ""), ("strawberry", ""), ("strawberry", "32"), ("strawberry", SIYANG)}
    assert [(each.produce, each.adcode, each.open_g) for each in stands] == [("strawberry", SIYANG, 1_000_000)]


async def test_history_before_the_window_is_not_fitted_and_old_days_are_deleted(db: Database) -> None:
    await noted(db, spell(until=datetime.now(UTC) - timedelta(days=40)))
    await service.refit(db)
    async with db.reading() as session:
        assert (await session.scalars(select(Hazard))).all() == []
    await noted(db, spell(until=datetime.now(UTC) - service.KEPT - timedelta(days=3)))
    assert len({each.day for each in await sights(db)}) == 2
    await service.forget_old(db)
    assert {each.day for each in await sights(db)} == {local_day(datetime.now(UTC) - timedelta(days=40))}
