"""I11: what a subscriber read page by page is the committed sequence, no gap, repeat or other order."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from tests.faults.kit.findings import Findings
from tests.faults.kit.journal import Feed, Journal
from tests.faults.kit.spy import Told

UNREAD = 50
"""Whoever has more items than that was shown some: the load reads to the end."""
Named = tuple[str, str, int]
MATCH_TYPES = {f"duijie.match.{each}" for each in ("proposed", "agreed", "adjusted", "released", "fulfilled")}
COMES_OR_GOES = {"opened", "claimed", "released", "failed", "cancelled", "delivered"}
"""What every carrier is told of any shipment."""
ANY_CARRIER = str(UUID(int=0))
Kept = Mapping[str, Sequence[tuple[int, Mapping[str, Any]]]]


async def judge(
    databases: Mapping[str, str], told: Sequence[Told], journal: Journal, account_ids: Mapping[str, str]
) -> Findings:
    """The committed sequence is each account's events; their order is that of the commits, match by match and shipment
    by shipment."""
    parties = {
        row["id"]: (row["producer_id"], row["buyer_id"])
        for row in await _rows(
            databases["logistics"], "SELECT id::text, producer_id::text, buyer_id::text FROM shipments"
        )
    }
    matches, shipments = await _kept(databases["matching"]), await _kept(databases["logistics"])
    read: dict[Feed, dict[str, list[dict[str, Any]]]] = defaultdict(dict)
    for (feed, who), items in journal.feeds.items():
        read[feed][account_ids[who]] = items
    findings = stored(matches, of_matches(told))
    findings.take(stored(shipments, of_shipments(told, parties)))
    findings.take(shown(read["matches"], matches))
    findings.take(shown(read["shipments"], {of: items for of, items in shipments.items() if of != ANY_CARRIER}))
    for account, items in read["shipments/open"].items():
        findings.take(shown({account: items}, {account: shipments.get(ANY_CARRIER, ())}))
    return findings


async def _kept(database: str) -> Kept:
    kept: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for row in await _rows(database, "SELECT account_id::text, seq, item FROM feed_items ORDER BY account_id, seq"):
        kept[row["account_id"]].append((row["seq"], json.loads(row["item"])))
    return kept


async def _rows(database: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database, ssl=False)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


def of_matches(told: Sequence[Told]) -> dict[str, list[Named]]:
    """By account: its match events, in the order of the commits."""
    found: dict[str, list[Named]] = defaultdict(list)
    for each in told:
        if each.topic == "matching.matches.v1" and each.type in MATCH_TYPES:
            match = json.loads(each.value)
            for account in {match["producer_id"], match["buyer_id"]}:
                found[account].append((each.key, each.type.removeprefix("duijie."), match["version"]))
    return found


def of_shipments(told: Sequence[Told], parties: Mapping[str, tuple[str, str]]) -> dict[str, list[Named]]:
    """By account: the events of the shipments that it sends, gets, carries, or carried until then. `parties`: who sends
    and who gets each."""
    found: dict[str, list[Named]] = defaultdict(list)
    carriers: dict[str, str | None] = {}
    for each in told:
        if each.topic != "logistics.shipments.v1":
            continue
        shipment, kind = json.loads(each.value), each.type.removeprefix("duijie.shipment.")
        accounts = {*parties[each.key], carriers.get(each.key), shipment["carrier_id"]}
        if kind in COMES_OR_GOES:
            accounts.add(ANY_CARRIER)
        carriers[each.key] = shipment["carrier_id"]
        for account in accounts - {None}:
            found[str(account)].append((each.key, f"shipment.{kind}", shipment["version"]))
    return found


def stored(kept: Kept, committed: Mapping[str, Sequence[Named]]) -> Findings:
    """Each account's items, with their numbers, are what was committed."""
    findings = Findings()
    for account, events in committed.items():
        items = kept.get(account, ())
        seqs = [seq for seq, _ in items]
        findings.seen("I11", seqs == list(range(1, len(seqs) + 1)), f"{account}: gaps or repeats in {seqs[:50]}")
        findings.checks["I11"] += len(items)
        named = [_named(item) for _, item in items]
        findings.seen(
            "I11",
            sorted(named) == sorted(events) and _by_thing(named) == _by_thing(events),
            f"{account}: {len(named)} items, {len(events)} committed; "
            f"missing {sorted(set(events) - set(named))[:3]}, too many {sorted(set(named) - set(events))[:3]}",
        )
        findings.seen("I11", [item["seq"] for _, item in items] == seqs, f"{account}: items that bear another number")
    findings.none("I11", kept.keys() - committed.keys(), "a feed of nothing", of=len(kept))
    return findings


def shown(read: Mapping[str, Sequence[Mapping[str, Any]]], kept: Kept) -> Findings:
    """What each account was shown, page by page, is the beginning of what is kept, and is something."""
    findings = Findings()
    for account in read.keys() | kept.keys():
        pages, items = list(read.get(account, ())), [item for _, item in kept.get(account, ())]
        findings.seen("I11", pages == items[: len(pages)], f"{account} was shown other items than are kept")
        findings.seen("I11", bool(pages) or len(items) <= UNREAD, f"{account} was shown none of {len(items)}")
        findings.checks["I11"] += len(pages)
    return findings


def _named(item: Mapping[str, Any]) -> Named:
    thing = item[item["type"].partition(".")[0]]
    return (thing["id"], item["type"], thing["version"])


def _by_thing(events: Sequence[Named]) -> dict[str, list[tuple[str, int]]]:
    """Between two matches, or two shipments, no order is promised."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for of, kind, version in events:
        found[of].append((kind, version))
    return found
