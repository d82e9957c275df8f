"""I6 to I8: listings, orders and matches, and the copies that services keep of each other's."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
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
    OR (lifecycle = 'open' AND spoils_at < now() - interval '20 s')
"""
"""Open past its time: the sweep comes every 5 s, and all are ready when this is asked."""
EXPIRED = """
SELECT key, at, (convert_from(value, 'UTF8')::json ->> 'spoils_at')::timestamptz AS spoils_at
FROM faults_told WHERE type = 'duijie.listing.expired'
"""
TIME_IS_OVER = "I6 what has spoiled"
LISTINGS = """
SELECT id::text, lifecycle AS status, version, quantity_g, held_g, agreed_g, remaining_g, supply_version,
    spoils_at, producer_id::text, produce, min_price_fen_per_kg, auto_agree
FROM listings
"""
LISTED = ("produce", "min_price_fen_per_kg", "producer_id", "spoils_at", "auto_agree")
ORDERED = (
    *("produce", "max_price_fen_per_kg", "buyer_id", "quantity_g"),
    *("deliver_by", "min_remaining_life_h", "auto_agree"),
)
"""What nobody changes in this load."""
ORDERS = """
SELECT id::text, lifecycle, deliver_by, now(), produce, max_price_fen_per_kg, buyer_id::text, quantity_g,
    min_remaining_life_h, auto_agree
FROM orders
"""
SUPPLY = """
SELECT listing_id::text AS id, status, listing_version AS version, quantity_g, held_g, agreed_g,
    quantity_g - held_g - agreed_g AS remaining_g, version AS supply_version, spoils_at, producer_id::text,
    produce, min_price_fen_per_kg, auto_agree
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
SELECT m.id::text, m.status, m.reason, m.listing_id::text, m.order_id::text, m.producer_id::text, m.buyer_id::text,
    m.created_at, m.arrives_at, m.deliver_by, m.spoils_at, m.min_remaining_life_h, m.distance_m, m.quantity_g,
    m.producer_consents, m.buyer_consents, s.spoils_at AS lot_spoils_at, o.deliver_by AS wanted_by,
    o.min_remaining_life_h AS wanted_life_h, now() AS now, r.cleared_at,
    s.producer_id = m.producer_id AND o.buyer_id = m.buyer_id AND s.produce = m.produce AND o.produce = m.produce
    AS of_these
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
    expired = await ours.fetch(EXPIRED)
    findings.none("I6", early(expired), "expired before it had spoiled", of=len(expired))
    findings.checks[TIME_IS_OVER] += len(expired)
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
    too_early = [row for row in orders.values() if row["lifecycle"] == "expired" and row["deliver_by"] > row["now"]]
    findings.none("I6", too_early, "an order expired before its time", of=len(orders))


def early(expired: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of whose end was told before it had come, both by the database's clock."""
    return [f"{row['key']} at {row['at']}, {row['spoils_at']}" for row in expired if row["at"] < row["spoils_at"]]


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
    if name == "quantity_g":
        return round(answer["quantity_kg"] * 1000)
    return datetime.fromisoformat(answer[name]) if name in {"spoils_at", "deliver_by"} else answer[name]


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
        asked_at = max(asked(journal.listings, row["listing_id"]), asked(journal.orders, row["order_id"]))
        findings.seen("I8", is_fresh(row) and is_timely(row, asked_at), f"{dict(row)}")
    findings.take(answered(by_id, journal))


def asked(told: Mapping[str, Mapping[str, Any]], id_: str) -> datetime:
    """When a listing or an order was made, as its owner was told. That nobody was told is another's to find."""
    return datetime.fromisoformat(told[id_]["created_at"] if id_ in told else "0001-01-01T00:00:00Z")


def is_fresh(match: Mapping[str, Any]) -> bool:
    """By the listing and the order themselves, what a match says of them being the same."""
    travel = timedelta(hours=match["distance_m"] / M_PER_H)
    possible = match["arrives_at"] >= match["created_at"] + HANDLING + travel - timedelta(seconds=1)
    fresh = match["arrives_at"] + timedelta(hours=match["wanted_life_h"]) <= match["lot_spoils_at"]
    copied = (match["spoils_at"], match["deliver_by"], match["min_remaining_life_h"])
    asked_for = (match["lot_spoils_at"], match["wanted_by"], match["wanted_life_h"])
    return possible and fresh and match["arrives_at"] <= match["wanted_by"] and copied == asked_for


def is_timely(match: Mapping[str, Any], asked_at: datetime) -> bool:
    """Made by its round, after both sides had asked and before now, by the database's clock."""
    return bool(asked_at <= match["created_at"] == match["cleared_at"] <= match["now"])


def answered(matches: Mapping[str, Mapping[str, Any]], journal: Journal) -> Findings:
    """Each yes and each no stands, and nobody's stands beside them; the outcome of every one is known in the end."""
    findings = Findings()
    unheard = [
        each
        for each in journal.agreed
        if each[0] not in matches or not has_consented(matches[each[0]], account_id=each[1])
    ]
    findings.none("acknowledged", unheard, "a consent that is not there", of=len(journal.agreed))
    invented = [
        (id_, account)
        for id_, match in matches.items()
        for account, beforehand in sides(match, journal).items()
        if has_consented(match, account_id=account) and not beforehand and (id_, account) not in journal.agreed
    ]
    findings.none("acknowledged", invented, "a consent that nobody gave", of=len(matches))
    said_no = {id_ for id_, match in matches.items() if (match["status"], match["reason"]) == ("released", "declined")}
    findings.none("acknowledged", journal.declined - said_no, "a no that is not there", of=len(journal.declined))
    findings.none("acknowledged", said_no - journal.declined, "declined by nobody", of=len(said_no))
    return findings


def sides(match: Mapping[str, Any], journal: Journal) -> dict[str, bool]:
    """By account: whether it had consented beforehand. Of whom nobody was told nothing is known: let it be so."""
    listing, order = journal.listings.get(match["listing_id"], {}), journal.orders.get(match["order_id"], {})
    return {
        match["producer_id"]: listing.get("auto_agree", True),
        match["buyer_id"]: order.get("auto_agree", True),
    }
