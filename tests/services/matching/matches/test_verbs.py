"""Yes, no, too late and delivered: each verb of a match, with the books of both sides behind it."""

from datetime import timedelta
from math import ceil, floor
from uuid import uuid4

import pytest

from catalogue import places
from catalogue.geodesy import great_circle_km
from contracts.matches import MatchAgreed, MatchEvent, MatchProposed, MatchReleased
from contracts.supply import RemainingChanged
from services.matching.matches import service
from tests.services.matching.scene import NANJING, Scene, books_balance, consume, soon, then, withdrawn


async def test_floor_and_ceiling_are_consent_and_the_price_is_that_of_policy_1(scene: Scene) -> None:
    lot = await scene.lot(min_price_fen_per_kg=1600, quantity_g=1_200_000)
    order = await scene.order(max_price_fen_per_kg=2600, quantity_kg=500)
    await scene.round()
    (match,) = await scene.matches()

    located = places.point_of(NANJING)
    assert located is not None
    km = great_circle_km(118.69, 33.72, located.point.lon, located.point.lat) * 1.3
    freight = ceil((20 + 0.06 * km) * 1.5)  # chilled
    price = 1600 + floor(0.5 * (2600 - freight - 1600))
    assert (match.freight_fen_per_kg, match.price_fen_per_kg) == (freight, price)
    assert match.amount_fen == 500 * price
    assert match.distance_m == pytest.approx(km * 1000, abs=1)
    assert match.arrives_at - match.ready_at == pytest.approx(
        timedelta(hours=4 + km / 60), abs=timedelta(milliseconds=100)
    )

    assert (match.status, match.agree_by) == ("agreed", None)
    assert [type(event) for event in await scene.told_of(MatchEvent)] == [MatchAgreed]
    supply, wanted = await scene.books_of(match)
    assert (supply.held_g, supply.agreed_g, supply.free_g) == (0, 500_000, 700_000)
    assert wanted.status == "filled"
    assert (await scene.read_order(order["id"]))["agreed_kg"] == 500
    assert [(each.remaining_g, each.version) for each in await scene.told_of(RemainingChanged)] == [
        (1_200_000, 1),
        (700_000, 2),
    ]
    assert lot.listing_id == match.listing_id


async def test_a_side_that_has_not_consented_is_asked_and_the_quantity_is_held(scene: Scene) -> None:
    match = await scene.matched(auto_agree=False)
    assert (match.status, match.producer_consents, match.buyer_consents) == ("proposed", True, False)
    assert match.agree_by is not None
    assert match.agree_by - match.created_at == timedelta(minutes=30)
    supply, order = await scene.books_of(match)
    assert (supply.held_g, supply.agreed_g, order.held_g, order.agreed_g) == (500_000, 0, 500_000, 0)
    assert order.status == "open"

    agreed = await scene.answer(match, "buyer", "agree")
    assert agreed.status_code == 200, agreed.text
    assert agreed.json()["status"] == "agreed"
    assert agreed.json()["consents"] == {"producer": True, "buyer": True}
    supply, order = await scene.books_of(match)
    assert (supply.held_g, supply.agreed_g, order.held_g, order.agreed_g) == (0, 500_000, 0, 500_000)
    assert [type(event) for event in await scene.told_of(MatchEvent)] == [MatchProposed, MatchAgreed]


async def test_agreeing_twice_is_the_same_200_and_one_yes_is_not_enough_for_two(scene: Scene) -> None:
    match = await scene.matched(auto_agree=False, lot_agrees=False)
    first = await scene.answer(match, "producer", "agree")
    again = await scene.answer(match, "producer", "agree")
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert (first.json()["status"], first.json()["consents"]) == ("proposed", {"producer": True, "buyer": False})
    last = await scene.answer(match, "buyer", "agree")
    assert last.json()["status"] == "agreed"
    assert (await scene.answer(match, "producer", "agree")).json() == last.json()
    assert len(await scene.told_of(MatchAgreed)) == 1


async def test_a_no_gives_back_on_both_sides_and_stands_with_its_words(scene: Scene) -> None:
    match = await scene.matched(auto_agree=False)
    declined = await scene.answer(match, "buyer", "decline", reason="太远了")
    assert declined.status_code == 200, declined.text
    assert (declined.json()["status"], declined.json()["reason"]) == ("released", "declined")
    assert declined.json()["words"] == "太远了"
    supply, order = await scene.books_of(match)
    assert supply.promised_g == order.promised_g == 0
    (released,) = await scene.told_of(MatchReleased)
    assert (released.reason, released.version) == ("declined", 2)
    assert (await scene.told_of(RemainingChanged))[-1].remaining_g == 1_000_000
    for verb in ("agree", "decline"):
        late = await scene.answer(match, "buyer", verb)
        assert (late.status_code, late.json()["type"]) == (409, "/problems/match-not-open")


async def test_an_agreed_match_cant_be_declined(scene: Scene) -> None:
    match = await scene.matched()
    refused = await scene.answer(match, "producer", "decline")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/match-not-open")
    await books_balance(scene.db)


async def test_after_the_deadline_no_yes_counts_and_the_match_is_released(scene: Scene) -> None:
    match = await scene.matched(auto_agree=False)
    assert await service.release_lapsed(scene.db) == 0
    await scene.let_deadlines_pass()
    assert (await scene.answer(match, "buyer", "agree")).status_code == 409
    assert await service.release_lapsed(scene.db) == 1
    assert await service.release_lapsed(scene.db) == 0
    (released,) = await scene.told_of(MatchReleased)
    assert released.reason == "deadline"
    await books_balance(scene.db)


async def test_the_deadline_is_never_after_the_last_moment_the_lot_can_leave(scene: Scene) -> None:
    await scene.lot(available_until=soon(minutes=10), auto_agree=False)
    await scene.order()
    await scene.round()
    (match,) = await scene.matches()
    assert match.agree_by is not None
    assert match.agree_by < soon(minutes=10)


@pytest.mark.parametrize("how", ["decline", "deadline"])
async def test_a_pair_that_said_no_waits_until_one_side_changes_its_terms(scene: Scene, how: str) -> None:
    lot = await scene.lot(auto_agree=False)
    order = await scene.order()
    await scene.round()
    (match,) = await scene.matches()
    if how == "decline":
        await scene.answer(match, "producer", "decline")
    else:
        await scene.let_deadlines_pass()
        await service.release_lapsed(scene.db)
    assert (await scene.round()).matches == 0
    await consume(scene.db, restored := then(lot, auto_agree=False))  # a change, but none of price, quantity, window
    assert (await scene.round()).matches == 0
    if how == "decline":
        headers = scene.buyer | {"If-Match": "1"}
        raised = await scene.client.patch(
            f"/v1/orders/{order['id']}", json={"max_price_fen_per_kg": 2700}, headers=headers
        )
        assert raised.status_code == 200, raised.text
    else:
        await consume(scene.db, then(restored, min_price_fen_per_kg=1500))
    assert (await scene.round()).matches == 1


async def test_another_order_is_not_kept_from_a_lot_by_one_no(scene: Scene) -> None:
    match = await scene.matched(auto_agree=False)
    await scene.answer(match, "buyer", "decline")
    await scene.order(quantity_kg=7)
    assert (await scene.round()).matched_g == 7_000


async def test_cancelling_an_order_releases_what_was_proposed_and_keeps_what_was_agreed(scene: Scene) -> None:
    await scene.lot(quantity_g=300_000)
    await scene.lot(quantity_g=100_000, auto_agree=False)
    order = await scene.order(quantity_kg=400)
    await scene.round()
    cancelled = await scene.client.post(f"/v1/orders/{order['id']}/cancel", headers=scene.buyer)
    assert cancelled.status_code == 200, cancelled.text
    assert (cancelled.json()["status"], cancelled.json()["agreed_kg"], cancelled.json()["held_kg"]) == (
        "cancelled",
        300,
        0,
    )
    (released,) = await scene.told_of(MatchReleased)
    assert (released.reason, released.quantity_g) == ("order_cancelled", 100_000)
    again = await scene.client.post(f"/v1/orders/{order['id']}/cancel", headers=scene.buyer)
    assert (again.status_code, again.json()) == (200, cancelled.json())
    assert (await scene.round()).matches == 0
    await books_balance(scene.db)


async def test_withdrawing_a_listing_releases_what_was_proposed_of_it(scene: Scene) -> None:
    lot = await scene.lot(auto_agree=False)
    await scene.order()
    await scene.round()
    await consume(scene.db, withdrawn(lot))
    (released,) = await scene.told_of(MatchReleased)
    assert released.reason == "listing_withdrawn"
    assert (await scene.round()).matches == 0
    await books_balance(scene.db)


async def test_withdrawing_a_listing_leaves_what_was_agreed(scene: Scene) -> None:
    lot = await scene.lot()
    await scene.order()
    await scene.round()
    await consume(scene.db, withdrawn(lot))
    (match,) = await scene.matches()
    assert match.status == "agreed"
    assert await scene.told_of(MatchReleased) == []


async def test_someone_elses_match_answers_as_a_missing_one(scene: Scene) -> None:
    match = await scene.matched(auto_agree=False)
    stranger = scene.issuer.caller("platform")
    for method, path in (("GET", ""), ("POST", "/agree"), ("POST", "/decline")):
        theirs = await scene.client.request(method, f"/v1/matches/{match.id}{path}", headers=stranger)
        missing = await scene.client.request(method, f"/v1/matches/{uuid4()}{path}", headers=stranger)
        assert theirs.status_code == missing.status_code == 404
        assert theirs.json() == missing.json()
    admin = scene.issuer.caller("admin")
    assert (await scene.client.get(f"/v1/matches/{match.id}", headers=admin)).status_code == 200
    assert (await scene.client.post(f"/v1/matches/{match.id}/agree", headers=admin)).status_code == 403


async def test_both_sides_list_their_matches_by_status_listing_and_order(scene: Scene) -> None:
    match = await scene.matched(auto_agree=False)
    other = await scene.matched(quantity_kg=3)
    producer = scene.issuer.caller("producer", match.producer_id)
    seen = (await scene.client.get("/v1/matches", headers=producer)).json()["items"]
    assert [each["id"] for each in seen] == [str(match.id)]
    assert seen == [(await scene.client.get(f"/v1/matches/{match.id}", headers=producer)).json()]
    for filters, expected in (
        ({}, [other.id, match.id]),
        ({"status": "proposed"}, [match.id]),
        ({"listing_id": str(other.listing_id)}, [other.id]),
        ({"order_id": str(match.order_id)}, [match.id]),
        ({"status": "fulfilled"}, []),
    ):
        items = (await scene.client.get("/v1/matches", params=filters, headers=scene.buyer)).json()["items"]
        assert [each["id"] for each in items] == [str(id_) for id_ in expected]
    page = (await scene.client.get("/v1/matches?limit=1", headers=scene.buyer)).json()
    rest = (await scene.client.get(f"/v1/matches?limit=1&after={page['next']}", headers=scene.buyer)).json()
    assert [page["items"][0]["id"], rest["items"][0]["id"], rest["next"]] == [str(other.id), str(match.id), None]
