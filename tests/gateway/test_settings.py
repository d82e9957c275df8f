"""How often one may ask is on unless it is switched off, and what can't be used is named."""

from typing import cast

import pytest
from fastapi import FastAPI

from duijie.problems import SettingMissing
from duijie.wiring import told
from gateway.buckets import LocalBuckets, SharedBuckets
from gateway.limits import WRITES, Limits, RateLimits
from gateway.origins import Proxies
from gateway.settings import EdgeSettings
from tests.deploy.support import sample, started, variables_of


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables_of(EdgeSettings):
        monkeypatch.delenv(name, raising=False)


def test_limits_are_on_and_counted_here_unless_something_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EdgeSettings().limits() is LocalBuckets
    monkeypatch.setenv("DUIJIE_RATE_LIMITS_STORE", "async+memory://")
    limits = cast("Limits", EdgeSettings().limits())
    assert isinstance(limits(WRITES), SharedBuckets)
    monkeypatch.setenv("DUIJIE_RATE_LIMITS", "off")
    assert EdgeSettings().limits() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DUIJIE_RATE_LIMITS", "no"),
        ("DUIJIE_RATE_LIMITS_STORE", "nonsense://someone:secret@here"),
        ("DUIJIE_TRUSTED_PROXIES", "10.0.0.1/8"),
    ],
)
def test_what_can_not_be_used_is_named_and_no_secret_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingMissing, match=name) as refused:
        told(EdgeSettings)
    assert "secret" not in str(refused.value)


def test_proxies_are_nobody_unless_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    scope = {"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"198.51.100.1")]}
    assert EdgeSettings().proxies().origin(scope).address == "10.0.0.1"
    monkeypatch.setenv("DUIJIE_TRUSTED_PROXIES", "10.0.0.0/8")
    assert EdgeSettings().proxies().origin(scope) == Proxies.named("10.0.0.0/8").origin(scope)
    assert EdgeSettings().proxies().origin(scope).address == "198.51.100.1"


@pytest.mark.parametrize(("switch", "there"), [("on", True), ("off", False)])
async def test_the_process_of_the_gateway_has_them_as_it_was_told(
    monkeypatch: pytest.MonkeyPatch, switch: str, there: bool
) -> None:
    secrets = ("DATABASE_URL", "SIGNING_KEY", "PERSONAL_DATA_KEY")
    environment = {f"DUIJIE_GATEWAY_{each}": sample(f"DUIJIE_GATEWAY_{each}") for each in secrets}
    behind = ("LISTING", "MATCHING", "LOGISTICS", "SMS")
    environment |= {f"DUIJIE_GATEWAY_{each}_URL": "http://127.0.0.1:1" for each in behind}
    app = await started(["serve", "gateway"], environment | {"DUIJIE_RATE_LIMITS": switch}, monkeypatch)
    assert isinstance(app, FastAPI)
    assert any(each.cls is RateLimits for each in app.user_middleware) is there
