"""A service in a test: its migrated database, its application, and callers with tokens."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy import select

from chassis.auth import ALGORITHM, AUDIENCE, ISSUER, LocalKeys
from chassis.db import Database
from chassis.importing import FilePlaces
from chassis.sealed import SealedAnswers
from chassis.tables import OUTBOX
from chassis.transport.base import Record
from contracts.accounts import Role
from contracts.event import Event
from duijie.databases import DATABASES
from duijie.postgres import EmbeddedPostgres
from tests.support.postgres import emptied_database, fresh_database, template_database


class Issuer:
    """Issues tokens as the gateway does, with a key of the test's own."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        jwk = jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.keys = LocalKeys(lambda: {"keys": [{**jwk, "kid": "test", "alg": ALGORITHM, "use": "sig"}]})

    def token(self, role: Role, account_id: UUID | None = None, **claims: Any) -> str:
        now = datetime.now(UTC)
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account_id or uuid4()),
            "role": role,
            "iat": now,
            "exp": now + timedelta(hours=1),
        }
        return jwt.encode(payload | claims, self._key, algorithm=ALGORITHM, headers={"kid": "test"})

    def caller(self, role: Role, account_id: UUID | None = None) -> dict[str, str]:
        """The headers of a caller of this role, a new account unless one is given."""
        return {"Authorization": f"Bearer {self.token(role, account_id)}"}


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@asynccontextmanager
async def service_database(postgres: EmbeddedPostgres, name: str) -> AsyncIterator[Database]:
    """An empty, migrated database of the service called `name`.

    Its connections are kept with it, for the next test: they know the statements by then.
    """
    template = await template_database(postgres, name, DATABASES[name].migrate)
    async with emptied_database(postgres, template) as url:
        yield _databases.get(url) or _databases.setdefault(url, Database(url, source=f"/duijie/{name}"))


@asynccontextmanager
async def untouched_database(postgres: EmbeddedPostgres, name: str) -> AsyncIterator[Database]:
    """The same, but one that no test before has used: how its statements are planned hangs on nothing that the server
    has learned of its tables meanwhile."""
    template = await template_database(postgres, name, DATABASES[name].migrate)
    async with fresh_database(postgres, template) as url:
        database = Database(url, source=f"/duijie/{name}")
        try:
            yield database
        finally:
            await database.close()


_databases: dict[str, Database] = {}
_kept: dict[Callable[..., FastAPI], FastAPI] = {}


def kept_app(make: Callable[..., FastAPI], db: Database, *more: Any) -> FastAPI:
    """The application that `make(db, *more)` makes, once a test process, with this test's database.

    FastAPI reads the signatures of all its routes at the first request, which takes longer than most tests.
    """
    app = _kept.get(make) or _kept.setdefault(make, make(db, *more))
    app.state.db = db
    if hasattr(app.state, "groups"):
        app.state.groups = {}  # what waits together belongs to one database
        app.state.sealed = SealedAnswers()  # and so does what never changes in it
        app.state.imports = FilePlaces()  # and to one event loop
    return app


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in this process. A failure inside is a response, as it is for everyone."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://duijie.test") as client:
        yield client


async def told(db: Database) -> list[Event]:
    """The events that wait in the outbox, in their order."""
    async with db.reading() as session:
        rows = (await session.execute(select(OUTBOX).order_by(OUTBOX.c.id))).all()
    return [event_of(Record(row.topic, row.key, row.value, row.headers)) for row in rows]


def event_of(record: Record) -> Event:
    return Event.known()[record.headers["ce_type"]].model_validate_json(record.value)
