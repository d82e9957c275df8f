"""Shipments: what a carrier was told stands, and nothing else was done."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from tests.faults.kit.findings import Findings
from tests.faults.kit.journal import Journal


async def judge(logistics: str, journal: Journal) -> Findings:
    connection = await asyncpg.connect(logistics, ssl=False)
    try:
        rows = await connection.fetch("SELECT id::text, status, carrier_id::text, delivered_by_parcels FROM shipments")
    finally:
        await connection.close()
    return compared({row["id"]: row for row in rows}, journal)


def compared(there: Mapping[str, Mapping[str, Any]], journal: Journal) -> Findings:
    """In this load nobody gives back what he has claimed, and every claim's outcome is known in the end."""
    findings = Findings()
    carried = {id_: row["carrier_id"] for id_, row in there.items() if row["carrier_id"] is not None}
    unlike = carried.items() ^ journal.claims.items()
    findings.none("acknowledged", sorted(unlike), "a claim and its shipment differ", of=len(carried))
    undelivered = [
        each for each in journal.delivered_shipments if each not in there or there[each]["status"] != "delivered"
    ]
    findings.none("acknowledged", undelivered, "a delivery that is not there", of=len(journal.delivered_shipments))
    unsaid = [
        id_
        for id_, row in there.items()
        if row["status"] == "delivered" and not row["delivered_by_parcels"] and id_ not in journal.delivered_shipments
    ]
    findings.none("acknowledged", unsaid, "delivered by nobody's word and no parcels", of=len(there))
    return findings
