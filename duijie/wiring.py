"""What each service's API and worker are made of: its settings, its database, and what it is given of others."""

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

from chassis.auth import RemoteKeys
from chassis.db import Database
from chassis.settings import ProcessSettings, ServiceSettings
from chassis.transport.base import Transport
from chassis.vault import Vault
from chassis.worker import Task, Worker
from duijie.problems import SettingMissing
from duijie.running import working

if TYPE_CHECKING:
    from gateway.accounts.service import SendCode
    from gateway.settings import GatewaySettings

log = structlog.get_logger()

Settings = TypeVar("Settings", bound=BaseSettings)


def told(settings: type[Settings]) -> Settings:
    """These settings from the environment. Raises SettingMissing, which names the variables but never a value."""
    try:
        return settings()
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        wrong = [f"{prefix}{each['loc'][0]}".upper() + f" ({each['msg']})" for each in error.errors()]
        raise SettingMissing(f"Set in the environment: {', '.join(wrong)}.") from error


async def _database(service: str, settings: ServiceSettings, stack: AsyncExitStack) -> Database:
    db = Database(
        settings.database_url.get_secret_value(), source=f"/duijie/{service}", pool_size=settings.database_pool
    )
    stack.push_async_callback(db.close)
    return db


async def _keys(process: ProcessSettings, stack: AsyncExitStack) -> RemoteKeys:
    if not process.jwks_url:
        raise SettingMissing("Set in the environment: DUIJIE_JWKS_URL, where the gateway publishes its keys.")
    keys = RemoteKeys(process.jwks_url)
    stack.push_async_callback(keys.aclose)
    return keys


def _webhook_vault(key: SecretStr) -> Vault:
    try:
        return Vault.from_base64(key.get_secret_value())
    except ValueError as error:
        raise SettingMissing(f"DUIJIE_MATCHING_WEBHOOK_KEY can't be used: {error}.") from error


async def _gateway_api(_: ProcessSettings, stack: AsyncExitStack) -> FastAPI:
    from gateway.app import create_gateway
    from gateway.proxy import Remote
    from gateway.settings import EdgeSettings, GatewaySettings
    from gateway.tokens import Signer

    settings, edge = told(GatewaySettings), told(EdgeSettings)
    try:
        signer = Signer.from_pem(settings.signing_key.get_secret_value(), settings.verifying_keys.get_secret_value())
        vault = Vault.from_base64(settings.personal_data_key.get_secret_value())
    except ValueError as error:
        raise SettingMissing(f"A key of the gateway can't be used: {error}.") from error
    send_code = _sender_of_codes(settings, stack)
    services = {
        "listing": Remote(settings.listing_url),
        "matching": Remote(settings.matching_url),
        "logistics": Remote(settings.logistics_url),
    }
    for service in services.values():
        stack.push_async_callback(service.aclose)
    return create_gateway(
        await _database("gateway", settings, stack),
        signer,
        vault,
        services,
        send_code=send_code,
        for_people=settings.for_people(),
        for_machines=settings.for_machines(),
        limits=edge.limits(),
        proxies=edge.proxies(),
    )


def _sender_of_codes(settings: "GatewaySettings", stack: AsyncExitStack) -> "SendCode":
    """Raises SettingMissing: who reads a log that codes are printed to can sign in as anyone, so that is asked for."""
    from gateway.accounts.console import print_code
    from gateway.settings import CONSOLE
    from gateway.sms import HttpSms

    if not settings.sms_url:
        raise SettingMissing(
            "Set in the environment: DUIJIE_GATEWAY_SMS_URL, where codes are posted to be sent by SMS; "
            f"`{CONSOLE}` prints them, for trials."
        )
    if settings.sms_url == CONSOLE:
        log.warning("codes_are_printed")
        return print_code
    sms = HttpSms(settings.sms_url, settings.sms_token.get_secret_value())
    stack.push_async_callback(sms.aclose)
    return sms.send


async def _listing_api(process: ProcessSettings, stack: AsyncExitStack) -> FastAPI:
    from services.listing.app import create_listing_app
    from services.listing.settings import ListingSettings

    db = await _database("listing", told(ListingSettings), stack)
    return create_listing_app(db, await _keys(process, stack))


async def _matching_api(process: ProcessSettings, stack: AsyncExitStack) -> FastAPI:
    from services.matching.app import create_matching_app
    from services.matching.rounds.pool import SolverPool
    from services.matching.settings import MatchingSettings, WebhookSettings
    from services.matching.webhooks.service import Desk

    settings = told(MatchingSettings)
    desk = Desk(_webhook_vault(settings.webhook_key), told(WebhookSettings).allow_private_webhooks)
    db = await _database("matching", settings, stack)
    keys = await _keys(process, stack)
    solvers = SolverPool(settings.solvers)
    # as a worker's task, which begins again when no solver could be started
    await stack.enter_async_context(working([Worker("matching", [Task("solvers", solvers.run)])]))
    return create_matching_app(db, keys, solvers, desk)


async def _logistics_api(process: ProcessSettings, stack: AsyncExitStack) -> FastAPI:
    from services.logistics.app import create_logistics_app
    from services.logistics.routes.solving import FleetSolver
    from services.logistics.settings import LogisticsSettings

    db = await _database("logistics", told(LogisticsSettings), stack)
    solver = FleetSolver()
    stack.push_async_callback(solver.stop)
    return create_logistics_app(db, await _keys(process, stack), solver)


async def _gateway_worker(transport: Transport, stack: AsyncExitStack) -> tuple[Database, Worker]:
    from gateway.worker import create_gateway_worker

    db = await _database("gateway", told(settings_of("gateway")), stack)
    return db, create_gateway_worker(db, transport)


async def _listing_worker(transport: Transport, stack: AsyncExitStack) -> tuple[Database, Worker]:
    from services.listing.worker import create_listing_worker

    db = await _database("listing", told(settings_of("listing")), stack)
    return db, create_listing_worker(db, transport)


async def _matching_worker(transport: Transport, stack: AsyncExitStack) -> tuple[Database, Worker]:
    from chassis.outward import Outward
    from services.matching.rounds.pool import SolverPool
    from services.matching.settings import MatchingSettings, WebhookSettings
    from services.matching.webhooks.delivering import Deliverer
    from services.matching.worker import create_matching_worker

    settings = told(MatchingSettings)
    vault = _webhook_vault(settings.webhook_key)
    outward = Outward(allow_private=told(WebhookSettings).allow_private_webhooks)
    stack.push_async_callback(outward.aclose)
    db = await _database("matching", settings, stack)
    deliverer = Deliverer(db, vault, outward.post)
    return db, create_matching_worker(db, transport, SolverPool(settings.solvers), deliverer)


async def _logistics_worker(transport: Transport, stack: AsyncExitStack) -> tuple[Database, Worker]:
    from services.logistics.roads import Roads
    from services.logistics.settings import LogisticsSettings
    from services.logistics.worker import create_logistics_worker

    settings = told(LogisticsSettings)
    db = await _database("logistics", settings, stack)
    roads = None
    if settings.roads is not None:
        roads = Roads(settings.roads, str(settings.roads_url))
        stack.push_async_callback(roads.aclose)
    return db, create_logistics_worker(db, transport, planners=settings.planners, roads=roads)


def settings_of(service: str) -> type[ServiceSettings]:
    """Where a service's database is; all that a migration or a plain worker needs to be told."""
    prefix = f"DUIJIE_{service.upper()}_"
    return type("DatabaseSettings", (ServiceSettings,), {"model_config": {"env_prefix": prefix, "extra": "ignore"}})


APIS: dict[str, Callable[[ProcessSettings, AsyncExitStack], Coroutine[Any, Any, FastAPI]]] = {
    "gateway": _gateway_api,
    "listing": _listing_api,
    "matching": _matching_api,
    "logistics": _logistics_api,
}
WORKERS: dict[str, Callable[[Transport, AsyncExitStack], Coroutine[Any, Any, tuple[Database, Worker]]]] = {
    "gateway": _gateway_worker,
    "listing": _listing_worker,
    "matching": _matching_worker,
    "logistics": _logistics_worker,
}
