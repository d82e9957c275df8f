"""I6 to I8: listings, orders and matches, and the copies that services keep of each other's."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from tests.faults.kit.findings import Findings
from tests.faults.kit.journal import Journal

HANDLING = timedelta(hours=4)
M_PER_H = 60_000

MISDATED_LISTINGS = """
SELECT id::text, available_from, harvested_at, created_at FROM listings
WHERE abs(extract(epoch FROM available_from - created_at)) > 60 OR harvested_at <> available_from
"""
"""This load leaves both out, so both are the moment of the posting, by the database's clock."""
UNSOUND_LISTINGS = """
SELECT id::text, lifecycle, spoils_at, now() FROM listings
WHERE lifecycle NOT IN ('open', 'withdrawn', 'expired') OR (lifecycle = 'expired' AND spoils_at > now())
"""
LISTINGS = """
SELECT id::text, lifecycle AS status, version, quantity_g, held_g, agreed_g, remaining_g, supply_version,
    spoils_at, producer_id::text, produce, min_price_fen_per_kg
FROM listings
"""
LISTED = ("produce", "min_price_fen_per_kg", "producer_id")
ORDERED = ("produce", "max_price_fen_per_kg", "buyer_id", "quantity_g")
"""What nobody changes in this load."""
ORDERS = """
SELECT id::text, lifecycle, deliver_by, now(), produce, max_price_fen_per_kg, buyer_id::text, quantity_g FROM orders
"""
SUPPLY = """
SELECT listing_id::text AS id, status, listing_version AS version, quantity_g, held_g, agreed_g,
    quantity_g - held_g - agreed_g AS remaining_g, version AS supply_version, spoils_at, producer_id::text,
    produce, min_price_fen_per_kg
FROM supply
"""
BOOKS_BY_MATCHES = """
SELECT b.id::text, b.quantity_g, b.held_g, b.agreed_g, b.held, b.agreed FROM (
    SELECT s.{id} AS id, s.quantity_g, s.held_g, s.agreed_g,
        coalesce(sum(m.quantity_g) FILTER (WHERE m.status = 'proposed'), 0) AS held,
        coalesce(sum(m.quantity_g) FILTER (WHERE m.status IN ('agreed', 'fulfilled')), 0) AS agreed
    FROM {table} s LEFT JOIN matches m ON m.{column} = s.{id} GROUP BY s.{id}
) b
WHERE b.held <> b.held_g OR b.agreed <> b.agreed_g OR b.held + b.agreed > b.quantity_g
"""
MATCHES = """
SELECT m.id::text, m.status, m.created_at, m.arrives_at, m.deliver_by, m.spoils_at, m.min_remaining_life_h,
    m.distance_m, m.quantity_g, m.producer_consents, m.buyer_consents, m.producer_id::text, m.buyer_id::text,
    s.spoils_at AS lot_spoils_at, o.deliver_by AS wanted_by, o.min_remaining_life_h AS wanted_life_h, now() AS now,
    s.producer_id = m.producer_id AND o.buyer_id = m.buyer_id AND s.produce = m.produce AND o.produce = m.produce
    AS of_these, r.cleared_at
FROM matches m JOIN supply s USING (listing_id) JOIN orders o ON o.id = m.order_id JOIN rounds r ON r.id = m.round_id
"""


async def judge(listing: str, matching: str, journal: Journal) -> Findings:
    """At the end, when it is quiet."""
    findings = Findings()
    ours = await asyncpg.connect(listing, ssl=False)
    theirs = await asyncpg.connect(matching, ssl=False)
    try:
        await _listings(ours, theirs, journal, findings)
        await _orders(theirs, journal, findings)
        await _books(theirs, findings)
        await _matches(theirs, journal, findings)
    finally:
        await ours.close()
        await theirs.close()
    return findings


async def snapshot(matching: asyncpg.Connection, findings: Findings) -> None:
    """I7 at this moment, while everything goes on."""
    await _books(matching, findings)


async def _listings(ours: asyncpg.Connection, theirs: asyncpg.Connection, journal: Journal, findings: Findings) -> None:
    listings = {row["id"]: row for row in await ours.fetch(LISTINGS)}
    supply = {row["id"]: row for row in await theirs.fetch(SUPPLY)}
    findings.none("I6", await ours.fetch(UNSOUND_LISTINGS), "no status it can have", of=len(listings))
    findings.none("I8", await ours.fetch(MISDATED_LISTINGS), "another moment than its posting", of=len(listings))
    acknowledged = journal.listings.keys()
    findings.none("acknowledged", acknowledged - listings.keys(), "a listing that is not there", of=len(acknowledged))
    findings.none("I6", listings.keys() - acknowledged, "a listing that nobody was told of", of=len(listings))
    open_still = [each for each in journal.withdrawn if each not in listings or listings[each]["status"] != "withdrawn"]
    findings.none("acknowledged", open_still, "a withdrawal that is not there", of=len(journal.withdrawn))
    findings.none(
        "acknowledged", unlike_told(journal.listings, listings, LISTED), "a listing not as told", of=len(acknowledged)
    )
    findings.none("acknowledged", lost_changes(journal.patched, listings), "a change lost", of=len(journal.patched))
    withdrawn = {id_ for id_, row in listings.items() if row["status"] == "withdrawn"}
    findings.none("I6", withdrawn - journal.withdrawn, "withdrawn by nobody", of=len(withdrawn))
    unlike = [
        (dict(row), dict(supply[id_]) if id_ in supply else None)
        for id_, row in listings.items()
        if id_ not in supply or dict(row) != dict(supply[id_])
    ]
    findings.none("I10", unlike, "a listing and matching's copy of it differ", of=len(listings))


async def _orders(theirs: asyncpg.Connection, journal: Journal, findings: Findings) -> None:
    orders = {row["id"]: row for row in await theirs.fetch(ORDERS)}
    acknowledged = journal.orders.keys()
    findings.none("acknowledged", acknowledged - orders.keys(), "an order that is not there", of=len(acknowledged))
    findings.none("acknowledged", orders.keys() - acknowledged, "an order nobody was told of", of=len(orders))
    wrong = [each for each in journal.cancelled if each not in orders or orders[each]["lifecycle"] != "cancelled"]
    findings.none("acknowledged", wrong, "a cancellation that is not there", of=len(journal.cancelled))
    findings.none(
        "acknowledged", unlike_told(journal.orders, orders, ORDERED), "an order not as told", of=len(acknowledged)
    )
    cancelled = {id_ for id_, row in orders.items() if row["lifecycle"] == "cancelled"}
    findings.none("acknowledged", cancelled - journal.cancelled, "cancelled by nobody", of=len(cancelled))
    early = [row for row in orders.values() if row["lifecycle"] == "expired" and row["deliver_by"] > row["now"]]
    findings.none("I6", early, "an order expired before its time", of=len(orders))


def unlike_told(
    told: Mapping[str, Mapping[str, Any]], there: Mapping[str, Mapping[str, Any]], fields: Sequence[str]
) -> list[str]:
    """Those that are there, and not as their owner was told."""
    return [
        f"{id_}: {name} is {there[id_][name]}, told {_told(answer, name)}"
        for id_, answer in told.items()
        for name in fields
        if id_ in there and there[id_][name] != _told(answer, name)
    ]


def lost_changes(patched: Mapping[str, Mapping[str, Any]], there: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A listing of an older version than its owner was told, or of the same one with another quantity."""
    return [
        f"{id_}: version {now['version']}, {now['quantity_g']} g; told {then['version']}, {_told(then, 'quantity_g')} g"
        for id_, then in patched.items()
        if (now := there.get(id_)) is not None
        and (
            now["version"] < then["version"]
            or (now["version"] == then["version"] and now["quantity_g"] != _told(then, "quantity_g"))
        )
    ]


def _told(answer: Mapping[str, Any], name: str) -> Any:
    return round(answer["quantity_kg"] * 1000) if name == "quantity_g" else answer[name]


def has_consented(match: Mapping[str, Any], account_id: str) -> bool:
    """Whether that side's yes stands in the match, the other's notwithstanding."""
    sides = {match["producer_id"]: match["producer_consents"], match["buyer_id"]: match["buyer_consents"]}
    return bool(sides.get(account_id))


async def _books(theirs: asyncpg.Connection, findings: Findings) -> None:
    """What is held and agreed on either side is what its matches say: in one statement, so at one moment."""
    for table, id_, column in (("supply", "listing_id", "listing_id"), ("orders", "id", "order_id")):
        wrong = await theirs.fetch(BOOKS_BY_MATCHES.format(table=table, id=id_, column=column))
        count = await theirs.fetchval(f"SELECT count(*) FROM {table}")
        findings.none("I7", map(dict, wrong), f"{table} and its matches differ", of=count)


async def _matches(theirs: asyncpg.Connection, journal: Journal, findings: Findings) -> None:
    rows = await theirs.fetch(MATCHES)
    by_id = {row["id"]: row for row in rows}
    count = await theirs.fetchval("SELECT count(*) FROM matches")
    findings.seen("I7", count == len(rows), f"{count - len(rows)} matches have not both sides and a round")
    findings.none("I7", [row["id"] for row in rows if not row["of_these"]], "not of its two sides", of=len(rows))
    for row in rows:
        travel = timedelta(hours=row["distance_m"] / M_PER_H)
        possible = row["arrives_at"] >= row["created_at"] + HANDLING + travel - timedelta(seconds=1)
        fresh = row["arrives_at"] + timedelta(hours=row["min_remaining_life_h"]) <= row["spoils_at"]
        told = (row["spoils_at"], row["deliver_by"], row["min_remaining_life_h"])
        asked = (row["lot_spoils_at"], row["wanted_by"], row["wanted_life_h"])
        right = possible and fresh and row["arrives_at"] <= row["deliver_by"] and told == asked
        timely = row["created_at"] == row["cleared_at"] <= row["now"]
        findings.seen("I8", right and timely, f"{dict(row)}")
    unheard = [
        each for each in journal.agreed if each[0] not in by_id or not has_consented(by_id[each[0]], account_id=each[1])
    ]
    findings.none("acknowledged", unheard, "a consent that is not there", of=len(journal.agreed))
    kept = [each for each in journal.declined if each not in by_id or by_id[each]["status"] != "released"]
    findings.none("acknowledged", kept, "a no that is not there", of=len(journal.declined))
