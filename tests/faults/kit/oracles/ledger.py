"""I1 to I5 and I15, of the subsidy ledger, by its own rows and by what the API shows of them.

The chain is computed again from its description alone: sha256 over `prev` and the RFC 8785 form of the rest.
"""

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from random import Random
from typing import Any

import asyncpg

from tests.faults.kit.findings import Findings
from tests.faults.kit.journal import Journal
from tests.faults.kit.load import RATE_FEN, SCARCE_PRODUCE

FROM_AND_TO = {
    "fund": ("funder", "available"),
    "reserve": ("available", "reserved"),
    "post": ("reserved", "posted"),
    "void": ("reserved", "available"),
    "reverse": ("posted", "available"),
    "payout": ("posted", "paid"),
    "clawback": ("paid", "available"),
}
INSIDE = ("available", "reserved", "posted", "paid")
SUPPORT_FEN_PER_KG = 30

HEADS_AND_SUMS = """
SELECT h.programme_id::text, h.seq, h.funder_fen, h.available_fen, h.reserved_fen, h.posted_fen, h.paid_fen,
    count(t.seq) AS transfers,
    coalesce(sum(t.amount_fen) FILTER (WHERE kind = 'fund'), 0) AS fund,
    coalesce(sum(t.amount_fen) FILTER (WHERE kind = 'reserve'), 0) AS reserve,
    coalesce(sum(t.amount_fen) FILTER (WHERE kind = 'post'), 0) AS post,
    coalesce(sum(t.amount_fen) FILTER (WHERE kind = 'void'), 0) AS void,
    coalesce(sum(t.amount_fen) FILTER (WHERE kind = 'reverse'), 0) AS reverse,
    coalesce(sum(t.amount_fen) FILTER (WHERE kind = 'clawback'), 0) AS clawback
FROM ledger_heads h LEFT JOIN transfers t USING (programme_id) GROUP BY h.programme_id
"""


def canonical(flat: Mapping[str, int | str]) -> str:
    """RFC 8785 of an object of integers and strings with ASCII names."""
    return json.dumps(dict(sorted(flat.items())), ensure_ascii=False, separators=(",", ":"))


def broken_at(programme_id: str, transfers: Sequence[Mapping[str, Any]]) -> int | None:
    """The place of the first transfer that does not follow from the one before it."""
    prev = programme_id
    for place, transfer in enumerate(transfers, 1):
        rest = {name: value for name, value in transfer.items() if name not in {"prev", "hash"}}
        digest = sha256(prev.encode() + canonical(rest).encode()).hexdigest()
        if transfer["seq"] != place or transfer["prev"] != prev or transfer["hash"] != digest:
            return place
        prev = transfer["hash"]
    return None


def overdraws_at(transfers: Iterable[Mapping[str, Any]]) -> int | None:
    """The first transfer after which an account inside is below nothing, or the sum is not the budget."""
    funds: Counter[str] = Counter()
    for transfer in transfers:
        source, target = FROM_AND_TO[transfer["kind"]]
        funds[source] -= transfer["amount_fen"]
        funds[target] += transfer["amount_fen"]
        balanced = (transfer["debit"], transfer["credit"]) == (source, target) and transfer["amount_fen"] > 0
        inside = [funds[name] for name in INSIDE]
        if not balanced or min(inside) < 0 or sum(inside) != -funds["funder"]:
            return int(transfer["seq"])
    return None


def identity(waybill: str) -> str:
    """The waybill as a person would say it is the same."""
    return "".join(unicodedata.normalize("NFKC", waybill).upper().split())


async def snapshot(connection: asyncpg.Connection, findings: Findings) -> None:
    """I1 at this moment: one statement sees heads and transfers of one instant."""
    for row in await connection.fetch(HEADS_AND_SUMS):
        budget = -row["funder_fen"]
        inside = sum(row[f"{name}_fen"] for name in INSIDE)
        spent = row["post"] - row["reverse"] - row["clawback"]
        right = (
            budget == inside == row["fund"]
            and row["posted_fen"] + row["paid_fen"] == spent
            and row["reserved_fen"] == row["reserve"] - row["post"] - row["void"]
            and row["seq"] == row["transfers"]
        )
        findings.seen("I1", right, f"snapshot {dict(row)}")


async def judge(
    logistics: str, matching: str, journal: Journal, pages: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Findings:
    """At the end. `pages` holds the transfers of each programme as the API shows them."""
    findings = Findings()
    connection = await asyncpg.connect(logistics, ssl=False)
    other = await asyncpg.connect(matching, ssl=False)
    try:
        await snapshot(connection, findings)
        rows = await connection.fetch(
            "SELECT programme_id::text, seq, kind, debit, credit, amount_fen, parcel_id::text, match_id::text, hash"
            " FROM transfers ORDER BY programme_id, seq"
        )
        _chains(rows, pages, findings)
        await _prefixes(rows, findings)
        await _scarce(connection, other, rows, journal, findings)
        await _once(connection, rows, journal, findings)
        await _deliveries(connection, rows, journal, findings)
        await _support(connection, other, rows, journal, findings)
    finally:
        await connection.close()
        await other.close()
    return findings


def _chains(
    rows: Sequence[asyncpg.Record], pages: Mapping[str, Sequence[Mapping[str, Any]]], findings: Findings
) -> None:
    stored = defaultdict(list)
    for row in rows:
        stored[row["programme_id"]].append(row["hash"])
    for programme_id, hashes in stored.items():
        shown = pages[programme_id]
        findings.seen("I15", [each["hash"] for each in shown] == hashes, f"{programme_id}: API and rows differ")
        findings.seen(
            "I15", broken_at(programme_id, shown) is None, f"{programme_id} at {broken_at(programme_id, shown)}"
        )
        findings.checks["I15"] += len(shown)
        chance = Random(programme_id)
        for _ in range(20):
            place = chance.randrange(len(shown))
            found = broken_at(programme_id, [*shown[:place], _flipped(shown[place], chance), *shown[place + 1 :]])
            findings.seen(
                "I15", found == place + 1, f"{programme_id}: a flipped byte at {place + 1} was found at {found}"
            )


def _flipped(transfer: Mapping[str, Any], chance: Random) -> dict[str, Any]:
    """One byte of one field is another."""
    name = chance.choice([name for name in transfer if name != "prev"])
    text = json.dumps(transfer[name])
    places = [at for at, c in enumerate(text) if c.isalnum()]
    at = chance.choice(places)
    for other in "123456789abcdef" if isinstance(transfer[name], str) else "123456789":
        if other != text[at]:
            return {**transfer, name: json.loads(text[:at] + other + text[at + 1 :])}
    raise AssertionError


async def _prefixes(rows: Sequence[asyncpg.Record], findings: Findings) -> None:
    by_programme = defaultdict(list)
    for row in rows:
        by_programme[row["programme_id"]].append(row)
    for programme_id, transfers in by_programme.items():
        at = overdraws_at(transfers)
        findings.checks["I2"] += len(transfers)
        findings.seen("I2", at is None, f"{programme_id} is overdrawn or does not balance after {at}")


async def _scarce(
    connection: asyncpg.Connection,
    matching: asyncpg.Connection,
    rows: Sequence[asyncpg.Record],
    journal: Journal,
    findings: Findings,
) -> None:
    """With money for K and more than K offered, exactly K are reserved; nothing of it comes back in this load."""
    scarce = journal.programmes.get("scarce")
    if scarce is None:
        return
    matches = await matching.fetch("SELECT id FROM matches WHERE produce = $1", SCARCE_PRODUCE)
    offered = await connection.fetchval(
        "SELECT count(*) FROM parcels WHERE match_id = ANY ($1::uuid[])", [row["id"] for row in matches]
    )
    kinds = Counter(row["kind"] for row in rows if row["programme_id"] == scarce["id"])
    held = kinds["reserve"] - kinds["void"] - kinds["reverse"]
    money_for = scarce["budget_fen"] // RATE_FEN
    findings.seen("I2", held == min(money_for, offered), f"money for {money_for}, {offered} offered, {held} hold it")


async def _once(
    connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], journal: Journal, findings: Findings
) -> None:
    """No parcel posted twice, and no waybill two parcels."""
    postings: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        postings[row["parcel_id"] or f"match {row['match_id']}"][row["kind"]] += 1
    del postings["match None"]
    wrong = [
        (subject, dict(kinds))
        for subject, kinds in postings.items()
        if not 0 <= kinds["post"] - kinds["reverse"] <= 1 or kinds["reserve"] > 2 or kinds["payout"] > 1
    ]
    findings.none("I3", wrong, "posted more than once", of=len(postings))
    parcels = await connection.fetch("SELECT id::text, waybill FROM parcels")
    named = Counter(identity(row["waybill"]) for row in parcels)
    findings.none("I3", [name for name, n in named.items() if n > 1], "two parcels of one waybill", of=len(named))
    acknowledged = {identity(waybill): each["parcel_id"] for waybill, each in journal.parcels.items()}
    there = {identity(row["waybill"]): row["id"] for row in parcels}
    findings.none(
        "acknowledged", acknowledged.items() - there.items(), "a parcel that is not there", of=len(acknowledged)
    )
    findings.none("acknowledged", there.keys() - acknowledged.keys(), "a parcel that nobody sent", of=len(there))


async def _deliveries(
    connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], journal: Journal, findings: Findings
) -> None:
    scans: dict[str, set[str]] = defaultdict(set)
    for row in await connection.fetch("SELECT parcel_id::text, type FROM parcel_scans"):
        scans[row["parcel_id"]].add(row["type"])
    posted = {row["parcel_id"] for row in rows if row["kind"] == "post" and row["parcel_id"]}
    findings.none(
        "I4", [each for each in posted if "delivered" not in scans[each]], "posted undelivered", of=len(posted)
    )
    told = {(journal.parcels[waybill]["parcel_id"], kind) for waybill, kinds in journal.scans.items() for kind in kinds}
    there = {(parcel_id, kind) for parcel_id, kinds in scans.items() for kind in kinds}
    findings.none("acknowledged", told - there, "a scan that is not there", of=len(told))
    subsidies = {
        row["id"]: row["status"] or "none"
        for row in await connection.fetch(
            "SELECT p.id::text, s.status FROM parcels p LEFT JOIN subsidies s ON s.subject_id = p.id"
        )
    }
    due = {
        "delivered": ({"posted", "fund_exhausted"}, lambda kinds: "delivered" in kinds and "returned" not in kinds),
        "returned": ({"reversed", "fund_exhausted"}, lambda kinds: {"delivered", "returned"} <= kinds),
        "on its way": ({"reserved", "fund_exhausted"}, lambda kinds: not {"delivered", "returned"} & kinds),
    }
    for what, (allowed, falls) in due.items():
        these = [each for each in subsidies if falls(scans[each])]
        wrong = [(each, subsidies[each]) for each in these if subsidies[each] not in allowed]
        findings.none("I5", wrong[:5], f"{what}, but its subsidy is ({len(wrong)} of them)", of=len(these))


async def _support(
    connection: asyncpg.Connection,
    matching: asyncpg.Connection,
    rows: Sequence[asyncpg.Record],
    journal: Journal,
    findings: Findings,
) -> None:
    """Each fulfilled match has its produce support once, to the fen; no other has any."""
    support = journal.programmes.get("support")
    if support is None:
        return
    fulfilled = await matching.fetch("SELECT id::text, quantity_g FROM matches WHERE status = 'fulfilled'")
    due = {row["id"]: SUPPORT_FEN_PER_KG * row["quantity_g"] // 1000 for row in fulfilled}
    posted = [
        (row["match_id"], row["amount_fen"])
        for row in rows
        if row["programme_id"] == support["id"] and row["kind"] == "post"
    ]
    findings.none("I4", set(posted) - set(due.items()), "support without fulfilment", of=len(posted))
    findings.none("I5", set(due.items()) - set(posted), "fulfilled without support", of=len(due))
    twice = [match_id for match_id, n in Counter(match_id for match_id, _ in posted).items() if n > 1]
    findings.none("I3", twice, "supported twice", of=len(posted))
