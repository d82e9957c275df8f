"""What the files under deploy/ are held against: the program's own commands, settings, routes and metrics."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml
from fastapi import FastAPI
from prometheus_client import REGISTRY
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from chassis.app import create_worker_app
from chassis.settings import KafkaSettings, ProcessSettings, ServiceSettings
from chassis.transport.kafka import KafkaTransport
from chassis.vault import new_vault_key
from duijie import cli, wiring
from gateway.settings import EdgeSettings, GatewaySettings
from gateway.tokens import new_signing_key
from services.listing.settings import ListingSettings
from services.logistics.settings import LogisticsSettings
from services.matching.rounds.pool import SolverPool
from services.matching.settings import MatchingSettings, WebhookSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SERVICES: dict[str, type[ServiceSettings]] = {
    "gateway": GatewaySettings,
    "listing": ListingSettings,
    "matching": MatchingSettings,
    "logistics": LogisticsSettings,
}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",), "summary": ("",)}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def variables_of(settings: type[BaseSettings]) -> dict[str, bool]:
    """The variables that a settings class reads, each with whether it is a secret."""
    prefix = settings.model_config.get("env_prefix", "")
    return {f"{prefix}{name}".upper(): field.annotation is SecretStr for name, field in settings.model_fields.items()}


def all_variables() -> dict[str, bool]:
    classes: list[type[BaseSettings]] = [
        ProcessSettings,
        KafkaSettings,
        EdgeSettings,
        WebhookSettings,
        *SERVICES.values(),
    ]
    return {name: secret for each in classes for name, secret in variables_of(each).items()}


def readable_by(command: Sequence[str]) -> set[str]:
    """The variables that this command of ours looks at."""
    match command:
        case ["serve", service]:
            edge = variables_of(EdgeSettings) if service == "gateway" else {}
            return set(variables_of(ProcessSettings) | variables_of(SERVICES[service]) | _beside(service) | edge)
        case ["work", service]:
            common = variables_of(ProcessSettings) | variables_of(KafkaSettings)
            return set(common | variables_of(SERVICES[service]) | _beside(service))
        case ["migrate"]:
            return {f"DUIJIE_{service.upper()}_DATABASE_URL" for service in SERVICES} | {"DUIJIE_LOG_LEVEL"}
        case ["topics", _]:
            return set(variables_of(KafkaSettings)) | {"DUIJIE_LOG_LEVEL"}
    raise AssertionError(f"no such process: {command}")


def _beside(service: str) -> dict[str, bool]:
    return variables_of(WebhookSettings) if service == "matching" else {}


def sample(variable: str) -> str:
    """What a secret might hold."""
    if variable.endswith("DATABASE_URL"):
        return "postgresql+asyncpg://someone:secret@127.0.0.1:1/name"
    made = {
        "DUIJIE_GATEWAY_SIGNING_KEY": new_signing_key,
        "DUIJIE_GATEWAY_PERSONAL_DATA_KEY": new_vault_key,
        "DUIJIE_MATCHING_WEBHOOK_KEY": new_vault_key,
        "DUIJIE_GATEWAY_VERIFYING_KEYS": new_signing_key,
        "DUIJIE_GATEWAY_SMS_TOKEN": lambda: "secret",
        "DUIJIE_RATE_LIMITS_STORE": lambda: "async+memory://",
        "DUIJIE_KAFKA_USERNAME": lambda: "someone",
        "DUIJIE_KAFKA_PASSWORD": lambda: "secret",
    }
    return made[variable]()


def parse_command(arguments: Sequence[str]) -> None:
    """Raises click.UsageError unless the command line takes them."""
    rest = list(arguments)
    command: click.Command = typer.main.get_command(cli.app)
    while isinstance(command, click.Group):
        context = click.Context(command)
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
    command.make_context("duijie", rest)


async def started(command: Sequence[str], environment: Mapping[str, str], patch: pytest.MonkeyPatch) -> FastAPI | None:
    """What the process would answer, wired by its own code from this environment alone; nothing is connected to.

    None for a job, of which only the settings are read.
    """

    async def skip(*_: object) -> None:
        return None

    patch.setattr(SolverPool, "start", skip)
    with patch.context() as outside:
        for name in all_variables():
            outside.delenv(name, raising=False)
        for name, value in environment.items():
            outside.setenv(name, value)
        async with AsyncExitStack() as stack:
            match command:
                case ["serve", service]:
                    return await wiring.APIS[service](wiring.told(ProcessSettings), stack)
                case ["work", service]:
                    wiring.told(ProcessSettings)
                    transport = KafkaTransport(wiring.told(KafkaSettings).bootstrap)
                    db, _ = await wiring.WORKERS[service](transport, stack)
                    return create_worker_app(service, db)
                case ["migrate"]:
                    for service in SERVICES:
                        wiring.told(wiring.settings_of(service))
                case _:
                    wiring.told(KafkaSettings)
    return None


def paths_of(app: FastAPI) -> set[str]:
    return {route.path for route in app.routes if hasattr(route, "path")}


@cache
def metric_names() -> frozenset[str]:
    """Every name under which Prometheus would find something of ours."""
    for package in ("gateway", "services.listing", "services.matching", "services.logistics"):
        import_module(f"{package}.app")
        import_module(f"{package}.worker")
    return frozenset(
        metric.name + suffix
        for metric in REGISTRY.collect()
        if metric.name.startswith("duijie_")
        for suffix in SUFFIXES[metric.type]
    )


def metrics_in(text: str) -> set[str]:
    return set(re.findall(r"\bduijie_[a-z0-9_]+", text))


def strings_in(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for each in tree.values():
            yield from strings_in(each)
    elif isinstance(tree, list):
        for each in tree:
            yield from strings_in(each)


def is_pinned(image: str) -> bool:
    """By a version of at least two numbers, or by digest."""
    name, _, tag = image.rpartition(":")
    return "@sha256:" in image or bool(name and re.fullmatch(r"v?\d+\.\d+[\w.-]*", tag))
