"""Signing in and out on the pages: the sessions of `/v1/auth/token`, in cookies that no script can read."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text, update
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from chassis.db import Database
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts.models import Account
from gateway.app import create_gateway
from gateway.origins import Proxies
from gateway.pages.cookies import ACCESS, SESSION
from gateway.pages.reader import own_path
from gateway.pages.signing.guests import Guest
from gateway.pages.texts import TEXTS
from gateway.proxy import InProcess
from gateway.tokens import FOR_PEOPLE, Lives, Signer
from tests.gateway.support import Phones, bearer, slow
from tests.support.services import client_of

PHONE = "13812345678"
HERE = {"Host": "localhost:8000"}
"""How the demonstration is opened on its own machine."""
GUESTS = [Guest("producer", "泗阳草莓"), Guest("carrier", "顺达")]


async def orders(scope: Scope, receive: Receive, send: Send) -> None:
    """A service that says who asked it."""
    told = dict(scope["headers"]).get(b"authorization", b"").decode()
    await JSONResponse({"items": [], "next": None, "asked_by": told})(scope, receive, send)


@pytest.fixture
def lives() -> Lives:
    return FOR_PEOPLE


@pytest.fixture
async def client(
    db: Database, signer: Signer, vault: Vault, sms: Phones, lives: Lives
) -> AsyncIterator[httpx.AsyncClient]:
    upstreams = {"matching": InProcess(orders), "listing": InProcess(orders)}
    proxies = Proxies.named("127.0.0.1/32")
    gateway = create_gateway(
        db, signer, vault, upstreams, send_code=sms.send, for_people=lives, guests=lambda: GUESTS, proxies=proxies
    )
    async with client_of(gateway) as client:
        yield client


async def enter(client: httpx.AsyncClient, sms: Phones, **more: str) -> httpx.Response:
    """Ask for a code and sign in with it."""
    assert (await client.post("/sign-in", data={"phone": PHONE, **more})).status_code == 200
    return await client.post("/sign-in/code", data={"phone": PHONE, "code": sms.last_code(), **more})


def cookies_of(answer: httpx.Response) -> dict[str, str]:
    """What each cookie is told to be."""
    return {told.partition("=")[0]: told for told in answer.headers.get_list("set-cookie")}


async def test_a_code_to_the_phone_lets_in_and_leads_to_where_one_wanted(
    client: httpx.AsyncClient, sms: Phones
) -> None:
    answer = await enter(client, sms, to="/docs?x=1", role="producer")
    assert (answer.status_code, answer.headers["location"]) == (303, "/docs?x=1")
    for told in cookies_of(answer).values():
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(told.split("; "))
        assert "Secure" not in told
    assert cookies_of(answer).keys() == {ACCESS, SESSION}
    page = await client.get("/docs?lang=en")
    assert "Sign out" in page.text
    assert page.headers["cache-control"] == "private, no-store"
    assert (await client.get("/welcome")).headers["location"] == "/farm"


async def test_over_https_the_cookies_never_go_in_the_clear(client: httpx.AsyncClient, sms: Phones) -> None:
    client.headers["X-Forwarded-Proto"] = "https"
    answer = await enter(client, sms)
    told = cookies_of(answer)
    assert told.keys() == {ACCESS, SESSION}
    assert all(each.endswith("; Secure") for each in told.values())


async def test_a_wrong_code_and_a_wrong_phone_are_said_on_the_form(client: httpx.AsyncClient, sms: Phones) -> None:
    wrong_phone = await client.post("/sign-in?lang=en", data={"phone": "12<b>"})
    assert (wrong_phone.status_code, sms.sent) == (422, [])
    assert 'value="12&lt;b&gt;"' in wrong_phone.text
    assert 'id="phone-fault"' in wrong_phone.text
    assert 'role="alert"' not in wrong_phone.text, "it is said beside the field"
    await client.post("/sign-in", data={"phone": PHONE})
    wrong = f"{(int(sms.last_code()) + 1) % 1_000_000:06}"
    refused = await client.post("/sign-in/code?lang=en", data={"phone": PHONE, "code": wrong})
    assert refused.status_code == 400
    assert 'role="alert"' in refused.text
    assert 'name="code"' in refused.text, "one may try again"
    assert SESSION not in client.cookies


async def test_who_has_an_account_goes_in_as_what_they_are_whatever_they_chose(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    await enter(client, sms, role="producer")
    await client.post("/sign-out")
    async with db.transaction() as session:
        await session.execute(text("UPDATE codes SET sent_at = sent_at - interval '2 minutes'"))
    await enter(client, sms, role="citizen")
    assert (await client.get("/welcome")).headers["location"] == "/farm"


@pytest.mark.parametrize(
    ("to", "checked"), [("", ["citizen"]), ("/farm/new", ["producer"]), ("/board", ["citizen"]), ("/carrier", [])]
)
async def test_the_role_is_proposed_by_where_one_goes(client: httpx.AsyncClient, to: str, checked: list[str]) -> None:
    page = (await client.get("/sign-in", params={"next": to, "lang": "en"})).text
    assert re.findall(r'name="role" value="(\w+)" checked', page) == checked
    assert ("the operator gives those" in page) == (not checked)
    assert page.count(' value="citizen" required>') == (not checked), "nobody becomes a citizen by not looking"


async def test_who_may_not_reads_as_what_they_are_signed_in_and_how_to_get_out(
    client: httpx.AsyncClient, sms: Phones
) -> None:
    await enter(client, sms, role="citizen")
    refused = await client.get("/farm/new?lang=en")
    assert refused.status_code == 403
    assert "You are signed in as <b>Citizen</b>." in refused.text
    assert "A phone number has one role." in refused.text
    assert 'href="/sign-in?next=%2Ffarm%2Fnew&amp;lang=en"' in refused.text
    assert refused.text.count('action="/sign-out"') == 2


async def test_signing_out_ends_the_session_and_not_only_its_cookies(client: httpx.AsyncClient, sms: Phones) -> None:
    await enter(client, sms)
    kept = client.cookies[SESSION]
    answer = await client.post("/sign-out")
    told = cookies_of(answer)
    assert told.keys() >= {ACCESS, SESSION}
    assert all("Max-Age=0" in each for each in told.values())
    assert ACCESS not in client.cookies
    form = {"grant_type": "refresh_token", "refresh_token": kept}
    assert (await client.post("/v1/auth/token", data=form)).json()["error"] == "invalid_grant"


class TestRenewal:
    """With access tokens that are over at once."""

    @pytest.fixture
    def lives(self) -> Lives:
        return Lives(timedelta(seconds=-1), FOR_PEOPLE.idle, FOR_PEOPLE.whole)

    async def test_a_page_renews_what_is_over_and_a_session_that_ended_is_forgotten(
        self, client: httpx.AsyncClient, db: Database, sms: Phones
    ) -> None:
        await enter(client, sms)
        first = client.cookies[SESSION]
        renewed = await client.get("/docs")
        assert cookies_of(renewed).keys() == {ACCESS, SESSION}
        assert client.cookies[SESSION] != first
        async with db.transaction() as session:
            await session.execute(text("DELETE FROM sessions"))
        ended = await client.get("/docs?lang=en")
        assert "Sign in" in ended.text
        assert SESSION not in client.cookies

    @pytest.mark.parametrize("cookie", ["djr_x", "x" * 5000, 'a"b', "djr_%00", ""])
    async def test_a_cookie_that_is_none_of_ours_harms_nothing(self, client: httpx.AsyncClient, cookie: str) -> None:
        page = await client.get("/docs?lang=en", headers={"Cookie": f"{SESSION}={cookie}; {ACCESS}={cookie}"})
        assert page.status_code == 200
        assert "Sign in" in page.text


async def test_no_cookie_of_anothers_making_hides_ours(client: httpx.AsyncClient, sms: Phones) -> None:
    await enter(client, sms)
    mine = f"{ACCESS}={client.cookies[ACCESS]}; {SESSION}={client.cookies[SESSION]}"
    for odd in ('a{b}="1', "no-value", "käse=1", "x=a,b; expires"):
        header = f"{odd}; {mine}; theme=[dark]".encode()
        page = await client.get("/docs?lang=en", headers={b"Cookie": header})  # type: ignore[dict-item]
        assert "Sign out" in page.text, odd


async def test_whatever_who_is_signed_in_gets_is_kept_nowhere_but_what_says_so_itself(
    client: httpx.AsyncClient, sms: Phones
) -> None:
    await enter(client, sms)
    kept = {path: await client.get(path) for path in ("/welcome", "/docs", "/problems/not-found", "/nothing")}
    assert {path: answer.headers["cache-control"] for path, answer in kept.items()} == dict.fromkeys(
        kept, "private, no-store"
    )
    assert all("Cookie" in answer.headers["vary"] for answer in kept.values())
    assert (await client.get("/sw.js")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("chars", [900, 2000])
async def test_who_wanted_a_long_address_signs_in_all_the_same(
    client: httpx.AsyncClient, sms: Phones, chars: int
) -> None:
    wanted = "/board?q=" + "x" * chars
    assert (await client.get("/sign-in", params={"next": wanted})).status_code == 200
    answer = await enter(client, sms, to=wanted, role="citizen")
    assert (answer.status_code, answer.headers["location"]) == (303, wanted if chars < 1000 else "/welcome")


async def test_a_refused_code_is_asked_for_again_in_the_other_language_on_a_page_there_is(
    client: httpx.AsyncClient, sms: Phones
) -> None:
    await client.post("/sign-in", data={"phone": PHONE})
    form = {"phone": PHONE, "code": "x", "to": "/farm?x=1"}
    refused = await client.post("/sign-in/code?lang=en", data=form)
    (other,) = re.findall(r'href="([^"]*)" lang="zh-CN"', refused.text)
    assert other == "/sign-in?next=%2Ffarm%3Fx%3D1&amp;lang=zh-CN"


async def test_who_signs_in_as_another_leaves_no_session_behind(
    client: httpx.AsyncClient, db: Database, sms: Phones
) -> None:
    await client.post("/sign-in/guest", data={"role": "producer", "name": "泗阳草莓"}, headers=HERE)
    first = client.cookies[SESSION]
    await client.post("/sign-in/guest", data={"role": "carrier", "name": "顺达"}, headers=HERE)
    second = client.cookies[SESSION]
    await enter(client, sms)
    for left in (first, second):
        form = {"grant_type": "refresh_token", "refresh_token": left}
        assert (await client.post("/v1/auth/token", data=form)).json()["error"] == "invalid_grant"
    async with db.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM sessions"))).scalar_one() == 1


async def test_an_erased_account_is_out_at_once(client: httpx.AsyncClient, db: Database, sms: Phones) -> None:
    await enter(client, sms)
    async with db.transaction() as session:
        await session.execute(update(Account).values(erased_at=text("now()")))
    app: Any = client._transport.app  # type: ignore[attr-defined]  # httpx keeps it there
    app.state.erased._look_after_s = float("-inf")
    assert "Sign in" in (await client.get("/docs?lang=en")).text


async def test_the_api_takes_no_cookie(client: httpx.AsyncClient, sms: Phones) -> None:
    await enter(client, sms)
    assert (await client.get("/v1/me")).status_code == 401
    assert (await client.get("/v1/orders")).json()["asked_by"] == ""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "http://elsewhere.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://duijie.test"}, 303),
        ({"Origin": "https://duijie.test"}, 403),
        ({}, 303),
    ],
)
async def test_no_other_site_does_anything_in_the_readers_name(
    client: httpx.AsyncClient, sms: Phones, headers: dict[str, str], status: int
) -> None:
    await enter(client, sms)
    answer = await client.post("/sign-out", headers=headers)
    assert answer.status_code == status
    assert (SESSION in client.cookies) == (status == 403)


async def test_a_guest_is_in_with_one_click_and_nobody_else_can_be_had_so(client: httpx.AsyncClient) -> None:
    shown = await client.get("/", headers=HERE)
    assert re.findall(r'name="name" value="([^"]*)"', shown.text) == ["泗阳草莓", "顺达"]
    answer = await client.post("/sign-in/guest", data={"role": "producer", "name": "泗阳草莓"}, headers=HERE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/farm")
    other = await client.post("/sign-in/guest", data={"role": "admin", "name": "泗阳草莓"}, headers=HERE)
    assert other.status_code == 403


async def test_each_guest_says_in_both_languages_what_is_there_to_see_and_do(client: httpx.AsyncClient) -> None:
    for language, said in (("zh-CN", "没卖掉的为什么"), ("en", "what would sell the rest")):
        shown = await client.get("/", headers=HERE | {"Accept-Language": language})
        assert re.search(rf'value="泗阳草莓">.*?<small>[^<]*{said}', shown.text, re.DOTALL)
    assert [role for role in get_args(Role) if f"guest.{role}" not in TEXTS] == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "127.0.0.2", "[::1]", "[::1]:8000"])
async def test_a_guest_may_spell_this_machine_in_every_way(client: httpx.AsyncClient, host: str) -> None:
    assert "泗阳草莓" in (await client.get("/", headers={"Host": host})).text


@pytest.mark.parametrize(
    "host",
    [
        "duijie.test",
        "evil.test:8000",
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "10.0.0.7",
        "[::2]",
        "[::1",
        "::1",
        "",
    ],
)
async def test_a_page_whose_name_was_bound_to_this_machine_is_no_guest(client: httpx.AsyncClient, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert "泗阳草莓" not in (await client.get("/", headers={"Host": host})).text
    answer = await client.post("/sign-in/guest", data={"role": "producer", "name": "泗阳草莓"}, headers=headers)
    assert (answer.status_code, SESSION in client.cookies) == (403, False)


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}])
async def test_guests_are_for_this_machine_alone(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    headers = headers | HERE
    assert "泗阳草莓" not in (await client.get("/", headers=headers)).text
    answer = await client.post("/sign-in/guest", data={"role": "producer", "name": "泗阳草莓"}, headers=headers)
    assert answer.status_code == 403


async def test_from_another_machine_there_are_no_guests(client: httpx.AsyncClient) -> None:
    app: Any = client._transport.app  # type: ignore[attr-defined]
    transport = httpx.ASGITransport(app=app, client=("10.0.0.7", 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as elsewhere:
        assert "泗阳草莓" not in (await elsewhere.get("/")).text
        answer = await elsewhere.post("/sign-in/guest", data={"role": "producer", "name": "泗阳草莓"})
    assert answer.status_code == 403


async def test_everywhere_but_standalone_there_are_no_guests(app: FastAPI) -> None:
    async with client_of(app) as apart:
        assert "/sign-in/guest" not in (await apart.get("/", headers=HERE)).text


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/farm?x=1", "/farm?x=1"),
        ("http://duijie.test/farm", "/farm"),
        ("//elsewhere.test/", "/"),
        ("/\\elsewhere.test", "/"),
        ("https://elsewhere.test//evil.test", "/"),
        ("/board?q=http://foo/bar", "/board?q=http://foo/bar"),
        ("HTTPS://elsewhere.test", "/"),
        ("x/http://elsewhere.test/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_led_to_another_site(address: str, path: str) -> None:
    assert own_path(address) == path


async def test_who_renews_too_often_from_one_address_is_told_to_wait(
    db: Database, signer: Signer, vault: Vault, sms: Phones
) -> None:
    short = Lives(timedelta(seconds=-1), FOR_PEOPLE.idle, FOR_PEOPLE.whole)
    gateway = create_gateway(db, signer, vault, {}, send_code=sms.send, for_people=short, limits=slow)
    async with client_of(gateway) as client:
        await enter(client, sms)
        answers = [await client.get("/static/none", headers=bearer(signer))]
        for _ in range(70):
            answers.append(await client.get("/welcome"))
            if answers[-1].status_code == 429:
                break
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("role", "wanted", "led_to"),
    [
        ("producer", "/carrier", "/farm"),
        ("carrier", "/carrier/routes", "/carrier/routes"),
        ("producer", "/board", "/board"),
    ],
)
async def test_a_guest_is_led_where_such_a_one_has_work(
    client: httpx.AsyncClient, role: str, wanted: str, led_to: str
) -> None:
    name = next(each.name for each in GUESTS if each.role == role)
    answer = await client.post("/sign-in/guest", data={"role": role, "name": name, "to": wanted}, headers=HERE)
    assert answer.headers["location"] == led_to


async def test_where_no_messages_are_sent_the_page_says_where_the_code_is(client: httpx.AsyncClient) -> None:
    for headers, said in ((HERE, True), ({}, False)):
        page = await client.post("/sign-in", data={"phone": PHONE if said else "13812345679"}, headers=headers)
        assert (TEXTS["sign_in.console"].en in page.text) is said
