"""What the logistics service refuses, it says in Chinese and in English."""

import asyncio
import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

import httpx
import pytest

from chassis.problems import Problem
from services import logistics
from tests.support.logistics import agreed, hear, van
from tests.support.services import Issuer
from tests.support.subsidies import Courier, Office, programme

HAN = re.compile(r"[\u4e00-\u9fff]")


def problems() -> Iterator[type[Problem]]:
    """Every problem that some module of the service defines."""
    for module in pkgutil.walk_packages(logistics.__path__, "services.logistics."):
        if ".migrations" in module.name:
            continue
        for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(kind, Problem) and kind.__module__ == module.name:
                yield kind


def test_every_problem_has_a_name_of_its_own_and_both_languages() -> None:
    found = list(problems())
    assert {kind.slug: kind.status for kind in found} == {
        "waybill-taken": 409,
        "shipment-not-open": 409,
        "shipment-not-claimed": 409,
        "wrong-shipment-state": 409,
        "solver-busy": 503,
        "planner-unavailable": 503,
        "programme-closed": 409,
        "nothing-to-change": 409,
        "already-decided": 409,
        "budget-too-large": 409,
        "second-officer-needed": 403,
        "already-paid": 409,
        "payout-held": 409,
        "correction-pending": 409,
        "reviewed-already": 409,
        "claimed-back-already": 409,
        "objection-period": 409,
        "no-objection": 409,
        "clawback-decided": 409,
        "not-recoverable": 409,
        "repaid-otherwise": 409,
        "nothing-to-pay": 409,
        "nothing-to-settle": 409,
        "reference-taken": 409,
    }
    for kind in found:
        for words in (kind.title, kind.detail):
            assert HAN.search(words.zh), kind.slug
            assert words.en.isascii(), kind.slug


@pytest.mark.parametrize(
    ("path", "body", "role"),
    [
        ("/v1/vehicles", van(temperature_classes=["chilled", "chilled"]), "carrier"),
        ("/v1/vehicles", van(capacity_kg=0.0001), "carrier"),
        ("/v1/vehicles", van(shift={"start": "6", "end": "7"}), "carrier"),
        ("/v1/routes", {"vehicle_ids": ["0" * 32] * 2, "adcode": "32"}, "carrier"),
        ("/v1/routes", {"vehicle_ids": ["0" * 32], "adcode": "99"}, "carrier"),
        ("/v1/routes", {"vehicle_ids": ["0" * 32], "adcode": "32", "limit_s": 61}, "carrier"),
        ("/v1/parcels", [{"waybill": "\u200b"}], "carrier"),
        ("/v1/parcels/scans", [{"waybill": "SF1", "type": "eaten", "at": "now", "adcode": "1"}], "carrier"),
        ("/v1/programmes", programme(eligibility={"adcodes": ["99"]}), "programme_officer"),
        ("/v1/programmes", programme(ends_at="2020-01-01T00:00:00Z"), "programme_officer"),
    ],
)
async def test_every_field_that_is_wrong_is_explained_in_the_readers_language(
    client: httpx.AsyncClient, issuer: Issuer, path: str, body: object, role: str
) -> None:
    caller = issuer.caller(role)  # type: ignore[arg-type]
    in_chinese, in_english = [
        await client.post(path, json=body, headers=caller | {"Accept-Language": language}) for language in ("zh", "en")
    ]
    assert (in_chinese.status_code, in_english.status_code) == (422, 422)
    chinese, english = in_chinese.json()["errors"], in_english.json()["errors"]
    assert [error["pointer"] for error in chinese] == [error["pointer"] for error in english]
    assert all(HAN.search(error["detail"]) for error in chinese)
    assert not any(HAN.search(error["detail"]) for error in english)


async def test_a_conflict_is_told_in_the_readers_language(courier: Courier, office: Office, issuer: Issuer) -> None:
    rival = Courier(courier.client, issuer, courier.db)
    await courier.register(courier.parcel(await courier.claimed(), waybill="SF1"))
    taken = [rival.parcel(await rival.claimed(), waybill="SF1")]
    for language, named in (("zh-CN,en;q=0.5", "zh-CN"), ("fr", "en")):
        headers = rival.headers | {"Accept-Language": language}
        answer = await rival.client.post("/v1/parcels", json=taken, headers=headers)
        assert (answer.status_code, answer.headers["content-language"]) == (409, named)
        told = [answer.json()["title"], answer.json()["detail"], answer.json()["errors"][0]["detail"]]
        assert all(bool(HAN.search(words)) == (named == "zh-CN") for words in told)


async def test_members_of_one_transaction_are_answered_each_in_its_own_language(
    courier: Courier, issuer: Issuer
) -> None:
    await hear(courier.db, agreed())
    stranger = [courier.parcel(agreed())]
    answers = await asyncio.gather(
        *(
            courier.client.post("/v1/parcels", json=stranger, headers=courier.headers | {"Accept-Language": language})
            for language in ("zh", "en", "zh", "en")
        )
    )
    assert [bool(HAN.search(answer.json()["errors"][0]["detail"])) for answer in answers] == [True, False, True, False]
