"""A match on a buyer's page, as it goes on, and what a buyer says to it."""

import re
from typing import Any

import httpx
import pytest

from tests.gateway.pages.orders.test_orders import MATCH, PAGE, a_match, an_order, buyer, matching, show, upstreams
from tests.gateway.pages.played import Played

__all__ = ["buyer", "matching", "upstreams"]


@pytest.mark.parametrize(("status", "is_expected"), [("agreed", True), ("fulfilled", False)])
async def test_what_was_delivered_is_expected_no_more(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str], status: str, is_expected: bool
) -> None:
    show(matching, an_order(), a_match(status=status, agree_by=None))
    page = (await client.get(PAGE, headers=buyer)).text
    assert ("11-30 08:30" in page) is is_expected


@pytest.mark.parametrize(
    ("form", "path", "body"),
    [
        ({"action": "cancel"}, f"/v1{PAGE}/cancel", None),
        ({"action": "agree", "match_id": MATCH}, f"/v1/matches/{MATCH}/agree", None),
        ({"action": "decline", "match_id": MATCH}, f"/v1/matches/{MATCH}/decline", {"reason": None}),
        (
            {"action": "decline", "match_id": MATCH, "words": "too dear"},
            f"/v1/matches/{MATCH}/decline",
            {"reason": "too dear"},
        ),
    ],
    ids=["cancel", "agree", "decline", "decline with words"],
)
async def test_what_one_says_is_passed_on_under_a_key(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str], form: dict[str, str], path: str, body: Any
) -> None:
    matching.say(path, {}, method="POST")
    done = await client.post(PAGE, data=form | {"key": "k"}, headers=buyer)
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    (sent,) = matching.requests("POST", path)
    assert (sent.headers["idempotency-key"].partition("-")[0], sent.body) == ("k", body)
    matching.refuse(path, "match-not-open", 409)
    refused = await client.post(PAGE, data=form, headers=buyer)
    assert (refused.status_code, "because match-not-open" in refused.text) == (409, True)


async def test_each_answer_to_a_match_has_a_key_of_its_own_so_that_coming_back_to_the_form_tells_the_truth(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    said = ({"action": "agree"}, {"action": "agree"}, {"action": "decline"}, {"action": "decline", "words": "late"})
    for verb in ("agree", "decline"):
        matching.say(f"/v1/matches/{MATCH}/{verb}", a_match(), method="POST")
    for each in said:
        await client.post(PAGE, data={"key": "of-the-form", "match_id": MATCH, **each}, headers=buyer)
    keys = [each.headers["idempotency-key"] for each in matching.asked if each.method == "POST"]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


async def test_who_declines_may_say_why(client: httpx.AsyncClient, buyer: dict[str, str]) -> None:
    page = (await client.get(PAGE, headers=buyer)).text
    (field,) = re.findall(r'<input[^>]*name="words"[^>]*>', page)
    assert 'maxlength="1000"' in field
