"""Codes on their way to a provider of SMS, which is slow, away, or does not want them."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from traceback import format_exception
from typing import Any

import pytest
from structlog.testing import capture_logs

from chassis.settings import ProcessSettings
from chassis.vault import new_vault_key
from duijie.problems import SettingMissing
from duijie.wiring import APIS
from gateway.accounts.console import print_code
from gateway.sms import HttpSms, NotSent
from gateway.tokens import new_signing_key
from tests.support.http import served

URL = "https://sms.example.org/codes"
PHONE, CODE = "+8613812345678", "123456"


class Provider:
    """Answers as it is told to, one after the other, and remembers what it was sent. None: not at all."""

    def __init__(self) -> None:
        self.answers: list[int | None] = [202]
        self.asked: list[tuple[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        self.asked.append((dict(scope["headers"])[b"authorization"].decode(), json.loads(message["body"])))
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status is None:
            await receive()  # until the other side has had enough
            return
        await send({"type": "http.response.start", "status": status, "headers": [(b"location", b"/elsewhere")]})
        await send({"type": "http.response.body", "body": f"no such number {PHONE} {CODE}".encode()})


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def sms(provider: Provider) -> AsyncIterator[HttpSms]:
    async with served(provider) as url:
        sms = HttpSms(f"{url}/codes", "secret", wait_s=0.2)
        yield sms
        await sms.aclose()


async def test_phone_code_and_language_go_out_once_with_the_token(sms: HttpSms, provider: Provider) -> None:
    await sms.send(PHONE, CODE, "zh-CN")
    assert provider.asked == [("Bearer secret", {"phone": PHONE, "code": CODE, "language": "zh-CN"})]


@pytest.mark.parametrize("failure", [503, 429, None])
async def test_what_passes_is_tried_once_more(sms: HttpSms, provider: Provider, failure: int | None) -> None:
    provider.answers = [failure, 200]
    await sms.send(PHONE, CODE, "en")
    assert len(provider.asked) == 2


@pytest.mark.parametrize(("status", "calls"), [(500, 2), (None, 2), (400, 1), (401, 1), (302, 1)])
async def test_what_does_not_pass_is_not_sent_and_tells_neither_number_nor_code(
    sms: HttpSms, provider: Provider, status: int | None, calls: int
) -> None:
    provider.answers = [status]
    with capture_logs() as logs, pytest.raises(NotSent) as refused:
        await sms.send(PHONE, CODE, "en")
    assert (refused.value.status, len(provider.asked)) == (status, calls)
    assert refused.value.__cause__ is None
    said = "".join(format_exception(refused.value, chain=False)) + str(logs)
    assert "138" not in said
    assert CODE not in said


async def test_a_provider_that_is_not_there_is_not_sent_either() -> None:
    sms = HttpSms("http://127.0.0.1:1/codes", "")
    with pytest.raises(NotSent) as refused:
        await sms.send(PHONE, CODE, "en")
    assert refused.value.status is None
    await sms.aclose()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DUIJIE_GATEWAY_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("DUIJIE_GATEWAY_SIGNING_KEY", new_signing_key())
    monkeypatch.setenv("DUIJIE_GATEWAY_PERSONAL_DATA_KEY", new_vault_key())
    for service in ("LISTING", "MATCHING", "LOGISTICS"):
        monkeypatch.setenv(f"DUIJIE_GATEWAY_{service}_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("DUIJIE_GATEWAY_SMS_URL", raising=False)
    return monkeypatch


async def sender() -> object:
    async with AsyncExitStack() as stack:
        app = await APIS["gateway"](ProcessSettings(), stack)
        return app.state.sign_in.send_code


async def test_a_gateway_that_was_not_told_how_to_send_codes_does_not_start(told: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingMissing, match="DUIJIE_GATEWAY_SMS_URL"):
        await sender()


async def test_they_are_printed_only_where_that_was_asked_for_and_it_is_said(told: pytest.MonkeyPatch) -> None:
    told.setenv("DUIJIE_GATEWAY_SMS_URL", "console")
    with capture_logs() as logs:
        assert await sender() is print_code
    assert [each["event"] for each in logs] == ["codes_are_printed"]


async def test_with_an_address_they_go_there(told: pytest.MonkeyPatch) -> None:
    told.setenv("DUIJIE_GATEWAY_SMS_URL", URL)
    told.setenv("DUIJIE_GATEWAY_SMS_TOKEN", "secret")
    assert isinstance(getattr(await sender(), "__self__", None), HttpSms)


async def test_an_address_that_is_none_is_named(told: pytest.MonkeyPatch) -> None:
    told.setenv("DUIJIE_GATEWAY_SMS_URL", "ftp://sms")
    with pytest.raises(SettingMissing, match="DUIJIE_GATEWAY_SMS_URL"):
        await sender()
