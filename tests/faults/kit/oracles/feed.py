"""I11: what a subscriber read page by page is the committed sequence, no gap, repeat or other order."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from tests.faults.kit.findings import Findings
from tests.faults.kit.journal import Journal
from tests.faults.kit.spy import Told

UNREAD = 50
"""Whoever has more items than that was shown some: the load reads to the end."""
Named = tuple[str, str, int]
TYPES = {
    "duijie.match.proposed",
    "duijie.match.agreed",
    "duijie.match.adjusted",
    "duijie.match.released",
    "duijie.match.fulfilled",
}


async def judge(matching: str, told: Sequence[Told], journal: Journal, account_ids: Mapping[str, str]) -> Findings:
    """The committed sequence is each account's match events; their order is that of the commits, match by match."""
    connection = await asyncpg.connect(matching, ssl=False)
    try:
        rows = await connection.fetch("SELECT account_id::text, seq, item FROM feed_items ORDER BY account_id, seq")
    finally:
        await connection.close()
    kept: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for row in rows:
        kept[row["account_id"]].append((row["seq"], json.loads(row["item"])))
    findings = stored(kept, committed(told))
    findings.take(shown({account_ids[who]: read for who, read in journal.feeds.items()}, kept))
    return findings


def committed(told: Sequence[Told]) -> dict[str, list[Named]]:
    """By account: its match events, in the order of the commits."""
    found: dict[str, list[Named]] = defaultdict(list)
    for each in told:
        if each.topic == "matching.matches.v1" and each.type in TYPES:
            match = json.loads(each.value)
            for account in {match["producer_id"], match["buyer_id"]}:
                found[account].append((each.key, each.type.removeprefix("duijie."), match["version"]))
    return found


def stored(
    kept: Mapping[str, Sequence[tuple[int, Mapping[str, Any]]]], committed: Mapping[str, Sequence[Named]]
) -> Findings:
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
            sorted(named) == sorted(events) and _by_match(named) == _by_match(events),
            f"{account}: {len(named)} items, {len(events)} committed; "
            f"missing {sorted(set(events) - set(named))[:3]}, too many {sorted(set(named) - set(events))[:3]}",
        )
        findings.seen("I11", [item["seq"] for _, item in items] == seqs, f"{account}: items that bear another number")
    findings.none("I11", kept.keys() - committed.keys(), "a feed of nothing", of=len(kept))
    return findings


def shown(
    read: Mapping[str, Sequence[Mapping[str, Any]]], kept: Mapping[str, Sequence[tuple[int, Mapping[str, Any]]]]
) -> Findings:
    """What each account was shown, page by page, is the beginning of what is kept, and is something."""
    findings = Findings()
    for account in read.keys() | kept.keys():
        pages, items = list(read.get(account, ())), [item for _, item in kept.get(account, ())]
        findings.seen("I11", pages == items[: len(pages)], f"{account} was shown other items than are kept")
        findings.seen("I11", bool(pages) or len(items) <= UNREAD, f"{account} was shown none of {len(items)}")
        findings.checks["I11"] += len(pages)
    return findings


def _named(item: Mapping[str, Any]) -> Named:
    match = item["match"]
    return (match["id"], item["type"], match["version"])


def _by_match(events: Sequence[Named]) -> dict[str, list[tuple[str, int]]]:
    """Between two matches no order is promised."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for match_id, kind, version in events:
        found[match_id].append((kind, version))
    return found
