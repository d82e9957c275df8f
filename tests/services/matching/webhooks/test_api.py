"""Webhooks from outside: what is made, shown once, changed and refused, and by whom nothing is seen."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from chassis.tables import IDEMPOTENCY
from contracts.accounts import Role
from services.matching.feed.models import FeedType
from services.matching.webhooks.leasing import forget_old
from services.matching.webhooks.models import Delivery, Endpoint
from services.matching.webhooks.service import Desk
from tests.chassis.private_spellings import urls_inside
from tests.services.matching.scene import VAULT
from tests.services.matching.webhooks.partners import Partners

URL = "https://partner.example/hook"
BUYERS = {"platform", "group_leader", "citizen", "admin"}


async def test_the_secret_is_shown_once_and_kept_sealed(partners: Partners) -> None:
    partner = partners.partner()
    answer = await partner.call("POST", json={"url": URL})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert (made["url"], made["types"], made["enabled"], made["after_seq"]) == (URL, [], True, 0)
    assert made["secret"].startswith("whsec_")
    for path in ("", f"/{made['id']}", f"/{made['id']}/deliveries"):
        shown = await partner.call("GET", path)
        assert shown.status_code == 200
        assert "secret" not in shown.json()
        assert "whsec_" not in shown.text
    async with partners.db.reading() as session:
        row = await session.get_one(Endpoint, UUID(made["id"]))
    assert made["secret"].removeprefix("whsec_").encode() not in row.secret
    assert VAULT.open(row.secret, f"webhook_endpoints.secret {made['id']}") == made["secret"]


async def test_a_repeat_with_the_same_key_is_the_same_webhook_and_its_secret_is_not_readable_in_the_record(
    partners: Partners,
) -> None:
    partner, key = partners.partner(), {"Idempotency-Key": "a"}
    first = await partner.call("POST", json={"url": URL}, **key)
    again = await partner.call("POST", json={"url": URL}, **key)
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, '"1"')
    other = await partner.call("POST", json={"url": f"{URL}/2"}, **key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len((await partner.call("GET")).json()["items"]) == 1
    async with partners.db.reading() as session:
        (kept,) = (await session.scalars(select(IDEMPOTENCY.c.body))).all()
    assert b"whsec_" not in kept
    rotate = [await partner.call("POST", f"/{first.json()['id']}/rotate", **{"Idempotency-Key": "b"}) for _ in "12"]
    assert rotate[0].content == rotate[1].content
    assert rotate[0].json()["secret"] != first.json()["secret"]


async def test_a_new_webhook_begins_where_the_feed_is(partners: Partners) -> None:
    partner = partners.partner()
    await partners.events(partner, 3)
    assert (await partner.register(URL))["after_seq"] == 3


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/url"),
        ({"url": 1}, "#/url"),
        ({"url": ""}, "#/url"),
        ({"url": "https://a.b/" + "x" * 2000}, "#/url"),
        ({"url": "ftp://a.b/"}, "#/url"),
        ({"url": "https://u:p@a.b/"}, "#/url"),
        ({"url": URL, "types": ["match.eaten"]}, "#/types/0"),
        ({"url": URL, "types": "match.agreed"}, "#/types"),
        ({"url": URL, "types": None}, "#/types"),
        ({"url": URL, "types": ["match.agreed"] * 51}, "#/types"),
        ({"url": URL, "secret": "whsec_mine"}, "#/secret"),
        ({"url": URL, "enabled": True}, "#/enabled"),
        ({"url": URL, "account_id": str(uuid4())}, "#/account_id"),
        ({"url": URL, "after_seq": 0}, "#/after_seq"),
    ],
)
async def test_what_can_not_be_is_refused_with_its_place(partners: Partners, body: Any, pointer: str) -> None:
    answer = await partners.partner().call("POST", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_an_address_inside_is_refused_in_the_callers_language(partners: Partners) -> None:
    partners.client._transport.app.state.webhooks = Desk(VAULT)  # type: ignore[attr-defined]
    partner = partners.partner()
    webhook = await partner.register(URL)
    said = {"zh-CN": "须为公网地址。", "en": "It must be an address on the public internet."}
    for language, text in said.items():
        for call in (("POST", ""), ("PATCH", f"/{webhook['id']}")):
            answer = await partner.call(*call, {"url": "http://127.1/"}, **{"Accept-Language": language})
            assert answer.json()["errors"] == [{"pointer": "#/url", "detail": text}]
    for url in urls_inside()[::7]:  # `tests/chassis/test_addresses.py` has all of them
        answer = await partner.call("POST", json={"url": url})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/url"), url
    assert len((await partner.call("GET")).json()["items"]) == 1


async def test_an_account_has_ten_at_most_also_when_all_are_asked_for_at_once(partners: Partners) -> None:
    partner = partners.partner()
    answers = await asyncio.gather(*[partner.call("POST", json={"url": URL}) for _ in range(14)])
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 4
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert (refused.json()["type"], "10" in refused.json()["detail"]) == ("/problems/too-many-webhooks", True)
    items = (await partner.call("GET")).json()["items"]
    assert (await partner.call("DELETE", f"/{items[0]['id']}")).json() == items[0]
    assert (await partner.call("POST", json={"url": URL})).status_code == 201
    assert (await partners.partner().call("POST", json={"url": URL})).status_code == 201


async def test_lists_turn_page_by_page_newest_first(partners: Partners) -> None:
    partner = partners.partner()
    made = [(await partner.register(f"{URL}/{number}"))["id"] for number in range(3)]
    first = (await partner.call("GET", "?limit=2")).json()
    rest = (await partner.call("GET", f"?limit=2&after={first['next']}")).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None


async def test_a_change_needs_the_version_and_counts_it(partners: Partners) -> None:
    partner = partners.partner()
    webhook = await partner.register(URL, "match.agreed")
    path = f"/{webhook['id']}"
    changed = await partner.call("PATCH", path, {"types": ["match.released"], "url": f"{URL}/2"}, **{"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["url"], changed.json()["types"]) == (f"{URL}/2", ["match.released"])
    stale = await partner.call("PATCH", path, {"types": []}, **{"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale-version")
    nothing = await partner.call("PATCH", path, {}, **{"If-Match": '"2"'})
    assert (nothing.status_code, nothing.json()["version"]) == (200, 2)
    wrong = await partner.call("PATCH", path, {"enabled": "no"})
    assert wrong.json()["errors"] == [{"pointer": "#/enabled", "detail": "It must be true or false."}]
    off = await partner.call("PATCH", path, {"enabled": False}, **{"If-Match": '"2"'})
    assert (off.json()["enabled"], off.json()["disabled_reason"], off.json()["version"]) == (False, "paused", 3)
    still = await partner.call("PATCH", path, {"enabled": False}, **{"If-Match": '"3"'})
    assert still.json()["disabled_at"] == off.json()["disabled_at"]
    on = await partner.call("PATCH", path, {"enabled": True}, **{"If-Match": "*"})
    assert (on.json()["enabled"], on.json()["disabled_reason"]) == (True, None)


async def test_a_place_beyond_the_end_of_the_feed_is_refused_and_tells_the_end(partners: Partners) -> None:
    partner = partners.partner()
    webhook = await partner.register(URL)
    answer = await partner.call("POST", f"/{webhook['id']}/redeliver", {"after_seq": 1})
    assert answer.json()["errors"] == [{"pointer": "#/after_seq", "detail": "The feed ends at 0 now."}]


OF_ONE: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("PATCH", "", {"types": []}),
    ("GET", "/deliveries", None),
    ("POST", "/redeliver", {"after_seq": 0}),
    ("POST", "/rotate", None),
    ("POST", "/deliveries/1/redeliver", None),
    ("GET", "/deliveries/1", None),
    ("DELETE", "", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OF_ONE, ids=[f"{method} {path}" for method, path, _ in OF_ONE])
async def test_what_is_anothers_answers_as_a_missing_one_and_an_admin_sees_all(
    partners: Partners, method: str, path: str, body: Any
) -> None:
    owner, stranger = partners.partner(), partners.partner("citizen")
    webhook = await owner.register(URL)
    await ended(partners, webhook, {1: "delivered"}, days_ago=1)
    theirs = await stranger.call(method, f"/{webhook['id']}{path}", body)
    missing = await stranger.call(method, f"/{uuid4()}{path}", body)
    assert (theirs.status_code, theirs.json()) == (404, missing.json())
    assert (await stranger.call("GET")).json()["items"] == []
    assert await owner.read(webhook) == {name: webhook[name] for name in webhook if name != "secret"}
    assert (await partners.partner("admin").call(method, f"/{webhook['id']}{path}", body)).status_code == 200


@pytest.mark.parametrize("role", get_args(Role))
async def test_only_buyers_and_an_admin_have_webhooks(partners: Partners, role: Role) -> None:
    answer = await partners.partner(role).call("POST", json={"url": URL, "types": list(get_args(FeedType))})
    assert answer.status_code == (201 if role in BUYERS else 403)


@pytest.mark.parametrize("body", [{}, {"after_seq": -1}, {"after_seq": "1"}, {"after_seq": 2**63}, {"after_seq": 1.5}])
async def test_a_place_in_the_feed_that_can_not_be_is_refused(partners: Partners, body: Any) -> None:
    partner = partners.partner()
    webhook = await partner.register(URL)
    answer = await partner.call("POST", f"/{webhook['id']}/redeliver", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/after_seq")


async def test_deliveries_turn_page_by_page_and_by_status_and_are_forgotten_after_30_days(partners: Partners) -> None:
    partner = partners.partner()
    webhook = await partner.register(URL)
    await ended(partners, webhook, {1: "delivered", 2: "dead", 3: "delivered", 4: "dead"}, days_ago=29)
    assert [each["seq"] for each in await partner.deliveries(webhook)] == [4, 3, 2, 1]
    assert [each["seq"] for each in await partner.deliveries(webhook, "?limit=2&after=4")] == [3, 2]
    assert [each["seq"] for each in await partner.deliveries(webhook, "?status=dead")] == [4, 2]
    for query in ("?status=eaten", "?after=0", "?after=x", "?limit=0"):
        answer = await partner.call("GET", f"/{webhook['id']}/deliveries{query}")
        assert answer.status_code == 422, query
    assert await forget_old(partners.db) == 0
    await ended(partners, webhook, {5: "dead"}, days_ago=31)
    assert await forget_old(partners.db) == 1
    assert [each["seq"] for each in await partner.deliveries(webhook)] == [4, 3, 2, 1]


async def ended(partners: Partners, webhook: dict[str, Any], statuses: dict[int, Any], days_ago: int) -> None:
    """These were sent, and came to their end then."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    async with partners.db.transaction() as session:
        session.add_all(
            Delivery(
                endpoint_id=UUID(webhook["id"]),
                seq=seq,
                type="match.agreed",
                status=status,
                tries=1,
                attempts=[{"at": at.isoformat(), "status_code": 200}],
                ended_at=at,
            )
            for seq, status in statuses.items()
        )
