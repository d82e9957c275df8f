"""`/v1/clients`: the keys with which one's own machines sign in."""

from typing import Annotated

from fastapi import Depends

from chassis.auth import Caller, only
from chassis.fields import Page
from chassis.routes import Db, Read, SecretRoute, Write, slice_router
from gateway.clients import queries, service
from gateway.clients.schemas import ClientOut, ClientWithSecret
from gateway.clients.service import NewSecret
from gateway.limits import Brake
from gateway.sessions.api import Ends

router = slice_router("/v1/clients", tag="accounts", route_class=SecretRoute)
Partner = Annotated[Caller, Depends(only("platform", "group_leader", "carrier"))]


async def _new_secret(caller: Partner, db: Db, brake: Brake) -> NewSecret:
    """Nobody has a secret hashed, which is dear, before they may have one, or as often as they may write.

    The person comes first: else a key that leaked could keep its owner from rotating it.
    """
    async with db.reading() as session:
        await service.must_be_a_person(session, caller)
    await brake.take_of(caller.account_id)
    return await NewSecret.make()


Made = Annotated[NewSecret, Depends(_new_secret)]
"""Stands before the session: hashed before the transaction begins."""


@router.post("", status_code=201)
async def create_client(caller: Partner, made: Made, session: Write) -> ClientWithSecret:
    """Make a key for your own machines. The secret is shown this once."""
    return ClientWithSecret(client_id=await service.create(session, caller, made), client_secret=made.secret)


@router.get("")
async def list_clients(caller: Partner, session: Read) -> Page[ClientOut]:
    """Your keys, newest first, without their secrets; all of them at once."""
    return Page(items=[ClientOut.of(each) for each in await queries.clients_of(session, caller.account_id)], next=None)


@router.post("/{client_id}/rotate")
async def rotate_client(client_id: str, caller: Partner, made: Made, session: Write, ends: Ends) -> ClientWithSecret:
    """Get a new secret for a key. The old one, and what it let in, ends at once."""
    session.when_committed(ends)
    await service.rotate(session, caller, client_id, made)
    return ClientWithSecret(client_id=client_id, client_secret=made.secret)


@router.delete("/{client_id}")
async def revoke_client(client_id: str, caller: Partner, session: Write, ends: Ends) -> ClientOut:
    """Take a key back, and end what it let in; the answer is what it was."""
    session.when_committed(ends)
    return ClientOut.of(await service.revoke(session, caller, client_id))
