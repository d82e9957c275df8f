"""I9 and I10: every event that was committed is on its topic, in order, and had its effect once for each consumer.

The witnesses are the spy in each database (what was committed), the topics as a consumer of the tests' own reads them,
and the inboxes.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import pairwise
from typing import Any

import asyncpg

from tests.faults.kit.findings import Findings
from tests.faults.kit.spy import Told
from tests.faults.kit.topics import Read

HEARS = {
    "listing": ("matching.supply.v1", "gateway.accounts.v1"),
    "matching": ("listing.listings.v1", "logistics.shipments.v1", "logistics.parcels.v1", "gateway.accounts.v1"),
    "logistics": ("matching.matches.v1", "gateway.accounts.v1"),
}
DEAD_LETTERS = ".dlq"
ENDED = ("fulfilled", "released")
ONCE_DELIVERED = ("delivered", "returned")
"""What is returned may have been delivered, and counted, before."""
NOT_PICKED_UP = ("open", "claimed", "failed")
SHOWN = 5


def on_topics(told: Sequence[Told], read: Sequence[Read]) -> Findings:
    """I9. What the meddler wrote is marked and left out; a repeat is allowed, a change or another order is not."""
    findings = Findings()
    committed = {(each.topic, each.event_id): each for each in told if not each.topic.endswith(DEAD_LETTERS)}
    ours = [each for each in read if not each.meddled and not each.topic.endswith(DEAD_LETTERS)]
    first: dict[tuple[str, str], Read] = {}
    for each in ours:
        first.setdefault((each.topic, each.event_id), each)
    lost = committed.keys() - first.keys()
    findings.none("I9", sorted(lost)[:SHOWN], f"committed, not on its topic ({len(lost)})", of=len(committed))
    invented = first.keys() - committed.keys()
    findings.none("I9", sorted(invented)[:SHOWN], f"on its topic, not committed ({len(invented)})", of=len(first))
    changed = [name for name, each in first.items() if name in committed and _read(each) != _said(committed[name])]
    findings.none("I9", changed[:SHOWN], "other bytes, type, subject or key than were committed", of=len(first))
    findings.take(_in_order(told, ours))
    return findings


def _said(each: Told) -> tuple[str, ...]:
    return each.digest, each.type, each.key, each.key


def _read(each: Read) -> tuple[str, ...]:
    """The subject is the key, whatever the event."""
    return each.digest, each.headers.get("ce_type", ""), each.headers.get("ce_subject", ""), each.key


def _in_order(told: Sequence[Told], read: Sequence[Read]) -> Findings:
    """First arrivals of one key stand in the order of its commits, and in one partition."""
    findings = Findings()
    committed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in told:
        committed[each.topic, each.key].append(each.event_id)
    arrived: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    partitions: dict[tuple[str, str], set[int]] = defaultdict(set)
    for one in read:
        arrived[one.topic, one.key].setdefault(one.event_id)
        partitions[one.topic, one.key].add(one.partition)
    wrong = [name for name, ids in arrived.items() if name in committed and list(ids) != committed[name]]
    findings.none("I9", wrong[:SHOWN], f"another order than that of the commits ({len(wrong)})", of=len(arrived))
    findings.take(_versions_rise(told, arrived))
    split = [name for name, these in partitions.items() if len(these) > 1]
    findings.none("I9", split[:SHOWN], "a key in two partitions", of=len(partitions))
    return findings


def _versions_rise(told: Sequence[Told], arrived: Mapping[tuple[str, str], Iterable[str]]) -> Findings:
    """A witness beside the outbox's own numbers: the versions of one key rise as its aggregate was changed."""
    findings = Findings()
    versions = {
        (each.topic, each.event_id): version
        for each in told
        if not each.topic.endswith(DEAD_LETTERS) and (version := json.loads(each.value).get("version")) is not None
    }
    wrong = []
    for (topic, key), ids in arrived.items():
        these = [versions[topic, id_] for id_ in ids if (topic, id_) in versions]
        if any(later <= earlier for earlier, later in pairwise(these)):
            wrong.append((topic, key, these))
    findings.none("I9", wrong[:SHOWN], f"versions of one key that do not rise ({len(wrong)})", of=len(versions))
    return findings


async def in_inboxes(databases: Mapping[str, str], told: Sequence[Told]) -> Findings:
    """I10, the note: each consumer has every event of its topics, has it once, and has nothing else."""
    findings = Findings()
    for consumer, topics in HEARS.items():
        connection = await asyncpg.connect(databases[consumer], ssl=False)
        try:
            rows = await connection.fetch("SELECT event_id::text FROM inbox WHERE consumer = $1", consumer)
            tried = await connection.fetch("SELECT what, id, version FROM faults_tried")
        finally:
            await connection.close()
        meant = {each.event_id for each in told if each.topic in topics}
        findings.take(had(consumer, meant, {row["event_id"] for row in rows}))
        findings.take(once(consumer, [tuple(row) for row in tried]))
    return findings


def had(consumer: str, meant: Set[str], noted: Set[str]) -> Findings:
    findings = Findings()
    missing, invented = meant - noted, noted - meant
    findings.none("I10", sorted(missing)[:SHOWN], f"{consumer} has not had ({len(missing)})", of=len(meant))
    findings.none("I10", sorted(invented)[:SHOWN], f"{consumer} had what nobody told ({len(invented)})", of=len(noted))
    return findings


def once(consumer: str, tried: Sequence[tuple[str, str, int]]) -> Findings:
    """No event was given to a handler twice, as far as handlers leave a trace of it: `spy.TRIED`."""
    findings = Findings()
    twice = [each for each, n in Counter(tried).items() if n > 1]
    findings.none("I10", sorted(twice)[:SHOWN], f"{consumer} handled twice ({len(twice)})", of=len(tried))
    return findings


async def effects(databases: Mapping[str, str], told: Sequence[Told]) -> Findings:
    """I10, the effect: what each consumer made of what it heard, computed here from the committed events alone."""
    findings = Findings()
    newest: dict[str, dict[str, Any]] = {}
    agreed: set[str] = set()
    parcels: dict[str, dict[str, Any]] = {}
    delivered_by_shipment: set[str] = set()
    for each in told:
        if each.topic == "matching.matches.v1":
            newest[each.key] = json.loads(each.value)
            agreed |= {each.key} if each.type == "duijie.match.agreed" else set()
        elif each.topic == "logistics.parcels.v1":
            parcels[each.key] = json.loads(each.value)
        elif (each.topic, each.type) == ("logistics.shipments.v1", "duijie.shipment.delivered"):
            delivered_by_shipment.add(json.loads(each.value)["match_id"])
    await _shipments(databases["logistics"], agreed, newest, findings)
    await _fulfilments(databases["matching"], parcels, delivered_by_shipment, newest, findings)
    return findings


async def _shipments(
    logistics: str, agreed: set[str], newest: Mapping[str, Mapping[str, Any]], findings: Findings
) -> None:
    connection = await asyncpg.connect(logistics, ssl=False)
    try:
        rows = {
            row["match_id"]: row
            for row in await connection.fetch("SELECT match_id::text, status, quantity_g FROM shipments")
        }
    finally:
        await connection.close()
    findings.take(shipped(rows, agreed, newest))


def shipped(
    rows: Mapping[str, Mapping[str, Any]], agreed: Set[str], newest: Mapping[str, Mapping[str, Any]]
) -> Findings:
    """What logistics made of matches: the shipments are those of `agreed`, and as each match was at last."""
    findings = Findings()
    standing = {each for each in agreed if newest[each]["status"] != "released"}
    findings.none("I10", sorted(standing - rows.keys())[:SHOWN], "agreed without a shipment", of=len(standing))
    without_agreement = rows.keys() - agreed
    findings.none("I10", sorted(without_agreement)[:SHOWN], "a shipment without agreement", of=len(rows))
    wrong = [
        (match_id, row["status"], newest[match_id]["status"])
        for match_id, row in rows.items()
        if match_id not in without_agreement
        if (newest[match_id]["status"] == "fulfilled") != (row["status"] == "delivered")
        or row["quantity_g"] != newest[match_id]["quantity_g"]
    ]
    findings.none("I10", wrong[:SHOWN], f"a shipment and its match differ ({len(wrong)})", of=len(rows))
    ended = [each for each in rows.keys() & newest.keys() if newest[each]["status"] == "released"]
    kept = [(each, rows[each]["status"]) for each in ended if rows[each]["status"] in NOT_PICKED_UP]
    findings.none("I10", kept[:SHOWN], f"released, and its shipment not cancelled ({len(kept)})", of=len(ended))
    cancelled = [each for each in rows.keys() & newest.keys() if rows[each]["status"] == "cancelled"]
    stands = [each for each in cancelled if newest[each]["status"] != "released"]
    findings.none("I10", stands[:SHOWN], f"cancelled, and its match not released ({len(stands)})", of=len(cancelled))
    return findings


async def _fulfilments(
    matching: str,
    parcels: Mapping[str, Mapping[str, Any]],
    delivered_by_shipment: set[str],
    newest: Mapping[str, Mapping[str, Any]],
    findings: Findings,
) -> None:
    connection = await asyncpg.connect(matching, ssl=False)
    try:
        deliveries = await connection.fetch(
            "SELECT match_id::text, sum(delivered_g)::bigint AS g FROM match_deliveries GROUP BY match_id"
        )
        statuses = {row["id"]: row["status"] for row in await connection.fetch("SELECT id::text, status FROM matches")}
    finally:
        await connection.close()
    counted = {row["match_id"]: row["g"] for row in deliveries}
    findings.take(fulfilled(parcels, counted, delivered_by_shipment, newest, statuses))


def fulfilled(
    parcels: Mapping[str, Mapping[str, Any]],
    counted: Mapping[str, int],
    delivered_by_shipment: Set[str],
    newest: Mapping[str, Mapping[str, Any]],
    statuses: Mapping[str, str],
) -> Findings:
    """What matching made of parcels and shipments, and whether its last word of each match is how that stands."""
    findings = Findings()
    brought: Counter[str] = Counter()
    at_most: Counter[str] = Counter()
    for parcel in parcels.values():
        brought[parcel["match_id"]] += parcel["weight_g"] if parcel["status"] == "delivered" else 0
        at_most[parcel["match_id"]] += parcel["weight_g"] if parcel["status"] in ONCE_DELIVERED else 0
    # What a match that has ended was brought is forgotten some time later.
    wrong = [
        (each, grams, counted.get(each, 0))
        for each, grams in brought.items()
        if (counted.get(each, 0) > grams if statuses.get(each) in ENDED else counted.get(each, 0) != grams)
    ]
    findings.none("I10", wrong[:SHOWN], f"delivered grams, told and counted ({len(wrong)})", of=len(brought))
    fulfilled_ones = {each: state for each, state in newest.items() if state["status"] == "fulfilled"}
    by_parcels = {each: state for each, state in fulfilled_ones.items() if each not in delivered_by_shipment}
    early = [each for each, state in by_parcels.items() if at_most[each] < state["quantity_g"]]
    findings.none("I10", early[:SHOWN], f"fulfilled, and not all of it brought ({len(early)})", of=len(fulfilled_ones))
    open_still = [each for each in delivered_by_shipment if statuses.get(each) != "fulfilled"]
    findings.none("I10", open_still[:SHOWN], "delivered, not fulfilled", of=len(delivered_by_shipment))
    unlike = [each for each, state in newest.items() if state["status"] != statuses.get(each)]
    findings.none("I10", unlike[:SHOWN], "a match and its last event differ", of=len(newest))
    untold = statuses.keys() - newest.keys()
    findings.none("I10", sorted(untold)[:SHOWN], "a match of which nothing was told", of=len(statuses))
    waiting = {each: state["quantity_g"] for each, state in newest.items() if state["status"] == "agreed"}
    done = [each for each, grams in waiting.items() if brought[each] >= grams]
    findings.none("I10", done[:SHOWN], f"all of it brought, not fulfilled ({len(done)})", of=len(waiting))
    return findings


def poison(published: Sequence[tuple[str, bytes]], read: Sequence[Read]) -> Findings:
    """Each record that no try could handle is among the dead letters of its topic, once or more for each consumer."""
    findings = Findings()
    dead = {(each.topic, each.digest, each.headers.get("dlq_consumer", "")) for each in read}
    wanted = {
        (topic + DEAD_LETTERS, hashlib.md5(value).hexdigest(), consumer)
        for topic, value in published
        for consumer, topics in HEARS.items()
        if topic in topics
    }
    findings.none("poison", sorted(wanted - dead)[:SHOWN], "not among the dead letters", of=len(wanted))
    return findings


def unharmed(harmless: Sequence[tuple[str, bytes]], read: Sequence[Read]) -> Findings:
    """What only a newer program understands is passed over: it dies nowhere."""
    findings = Findings()
    dead = {(each.topic, each.digest) for each in read}
    wrong = [each for each in harmless if (each[0] + DEAD_LETTERS, hashlib.md5(each[1]).hexdigest()) in dead]
    findings.none("poison", wrong[:SHOWN], "of a future version, and died", of=len(harmless))
    return findings


def too_large(count: int, topic: str, size_b: int, read: Sequence[Read]) -> Findings:
    """What no dead letter can hold left one without its body, which says how large that was."""
    findings = Findings()
    found = sum(
        each.topic == topic + DEAD_LETTERS and each.headers.get("dlq_body_bytes") == str(size_b) for each in read
    )
    findings.seen("poison", found >= count, f"{count} of {size_b} bytes on {topic}, {found} dead letters say so")
    return findings


def buried(told: Sequence[Told], read: Sequence[Read]) -> Findings:
    """Nothing that was sound died: what lies among the dead letters is the meddler's poison, and no repeat of his."""
    findings = Findings()
    poisonous = {(each.topic, each.digest) for each in read if each.poison}
    dead = [each for each in told if each.topic.endswith(DEAD_LETTERS)]
    sound = [each for each in dead if (each.topic.removesuffix(DEAD_LETTERS), each.digest) not in poisonous]
    evidence = [(each.topic, each.event_id, each.value[:200]) for each in sound[:SHOWN]]
    findings.none("poison", evidence, f"a sound record died ({len(sound)})", of=len(dead))
    return findings
