"""Names of accounts, for pages whose readers have to know with whom they deal: the services know ids alone."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from fastapi import Request

from chassis.db import Database
from gateway.accounts import service


async def names_of(request: Request, ids: Iterable[str | None]) -> Mapping[str, str]:
    """By account id; who has no name, or was erased, is missing."""
    db: Database = request.app.state.db
    async with db.reading() as session:
        found = await service.names(session, request.app.state.sign_in.vault, {UUID(each) for each in ids if each})
    return {str(account_id): name for account_id, name in found.items()}
