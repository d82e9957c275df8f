"""The whole house in one process: the real services behind the real gateway, each over a database of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from fastapi import FastAPI

from chassis.auth import ALGORITHM, AUDIENCE, ISSUER, OPERATOR, LocalKeys
from chassis.db import Database
from chassis.vault import Vault, new_vault_key
from contracts.accounts import Role
from duijie.postgres import EmbeddedPostgres
from gateway.app import create_gateway
from gateway.openapi import Document
from gateway.proxy import InProcess
from gateway.tokens import Signer, new_signing_key
from services.listing.app import create_listing_app
from services.logistics.app import create_logistics_app
from services.logistics.routes.solving import FleetSolver
from services.matching.app import create_matching_app
from services.matching.rounds.pool import SolverPool
from tests.gateway.support import Phones
from tests.services.matching.scene import DESK
from tests.support.services import Issuer, client_of, service_database

_told: dict[str, Document] = {}
SERVICES = ("gateway", "listing", "matching", "logistics")


class Tokens(Issuer):
    """Issues tokens with the gateway's own key, sound ones and others."""

    def __init__(self) -> None:
        pem = new_signing_key()
        self.signer = Signer.from_pem(pem)
        self.key = serialization.load_pem_private_key(pem.encode(), password=None)
        self.keys = LocalKeys(self.signer.jwks)

    def token(self, role: Role, account_id: UUID | None = None, **claims: Any) -> str:
        return self.encoded(self.claims(role, account_id) | claims)

    def claims(self, role: Role, account_id: UUID | None = None) -> dict[str, Any]:
        now = datetime.now(UTC)
        who = {"sub": str(account_id or uuid4()), "role": role, "by": OPERATOR}
        return {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + timedelta(hours=1), **who}

    def encoded(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode(claims, self.key, ALGORITHM, headers={"kid": self.signer.kid} | header)  # type: ignore[arg-type]


@dataclass(frozen=True, repr=False)
class House:
    app: FastAPI
    client: httpx.AsyncClient
    dbs: dict[str, Database]
    tokens: Tokens
    sms: Phones
    vault: Vault
    document: Document

    def caller(self, role: Role, account_id: UUID | None = None) -> dict[str, str]:
        return self.tokens.caller(role, account_id)


@asynccontextmanager
async def running_house(postgres: EmbeddedPostgres, pool: SolverPool) -> AsyncIterator[House]:
    tokens, sms, vault = Tokens(), Phones(), Vault.from_base64(new_vault_key())
    async with AsyncExitStack() as stack:
        dbs = {name: await stack.enter_async_context(service_database(postgres, name)) for name in SERVICES}
        fleet = FleetSolver()
        stack.push_async_callback(fleet.stop)
        services = {
            "listing": create_listing_app(dbs["listing"], tokens.keys),
            "matching": create_matching_app(dbs["matching"], tokens.keys, pool, DESK),
            "logistics": create_logistics_app(dbs["logistics"], tokens.keys, fleet),
        }
        for each in services.values():
            say_the_same_of_itself(each)
        upstreams = {name: InProcess(app) for name, app in services.items()}
        app = create_gateway(dbs["gateway"], tokens.signer, vault, upstreams, send_code=sms.send)
        say_the_same_of_itself(app)
        client = await stack.enter_async_context(client_of(app))
        document = (await client.get("/openapi.json")).json()
        yield House(app, client, dbs, tokens, sms, vault, document)


def say_the_same_of_itself(app: FastAPI) -> None:
    """The document of this kind of application, made once: it takes a second for a whole house."""
    app.openapi_schema = _told.get(app.title) or _told.setdefault(app.title, app.openapi())
