"""The gateway in a test: its database, its keys, and callers with tokens."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from chassis.db import Database
from chassis.vault import Vault, new_vault_key
from duijie.postgres import EmbeddedPostgres
from gateway.accounts.service import SignIn
from gateway.app import create_gateway
from gateway.tokens import FOR_MACHINES, FOR_PEOPLE, Signer, new_signing_key
from tests.gateway.support import Phones
from tests.support.services import client_of, service_database


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer.from_pem(new_signing_key())


@pytest.fixture(scope="session")
def vault() -> Vault:
    return Vault.from_base64(new_vault_key())


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
