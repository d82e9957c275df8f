"""Readiness of the whole, the events of the gateway, and its tables."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Collection, Sequence
from typing import Any, Self

import httpx
import pytest
from pydantic import ValidationError

from chassis.db import Database
from chassis.migrations import difference
from chassis.transport.base import Batch, Record
from chassis.vault import Vault, new_vault_key
from duijie.databases import DATABASES
from gateway.accounts.service import account_for
from gateway.app import create_gateway
from gateway.proxy import InProcess
from gateway.settings import GatewaySettings
from gateway.tokens import Signer, new_signing_key
from gateway.worker import create_gateway_worker
from tests.support.services import client_of, event_of


def service(status: int, body: bytes) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return InProcess(app)


async def gone(scope: Any, receive: Any, send: Any) -> None:
    raise ConnectionRefusedError


async def silent(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.Event().wait()


async def readiness(db: Database, signer: Signer, vault: Vault, upstreams: dict[str, Any]) -> httpx.Response:
    async with client_of(create_gateway(db, signer, vault, upstreams)) as client:
        return await client.get("/readyz")


async def test_the_whole_is_ready_when_every_service_is(db: Database, signer: Signer, vault: Vault) -> None:
    answer = await readiness(db, signer, vault, {"listing": service(200, b"{}"), "matching": service(200, b"{}")})
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": {}, "late": {}})


async def test_the_whole_says_who_is_not_ready_and_why(
    db: Database, signer: Signer, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.app.READY_WAIT_S", 0.05)
    upstreams = {
        "listing": service(503, b'{"ready": false, "reasons": {"database": "the database does not answer"}}'),
        "matching": InProcess(gone),
        "logistics": InProcess(silent),
        "other": service(503, b"not json"),
    }
    answer = await readiness(db, signer, vault, upstreams)
    assert answer.status_code == 503
    assert answer.json()["reasons"] == {
        "listing": "the database does not answer",
        "matching": "the service does not answer",
        "logistics": "the service does not answer",
        "other": "the service does not answer",
    }


async def test_asked_for_itself_alone_it_stays_ready_while_a_service_is_away(
    db: Database, signer: Signer, vault: Vault
) -> None:
    async with client_of(create_gateway(db, signer, vault, {"matching": InProcess(gone)})) as client:
        assert (await client.get("/readyz")).status_code == 503
        alone = await client.get("/readyz", params={"alone": True})
    assert (alone.status_code, alone.json()) == (200, {"ready": True, "reasons": {}, "late": {}})


async def test_what_a_service_does_late_is_told_and_leaves_the_whole_ready(
    db: Database, signer: Signer, vault: Vault
) -> None:
    waiting = b'{"ready": true, "reasons": {}, "late": {"outbox": "the oldest event has waited 42 s"}}'
    answer = await readiness(db, signer, vault, {"listing": service(200, waiting), "matching": service(200, b"{}")})
    late = {"listing": "the oldest event has waited 42 s"}
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": {}, "late": late})


async def test_without_its_database_it_is_alive_and_not_ready(signer: Signer, vault: Vault) -> None:
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", source="/duijie/gateway")
    async with client_of(create_gateway(nowhere, signer, vault, {})) as client:
        assert (await client.get("/healthz")).status_code == 200
        answer = await client.get("/readyz")
        assert (answer.status_code, list(answer.json()["reasons"])) == (503, ["database"])
        assert (await client.get("/v1/produce")).status_code == 200, "the catalogue needs no database"
        form = {"grant_type": "otp", "phone": "13812345678", "code": "1"}
        assert (await client.post("/v1/auth/token", data=form)).status_code == 503
    await nowhere.close()


class Recording:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.arrived = asyncio.Event()

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        if after is not None:
            await after
        self.records.extend(records)
        self.arrived.set()

    async def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncGenerator[Batch, None]:
        raise NotImplementedError
        yield

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def test_the_worker_tells_of_an_opened_account_without_name_or_phone(db: Database, vault: Vault) -> None:
    transport = Recording()
    working = asyncio.create_task(create_gateway_worker(db, transport).run())
    async with db.transaction() as session:
        account = await account_for(session, vault, "producer", "王五果园")
    await asyncio.wait_for(transport.arrived.wait(), 5)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    (record,) = transport.records
    assert (record.topic, record.key) == ("gateway.accounts.v1", str(account.id))
    assert set(event_of(record).model_dump()) == {"account_id", "version", "role"}
    assert "王五" not in str(record)


async def test_the_migrations_make_the_tables_that_the_models_describe(db: Database) -> None:
    url = db.engine.url.render_as_string(hide_password=False)
    gateway = DATABASES["gateway"]
    assert await difference(url, gateway.folder, gateway.metadata) == []


SOUND = {
    "DATABASE_URL": "postgresql+asyncpg://u@h/d",
    "SIGNING_KEY": new_signing_key(),
    "PERSONAL_DATA_KEY": new_vault_key(),
    "LISTING_URL": "http://listing:8000",
    "MATCHING_URL": "http://matching:8000",
    "LOGISTICS_URL": "http://logistics:8000",
}


def test_settings_come_from_the_environment_and_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SOUND.items():
        monkeypatch.setenv(f"DUIJIE_GATEWAY_{name}", value)
    settings = GatewaySettings()
    Signer.from_pem(settings.signing_key.get_secret_value())
    Vault.from_base64(settings.personal_data_key.get_secret_value())
    assert "PRIVATE KEY" not in repr(settings)
    assert SOUND["PERSONAL_DATA_KEY"] not in repr(settings)


@pytest.mark.parametrize("missing", ["SIGNING_KEY", "PERSONAL_DATA_KEY", "DATABASE_URL"])
def test_no_secret_has_a_default(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, value in SOUND.items():
        if name != missing:
            monkeypatch.setenv(f"DUIJIE_GATEWAY_{name}", value)
    with pytest.raises(ValidationError, match=missing.lower()):
        GatewaySettings()
