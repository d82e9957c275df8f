"""I1 to I5 and I15, of the subsidy ledger, by its own rows and by what the API shows of them.

The chain is computed again from its description alone: sha256 over `prev` and the RFC 8785 form of the rest.
"""

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from hashlib import sha256
from typing import Any

import asyncpg

from tests.faults.kit.asking import RATE_FEN, SCARCE_PRODUCE
from tests.faults.kit.findings import Findings
from tests.faults.kit.journal import Journal

FROM_AND_TO = {
    "fund": ("funder", "available"),
    "reserve": ("available", "reserved"),
    "post": ("reserved", "posted"),
    "void": ("reserved", "available"),
    "reverse": ("posted", "available"),
    "payout": ("posted", "paid"),
    "clawback": ("paid", "available"),
}
LIFE = {
    ("none", "reserve"): "reserved",
    ("reserved", "void"): "voided",
    ("reserved", "post"): "posted",
    ("voided", "reserve"): "reserved again",
    ("reserved again", "void"): "ended",
    ("reserved again", "post"): "posted",
    ("posted", "reverse"): "ended",
    ("posted", "payout"): "paid",
    ("paid", "clawback"): "ended",
}
"""What may follow: from a state, by a transfer."""
END_OF_THE_MONEY = "I2 where the money ends"
SHOWN = 5
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
PARCELS = """
SELECT p.id::text, p.waybill, p.match_id::text, p.weight_g, coalesce(s.first_status, 'none') AS subsidy
FROM parcels p LEFT JOIN subsidies s ON s.subject_id = p.id
"""
SENT = ("match_id", "weight_g", "subsidy")
"""What was sent of a parcel, and what was answered first: the same for ever."""
Rows = Sequence[Mapping[str, Any]]


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


def last_short_at(transfers: Iterable[Mapping[str, Any]], fen: int) -> int:
    """The last transfer after which less than so much was available; 0 where there was always so much."""
    available, last = 0, 0
    for transfer in transfers:
        available += transfer["amount_fen"] * ((transfer["credit"] == "available") - (transfer["debit"] == "available"))
        if available < fen:
            last = int(transfer["seq"])
    return last


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


def is_one_life(kinds: Iterable[str]) -> bool:
    """Whether the transfers of one parcel or match in one programme, in their order, are those of one subsidy: it is
    reserved, then voided or posted, and when it was posted perhaps reversed, paid, reclaimed; voided, it may be
    reserved once more, for a delivery that is heard of late."""
    state = "none"
    for kind in kinds:
        following = LIFE.get((state, kind))
        if following is None:
            return False
        state = following
    return True


async def judge(
    logistics: str, matching: str, journal: Journal, pages: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Findings:
    """At the end. `pages` holds the transfers of each programme as the API shows them.

    What it never showed is a finding already."""
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
        produce_of = await _produce(connection, other)
        scarce = {parcel_id for parcel_id, produce in produce_of.items() if produce == SCARCE_PRODUCE}
        findings.take(exactly(len(scarce), rows, journal))
        findings.take(amounts(rows, produce_of, journal))
        findings.take(lives(rows))
        findings.take(parcels_as_sent(await connection.fetch(PARCELS), journal))
        await _deliveries(connection, rows, scarce, journal, findings)
        fulfilled = await other.fetch("SELECT id::text, quantity_g FROM matches WHERE status = 'fulfilled'")
        findings.take(supported({row["id"]: row["quantity_g"] for row in fulfilled}, rows, journal))
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
        shown = pages.get(programme_id)
        if shown is None:
            continue
        findings.seen("I15", [each["hash"] for each in shown] == hashes, f"{programme_id}: API and rows differ")
        findings.seen(
            "I15", broken_at(programme_id, shown) is None, f"{programme_id} at {broken_at(programme_id, shown)}"
        )
        findings.checks["I15"] += len(shown)


async def _prefixes(rows: Sequence[asyncpg.Record], findings: Findings) -> None:
    by_programme = defaultdict(list)
    for row in rows:
        by_programme[row["programme_id"]].append(row)
    for programme_id, transfers in by_programme.items():
        at = overdraws_at(transfers)
        findings.checks["I2"] += len(transfers)
        findings.seen("I2", at is None, f"{programme_id} is overdrawn or does not balance after {at}")


async def _produce(connection: asyncpg.Connection, matching: asyncpg.Connection) -> dict[str, str]:
    """What is in each parcel."""
    of_match = {row["id"]: row["produce"] for row in await matching.fetch("SELECT id::text, produce FROM matches")}
    parcels = await connection.fetch("SELECT id::text, match_id::text FROM parcels")
    return {row["id"]: of_match[row["match_id"]] for row in parcels}


def exactly(offered: int, rows: Rows, journal: Journal) -> Findings:
    """With money for K and more than K offered, exactly K are reserved; nothing of it comes back in this load."""
    findings = Findings()
    scarce = journal.programmes.get("scarce")
    if scarce is None:
        return findings
    kinds = Counter(row["kind"] for row in rows if row["programme_id"] == scarce["id"])
    held = kinds["reserve"] - kinds["void"] - kinds["reverse"]
    money_for = scarce["budget_fen"] // RATE_FEN
    findings.seen("I2", held == min(money_for, offered), f"money for {money_for}, {offered} offered, {held} hold it")
    findings.checks[END_OF_THE_MONEY] += offered > money_for
    return findings


def lives(rows: Rows) -> Findings:
    """No parcel and no match is reserved or posted twice; `rows` are in the order of each programme's ledger."""
    findings = Findings()
    by_subject = defaultdict(list)
    for row in rows:
        if row["kind"] != "fund":
            by_subject[row["programme_id"], row["parcel_id"] or f"match {row['match_id']}"].append(row["kind"])
    wrong = [(subject, kinds) for subject, kinds in by_subject.items() if not is_one_life(kinds)]
    findings.none("I3", wrong[:SHOWN], f"more than one subsidy ({len(wrong)} of them)", of=len(by_subject))
    return findings


def parcels_as_sent(rows: Rows, journal: Journal) -> Findings:
    """One parcel a waybill, all that were acknowledged and no other, each as it was sent and first answered."""
    findings = Findings()
    named = Counter(identity(row["waybill"]) for row in rows)
    findings.none("I3", [name for name, n in named.items() if n > 1], "two parcels of one waybill", of=len(named))
    sent = {identity(waybill): each for waybill, each in journal.parcels.items()}
    there = {identity(row["waybill"]): row for row in rows}
    acknowledged = {name: each["parcel_id"] for name, each in sent.items()}
    missing = acknowledged.items() - {(name, row["id"]) for name, row in there.items()}
    findings.none("acknowledged", sorted(missing)[:SHOWN], "a parcel that is not there", of=len(sent))
    unsent = there.keys() - sent.keys()
    findings.none("acknowledged", sorted(unsent)[:SHOWN], "a parcel that nobody sent", of=len(there))
    unlike = [
        f"{waybill}: {name} is {there[waybill][name]}, was {each[name]}"
        for waybill, each in sent.items()
        for name in SENT
        if waybill in there and there[waybill][name] != each[name]
    ]
    findings.none("acknowledged", unlike[:SHOWN], f"a parcel not as sent ({len(unlike)})", of=len(sent))
    return findings


async def _deliveries(
    connection: asyncpg.Connection,
    rows: Sequence[asyncpg.Record],
    scarce: Set[str],
    journal: Journal,
    findings: Findings,
) -> None:
    """Posted is what was delivered, and a parcel's subsidy is what its scans say; `scarce` may have found no money."""
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
    findings.take(settled(subsidies, scans, scarce))


def settled(subsidies: Mapping[str, str], scans: Mapping[str, Set[str]], scarce: Set[str]) -> Findings:
    """I5: each parcel's subsidy is what its scans make due; `scarce` may have found no money.

    Such a one was refused at first; or its money was voided, and another's when it was heard to have been delivered.
    """
    findings = Findings()
    wrong = []
    for each, status in subsidies.items():
        seen = scans.get(each, frozenset())
        moneyless = status == "fund_exhausted" or (status == "voided" and "delivered" in seen)
        if status != due(seen) and not (moneyless and each in scarce):
            wrong.append((each, sorted(seen), status))
    findings.none("I5", wrong[:SHOWN], f"scanned so, and its subsidy is ({len(wrong)} of them)", of=len(subsidies))
    return findings


def due(scans: Set[str]) -> str:
    """What has become of a parcel's subsidy, where there was money, by all of its scans, in whatever order."""
    if "delivered" in scans:
        return "reversed" if "returned" in scans else "posted"
    return "voided" if "returned" in scans else "reserved"


def amounts(rows: Rows, produce_of: Mapping[str, str], journal: Journal) -> Findings:
    """A parcel's money is the rate, from the programme for its produce and from no other."""
    findings = Findings()
    ids = {name: programme["id"] for name, programme in journal.programmes.items()}
    of_parcels = [row for row in rows if row["parcel_id"]]
    wrong = [
        dict(row)
        for row in of_parcels
        if row["amount_fen"] != RATE_FEN
        or row["programme_id"] != ids["scarce" if produce_of[row["parcel_id"]] == SCARCE_PRODUCE else "courier"]
    ]
    findings.none("I4", wrong[:SHOWN], f"another rate or programme ({len(wrong)} of them)", of=len(of_parcels))
    return findings


def supported(fulfilled_g: Mapping[str, int], rows: Rows, journal: Journal) -> Findings:
    """Each fulfilled match has its produce support, reserved and posted once, to the fen; no other has any, and what
    is no parcel's is support."""
    findings = Findings()
    support = journal.programmes.get("support")
    if support is None:
        return findings
    due_fen = {match_id: SUPPORT_FEN_PER_KG * grams // 1000 for match_id, grams in fulfilled_g.items()}
    wanted = Counter((support["id"], *each, kind) for each in due_fen.items() for kind in ("reserve", "post"))
    there = Counter(
        (row["programme_id"], row["match_id"], row["amount_fen"], row["kind"])
        for row in rows
        if not row["parcel_id"] and row["kind"] != "fund"
    )
    many = [each for each, n in there.items() if n > 1]
    findings.none("I3", many[:SHOWN], f"supported twice ({len(many)})", of=len(there))
    findings.none("I4", list(there - wanted)[:SHOWN], "support without fulfilment", of=len(there))
    findings.none("I5", list(wanted - there)[:SHOWN], "fulfilled without support", of=len(due_fen))
    return findings
