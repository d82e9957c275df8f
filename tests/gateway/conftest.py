"""The gateway in a test: its database, its keys, and callers with tokens."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import httpx
import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from fastapi import FastAPI

from chassis.auth import LocalKeys
from chassis.db import Database
from chassis.vault import Vault, new_vault_key
from duijie.postgres import EmbeddedPostgres
from gateway import app as gateway_app
from gateway.accounts import hashing
from gateway.accounts.service import SignIn
from gateway.app import create_gateway
from gateway.openapi import Document, merged
from gateway.tokens import FOR_MACHINES, FOR_PEOPLE, Signer, new_signing_key
from services.listing.app import create_listing_app
from services.logistics.app import create_logistics_app
from services.matching.app import create_matching_app
from services.matching.webhooks.service import Desk
from tests.gateway.support import Phones
from tests.support.services import client_of, service_database

gateway_app.AT_ONCE = 10_000
"""As in tests/conftest.py: how slow the machine is must not decide who of a hundred at once is answered."""


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer.from_pem(new_signing_key())


@pytest.fixture(scope="session")
def vault() -> Vault:
    return Vault.from_base64(new_vault_key())


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """What hashes secrets outside of tests. Tests hash them the cheapest way there is."""
    real = hashing._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "_hasher", PasswordHasher.from_parameters(CHEAPEST))
        yield real


@pytest.fixture
def sms() -> Phones:
    return Phones()


@pytest.fixture
async def db(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    async with service_database(postgres, "gateway") as database:
        yield database


@pytest.fixture
def desk(vault: Vault, signer: Signer, sms: Phones) -> SignIn:
    return SignIn(vault, signer, sms.send, FOR_PEOPLE, FOR_MACHINES)


@pytest.fixture
def upstreams() -> dict[str, Any]:
    """Which services the gateway of this test stands before; a test module may say."""
    return {}


@pytest.fixture
def app(db: Database, signer: Signer, vault: Vault, sms: Phones, upstreams: dict[str, Any]) -> FastAPI:
    return create_gateway(db, signer, vault, upstreams, send_code=sms.send)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


@pytest.fixture(scope="session")
def apps() -> dict[str, FastAPI]:
    """Every application of the house, before a database that is away: what needs no token says so before it asks."""
    nowhere = Database("postgresql+asyncpg://nobody:x@127.0.0.1:1/none", source="/duijie/test")
    keys = LocalKeys(lambda: {"keys": []})
    signer, vault = cast("Signer", _NoKeys()), cast("Vault", None)
    return {
        "gateway": create_gateway(nowhere, signer, vault, {}),
        "listing": create_listing_app(nowhere, keys),
        "matching": create_matching_app(nowhere, keys, cast("Any", None), Desk(Vault(bytes(32)))),
        "logistics": create_logistics_app(nowhere, keys),
    }


class _NoKeys:
    def jwks(self) -> dict[str, Any]:
        return {"keys": []}


@pytest.fixture(scope="session")
def whole(apps: dict[str, FastAPI]) -> Document:
    documents = {name: app.openapi() for name, app in apps.items()}
    return merged(documents.pop("gateway"), documents)
