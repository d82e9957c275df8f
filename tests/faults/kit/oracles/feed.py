"""I11: what a subscriber read page by page is the committed sequence, no gap, repeat or other order."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

import asyncpg

from tests.faults.kit.findings import Findings
from tests.faults.kit.journal import Journal
from tests.faults.kit.spy import Told

TYPES = {"duijie.match.proposed", "duijie.match.agreed", "duijie.match.released", "duijie.match.fulfilled"}


async def judge(matching: str, told: Sequence[Told], journal: Journal, account_ids: Mapping[str, str]) -> Findings:
    """The committed sequence is each account's match events; their order is that of the commits, match by match."""
    findings = Findings()
    committed: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for each in told:
        if each.topic == "matching.matches.v1" and each.type in TYPES:
            match = json.loads(each.value)
            for account in {match["producer_id"], match["buyer_id"]}:
                committed[account].append((each.key, each.type.removeprefix("duijie."), match["version"]))
    connection = await asyncpg.connect(matching, ssl=False)
    try:
        rows = await connection.fetch("SELECT account_id::text, seq, item FROM feed_items ORDER BY account_id, seq")
    finally:
        await connection.close()
    stored: dict[str, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        stored[row["account_id"]].append(row)
    for account, events in committed.items():
        items = stored[account]
        seqs = [row["seq"] for row in items]
        findings.seen("I11", seqs == list(range(1, len(seqs) + 1)), f"{account}: gaps or repeats in {seqs[:50]}")
        findings.checks["I11"] += len(items)
        shown = [_named(json.loads(row["item"])) for row in items]
        findings.seen(
            "I11",
            sorted(shown) == sorted(events) and _by_match(shown) == _by_match(events),
            f"{account}: {len(shown)} items, {len(events)} committed; "
            f"missing {sorted(set(events) - set(shown))[:3]}, too many {sorted(set(shown) - set(events))[:3]}",
        )
    findings.none("I11", stored.keys() - committed.keys(), "a feed of nothing", of=len(stored))
    for who, read in journal.feeds.items():
        pages = [json.dumps(item, sort_keys=True) for item in read]
        kept = [json.dumps(json.loads(row["item"]), sort_keys=True) for row in stored[account_ids[who]]]
        findings.seen("I11", pages == kept[: len(pages)], f"{who} was shown other items than are kept")
        findings.checks["I11"] += len(pages)
    return findings


def _named(item: dict[str, object]) -> tuple[str, str, int]:
    match = item["match"]
    assert isinstance(match, dict)
    return (match["id"], str(item["type"]), match["version"])


def _by_match(events: Sequence[tuple[str, str, int]]) -> dict[str, list[tuple[str, int]]]:
    """Between two matches no order is promised."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for match_id, kind, version in events:
        found[match_id].append((kind, version))
    return found
