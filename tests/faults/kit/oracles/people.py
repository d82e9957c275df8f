"""Accounts: whoever was let in has one, nobody else has, and each was told of once."""

from collections.abc import Mapping, Sequence

import asyncpg

from tests.faults.kit.findings import Findings
from tests.faults.kit.journal import Journal
from tests.faults.kit.spy import Told


async def judge(gateway: str, told: Sequence[Told], journal: Journal, account_ids: Mapping[str, str]) -> Findings:
    """`account_ids` are those of the load's people, who never signed in."""
    connection = await asyncpg.connect(gateway, ssl=False)
    try:
        there = {row["id"] for row in await connection.fetch("SELECT id::text FROM accounts")}
    finally:
        await connection.close()
    return compared(there, [each.key for each in told if each.topic == "gateway.accounts.v1"], journal, account_ids)


def compared(there: set[str], opened: Sequence[str], journal: Journal, account_ids: Mapping[str, str]) -> Findings:
    findings = Findings()
    findings.none("acknowledged", journal.accounts - there, "an account that is not there", of=len(journal.accounts))
    unasked = there - journal.accounts - set(account_ids.values())
    findings.seen(
        "acknowledged",
        len(unasked) <= journal.perhaps_accounts,
        f"{len(unasked)} accounts of whom nobody was told, at most {journal.perhaps_accounts} may be",
    )
    findings.seen("I9", sorted(opened) == sorted(there), f"{len(there)} accounts, {len(opened)} were told of")
    return findings
