"""For whom an agent writes: the producers who let them, by the names of their accounts."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from chassis.db import Database
from chassis.vault import Vault
from gateway.accounts.service import contacts
from gateway.pages.farm.form import Choice
from gateway.pages.reader import Reader

SHOWN = 500


async def producers_for(reader: Reader, db: Database, vault: Vault) -> Sequence[Choice]:
    """Nobody but for an agent: who posts for themselves chooses nobody."""
    if reader.caller is None or reader.caller.role != "agent":
        return ()
    given = await reader.api.get("/v1/consents", limit=SHOWN)
    ids = [UUID(each["producer_id"]) for each in given["items"]]
    async with db.reading() as session:
        known = await contacts(session, vault, ids)
    return sorted((Choice(str(each), known[each].name) for each in ids if each in known), key=lambda one: one.label)


async def names_of(reader: Reader, db: Database, vault: Vault, producer_ids: Iterable[str]) -> Mapping[str, str]:
    """What these producers are called, by id, for who sees lots of several; who posts for themselves needs no name."""
    if reader.caller is None or reader.caller.role == "producer":
        return {}
    async with db.reading() as session:
        known = await contacts(session, vault, {UUID(each) for each in producer_ids})
    return {str(account_id): contact.name for account_id, contact in known.items()}
