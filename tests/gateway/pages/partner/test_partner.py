"""A partner's page: keys by the gateway itself, webhooks by matching, secrets shown once and kept by nobody."""

import re
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from chassis.db import Database
from chassis.outward import Fault
from chassis.vault import Vault
from contracts.accounts import Role
from gateway.accounts.service import account_for
from gateway.pages.partner.texts import TEXTS
from gateway.tokens import Signer
from tests.gateway.pages.played import Played
from tests.gateway.support import bearer

EN = {"Accept-Language": "en"}
HOOK = str(uuid4())


def a_webhook(**changes: Any) -> dict[str, Any]:
    return {
        "id": HOOK,
        "version": 3,
        "url": "https://partner.example/",
        "types": [],
        "enabled": True,
        "disabled_reason": None,
        "failing_since": None,
        **changes,
    }


@pytest.fixture
def matching() -> Played:
    played = Played()
    played.say("/v1/webhooks", {"items": [a_webhook()], "next": None})
    played.say(f"/v1/webhooks/{HOOK}", a_webhook())
    attempt = {"at": "2026-11-29T00:00:00Z", "status_code": None, "error": "unreachable", "duration_ms": None}
    delivery = {"seq": 7, "type": "match.agreed", "status": "waiting", "attempts": [attempt], "match_id": HOOK}
    delivery |= {"next_try_at": "2026-11-29T00:05:00Z", "ended_at": None}
    ended = delivery | {"seq": 6, "status": "dead", "next_try_at": None, "ended_at": "2026-11-29T00:00:00Z"}
    played.say(f"/v1/webhooks/{HOOK}/deliveries", {"items": [delivery, ended], "next": None})
    played.say("/v1/feed/matches", {"items": [], "next": 0})
    return played


@pytest.fixture
def upstreams(matching: Played) -> dict[str, Any]:
    return {"matching": matching.upstream}


async def person(db: Database, vault: Vault, signer: Signer, role: Role = "platform") -> dict[str, str]:
    async with db.transaction() as session:
        account = await account_for(session, vault, role, "拼好货")
    return bearer(signer, role, account.id) | EN


async def test_a_key_is_made_with_one_tap_and_its_secret_is_on_no_page_afterwards(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer
) -> None:
    headers = await person(db, vault, signer)
    made = await client.post("/partner/keys", data={"key": "tap"}, headers=headers)
    again = await client.post("/partner/keys", data={"key": "tap"}, headers=headers)
    ids, secrets = (
        [re.findall(f'id="{name}">([^<]+)<', each.text) for each in (made, again)] for name in ("client-id", "secret")
    )
    assert (made.status_code, ids[0], secrets[0]) == (201, ids[1], secrets[1])
    assert "no-store" in made.headers["cache-control"]
    page = (await client.get("/partner", headers=headers)).text
    assert ids[0][0] in page
    assert secrets[0][0] not in page
    form = {"grant_type": "client_credentials", "client_id": ids[0][0], "client_secret": secrets[0][0]}
    assert (await client.post("/v1/auth/token", data=form)).status_code == 200
    revoked = await client.post(f"/partner/keys/{ids[0][0]}/revoke", data={}, headers=headers)
    assert revoked.headers["location"] == "/partner"
    assert (await client.post("/v1/auth/token", data=form)).status_code == 401


async def test_a_key_is_revoked_though_matching_does_not_answer(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, matching: Played
) -> None:
    matching.away = True
    headers = await person(db, vault, signer)
    await client.post("/partner/keys", data={"key": "tap"}, headers=headers)
    page = await client.get("/partner", headers=headers)
    assert (page.status_code, page.text.count("This can&#39;t be read just now")) == (200, 2)
    (revoke,) = re.findall(r'action="(/partner/keys/[^"]*/revoke)"', page.text)
    assert (await client.post(revoke, data={}, headers=headers)).status_code == 303


async def test_a_carrier_has_keys_and_no_webhooks(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, matching: Played
) -> None:
    page = await client.get("/partner", headers=await person(db, vault, signer, "carrier"))
    assert "hear of shipments" in page.text
    assert "<code>/v1/feed/shipments/open</code>" in page.text
    assert "<code>/v1/feed/shipments</code>" in page.text
    assert 'action="/partner/keys"' in page.text
    assert ('action="/partner/webhooks"' in page.text, matching.asked) == (False, [])


async def test_a_webhooks_deliveries_tell_the_last_answer_and_the_next_try(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer
) -> None:
    page = (await client.get(f"/partner/webhooks/{HOOK}", headers=await person(db, vault, signer))).text
    for shown in ("unreachable", "11-29 08:05", "waiting", "agreed"):
        assert shown in page


@pytest.mark.parametrize("fault", [*get_args(Fault), "internal"])
async def test_why_nothing_was_answered_is_in_the_readers_language(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, matching: Played, fault: str
) -> None:
    attempt = {"at": "2026-11-29T00:00:00Z", "status_code": None, "error": fault, "duration_ms": None}
    delivery = {"seq": 7, "type": "match.agreed", "status": "dead", "attempts": [attempt], "match_id": HOOK}
    delivery |= {"next_try_at": None, "ended_at": "2026-11-29T00:00:00Z"}
    matching.say(f"/v1/webhooks/{HOOK}/deliveries", {"items": [delivery], "next": None})
    headers = await person(db, vault, signer)
    for language in ("en", "zh-CN"):
        page = await client.get(f"/partner/webhooks/{HOOK}", headers=headers | {"Accept-Language": language})
        assert f"{TEXTS[f'delivery.fault.{fault}'].in_language(language)} <small>11-29 08:00" in page.text


async def test_sending_again_enabling_and_deleting_ask_what_the_api_takes(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, matching: Played
) -> None:
    headers, path = await person(db, vault, signer), f"/v1/webhooks/{HOOK}"
    matching.say(f"{path}/redeliver", a_webhook(), method="POST")
    matching.say(path, a_webhook(), method="PATCH")
    matching.say(path, a_webhook(), method="DELETE")
    sent = {"redeliver": {"after_seq": "6", "key": "k"}, "enable": {"version": "3"}, "delete": {}}
    to = [
        (await client.post(f"/partner/webhooks/{HOOK}/{verb}", data=form, headers=headers)).headers["location"]
        for verb, form in sent.items()
    ]
    assert to == [f"/partner/webhooks/{HOOK}"] * 2 + ["/partner"]
    (again,) = matching.requests("POST", f"{path}/redeliver")
    (enabled,) = matching.requests("PATCH", path)
    assert (again.body, again.headers["idempotency-key"]) == ({"after_seq": 6}, "k")
    assert (enabled.body, enabled.headers["if-match"]) == ({"enabled": True}, "3")
    assert len(matching.requests("DELETE", path)) == 1


async def test_a_ping_is_asked_for_with_one_tap_and_the_page_tells_what_was_answered(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, matching: Played
) -> None:
    headers, path = await person(db, vault, signer), f"/v1/webhooks/{HOOK}"
    assert "The last" not in (await client.get(f"/partner/webhooks/{HOOK}", headers=headers)).text
    attempt = {"at": "2026-11-29T00:00:00Z", "status_code": 204, "error": None, "duration_ms": 37}
    ping = {"seq": 0, "type": "webhook.ping", "status": "delivered", "attempts": [attempt], "ended_at": attempt["at"]}
    matching.say(f"{path}/ping", ping, method="POST", status=202)
    matching.say(f"{path}/deliveries/0", ping)
    sent = await client.post(f"/partner/webhooks/{HOOK}/ping", data={"key": "k"}, headers=headers)
    assert (sent.status_code, sent.headers["location"]) == (303, f"/partner/webhooks/{HOOK}")
    assert matching.requests("POST", f"{path}/ping")[0].headers["idempotency-key"] == "k"
    assert "204 · 37 ms" in (await client.get(sent.headers["location"], headers=headers)).text


async def test_one_delivery_that_has_ended_is_sent_again_by_its_own_button(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, matching: Played
) -> None:
    headers, here = await person(db, vault, signer), f"/partner/webhooks/{HOOK}"
    page = (await client.get(here, headers=headers)).text
    assert re.findall(r'action="([^"]*/deliveries/[^"]*)"', page) == [f"{here}/deliveries/6/redeliver"]
    matching.say(f"/v1/webhooks/{HOOK}/deliveries/6/redeliver", {}, method="POST")
    sent = await client.post(f"{here}/deliveries/6/redeliver", data={"key": "k"}, headers=headers)
    assert (sent.status_code, sent.headers["location"]) == (303, here)
    refused = await client.post(f"{here}/deliveries/5/redeliver", data={"key": "k"}, headers=headers)
    assert (refused.status_code, "There is none." in refused.text) == (404, True)


@pytest.mark.parametrize("reason", ["gone", "failing", "paused"])
async def test_a_disabled_webhook_says_why_and_offers_nothing_that_would_be_refused(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, matching: Played, reason: str
) -> None:
    matching.say(f"/v1/webhooks/{HOOK}", a_webhook(enabled=False, disabled_reason=reason))
    page = (await client.get(f"/partner/webhooks/{HOOK}", headers=await person(db, vault, signer))).text
    assert "enabled it goes on where it stopped" in page
    assert re.findall(r'action="([^"]*/(?:ping|deliveries)[^"]*)"', page) == []


async def test_a_url_that_is_refused_stays_in_its_field(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, matching: Played
) -> None:
    fault = {"pointer": "#/url", "detail": "inside the house"}
    matching.refuse("/v1/webhooks", "invalid-request", 422, errors=[fault])
    form = {"url": "http://127.0.0.1/", "type": "match.agreed"}
    page = await client.post("/partner/webhooks", data=form, headers=await person(db, vault, signer))
    assert page.status_code == 422
    assert 'value="http://127.0.0.1/"' in page.text
    assert page.text.count("inside the house") == 1, "beside its field, and not above the form as well"
    assert matching.requests("POST", "/v1/webhooks")[0].body == {"url": "http://127.0.0.1/", "types": ["match.agreed"]}


@pytest.mark.parametrize("role", ["producer", "citizen", "auditor"])
async def test_other_roles_have_no_such_page(client: httpx.AsyncClient, signer: Signer, role: Role) -> None:
    assert (await client.get("/partner", headers=bearer(signer, role))).status_code == 403


async def test_the_other_language_of_a_refused_form_is_a_page_there_is(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer, matching: Played
) -> None:
    headers = await person(db, vault, signer)
    matching.refuse("/v1/webhooks", "invalid-request", 422)
    matching.refuse(f"/v1/webhooks/{HOOK}/redeliver", "invalid-request", 422)
    here = {"/partner/webhooks": "/partner", f"/partner/webhooks/{HOOK}/redeliver": f"/partner/webhooks/{HOOK}"}
    for posted, shown in here.items():
        refused = await client.post(posted, data={}, headers=headers)
        assert (refused.status_code, f'href="{shown}?lang=zh-CN"' in refused.text) == (422, True), posted


async def test_whatever_ends_something_for_programs_says_what_and_is_asked_twice(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer
) -> None:
    headers = await person(db, vault, signer)
    await client.post("/partner/keys", data={"key": "tap"}, headers=headers)
    pages = [(await client.get(path, headers=headers)).text for path in ("/partner", f"/partner/webhooks/{HOOK}")]
    folded = "".join(re.findall(r"<details>.*?</details>", "".join(pages), re.DOTALL))
    for verb in ("rotate", "revoke", "delete"):
        forms = [len(re.findall(f'action="[^"]*/{verb}"', each)) for each in ("".join(pages), folded)]
        assert forms[0] == forms[1] > 0, verb
    for told in ("sign in with this key stop at once", "until they have the new one", "Nothing is sent any more"):
        assert told in folded


async def test_a_new_key_is_shown_with_a_command_that_can_be_copied_as_it_is(
    client: httpx.AsyncClient, db: Database, vault: Vault, signer: Signer
) -> None:
    made = await client.post("/partner/keys", data={"key": "tap"}, headers=await person(db, vault, signer))
    assert re.search(r"client_secret=… https?://[^/\s]+/v1/auth/token</pre>", made.text)
