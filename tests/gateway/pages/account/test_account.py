"""One's own account on its page: name, sessions, data to take along, and an end that is asked for twice."""

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from chassis.db import Database
from gateway.pages.cookies import SESSION
from tests.gateway.pages.played import Played
from tests.gateway.support import Phones

PHONE = "13812345678"
EN = {"Accept-Language": "en"}


@pytest.fixture
def upstreams() -> dict[str, Any]:
    services = Played()
    for name in ("matches", "shipments", "webhooks"):
        services.say(f"/v1/{name}", {"items": [], "next": None})
    services.say("/v1/orders", {"items": [{"number": 7}], "next": None})
    return {"matching": services.upstream, "logistics": services.upstream}


@pytest.fixture
async def person(client: httpx.AsyncClient, sms: Phones) -> httpx.AsyncClient:
    """Somebody who has signed in by phone on the pages."""
    await client.post("/sign-in", data={"phone": PHONE})
    await client.post("/sign-in/code", data={"phone": PHONE, "code": sms.last_code()})
    client.headers.update(EN)
    return client


async def a_minute_later(db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(text("UPDATE codes SET sent_at = sent_at - interval '2 minutes'"))


async def test_an_account_shows_who_one_is_and_never_the_whole_phone(person: httpx.AsyncClient) -> None:
    page = (await person.get("/account")).text
    for shown in ("138****5678", "Citizen", "Sign out everywhere"):
        assert shown in page
    assert PHONE not in page


async def test_who_is_nobody_is_led_to_sign_in(client: httpx.AsyncClient) -> None:
    for path in ("/account", "/account/export"):
        assert (await client.get(path)).headers["location"].startswith("/sign-in?next=")
    assert (await client.post("/account/erased", data={"code": "1"})).headers["location"].startswith("/sign-in")


async def test_a_name_is_changed_from_the_version_that_was_shown(person: httpx.AsyncClient) -> None:
    saved = await person.post("/account", data={"name": "李 <家>", "version": "1"})
    page = (await person.get(saved.headers["location"])).text
    assert "李 &lt;家&gt;" in page
    assert "The name is saved." in page
    assert "The name is saved." not in (await person.get("/account")).text
    stale = await person.post("/account", data={"name": "other", "version": "1"})
    assert (stale.status_code, 'value="other"' in stale.text) == (412, True)
    empty = await person.post("/account", data={"name": " ", "version": "2"})
    assert (empty.status_code, 'role="alert"' in empty.text) == (422, False), "it is said beside the field"
    assert 'id="name-fault">Give a name.<' in empty.text


async def test_signing_out_everywhere_ends_every_session(person: httpx.AsyncClient, db: Database) -> None:
    assert (await person.post("/account/sessions")).headers["location"] == "/"
    assert SESSION not in person.cookies
    async with db.reading() as session:
        left = await session.scalar(text("SELECT count(*) FROM sessions WHERE expires_at > now()"))
    assert left == 0


async def test_one_session_is_ended_and_the_others_stay(person: httpx.AsyncClient, sms: Phones, db: Database) -> None:
    await a_minute_later(db)
    await person.post("/v1/auth/otp", json={"phone": PHONE})
    form = {"grant_type": "otp", "phone": PHONE, "code": sms.last_code()}
    assert (await person.post("/v1/auth/token", data=form)).status_code == 200
    page = (await person.get("/account")).text
    other, here = re.findall(r'name="session_id" value="([^"]*)"', page)
    assert page.count(">this device<") == 1
    ended = await person.post("/account/sessions", data={"session_id": other})
    assert "You are signed out there." in (await person.get(ended.headers["location"])).text
    assert re.findall(r'name="session_id" value="([^"]*)"', (await person.get("/account")).text) == [here]
    assert (await person.post("/account/sessions", data={"session_id": other})).status_code == 404
    assert (await person.post("/account/sessions", data={"session_id": here})).headers["location"] == "/"
    assert SESSION not in person.cookies


async def test_the_export_is_a_file_with_what_is_held(person: httpx.AsyncClient) -> None:
    answer = await person.get("/account/export")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith("attachment")
    told = answer.json()
    assert told["account"]["phone"] == f"+86{PHONE}"
    assert [each["number"] for each in told["orders"]] == [7]


async def test_an_account_is_erased_after_a_second_question_alone(
    person: httpx.AsyncClient, sms: Phones, db: Database
) -> None:
    await a_minute_later(db)
    asked = await person.post("/account/erase")
    assert asked.status_code == 200
    assert 'action="/account/erased"' in asked.text
    code = sms.last_code()
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    refused = await person.post("/account/erased", data={"code": wrong})
    assert (refused.status_code, 'role="alert"' in refused.text) == (409, True)
    assert (await person.get("/account")).status_code == 200
    erased = await person.post("/account/erased", data={"code": code})
    assert (erased.status_code, erased.headers["location"]) == (303, "/")
    assert SESSION not in person.cookies
    async with db.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM accounts WHERE phone_hash IS NOT NULL")) == 0


async def test_where_forms_are_sent_to_leads_back_to_the_page(person: httpx.AsyncClient) -> None:
    for path in ("/account/erase", "/account/erased", "/account/sessions"):
        assert (await person.get(path)).headers["location"] == "/account"
        assert (await person.get(f"{path}?lang=en")).headers["location"] == "/account?lang=en"


async def test_the_page_is_in_both_languages(person: httpx.AsyncClient) -> None:
    chinese = (await person.get("/account?lang=zh-CN")).text
    assert re.search(r"<h1>我的账户</h1>", chinese)
    assert re.search(r"<h1>Your account</h1>", (await person.get("/account?lang=en")).text)
