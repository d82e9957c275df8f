"""Trying a webhook out: a ping, and one delivery sent again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from services.matching.webhooks.models import Delivery, Endpoint
from tests.services.matching.webhooks.partners import Partner, Partners, match_id, sending
from tests.support.sink import OK, Sink, listening
from tests.support.waiting import until


async def waits_no_more(partners: Partners) -> None:
    """The seconds between two pings pass."""
    async with partners.db.transaction() as session:
        past = datetime.now(UTC) - timedelta(minutes=1)
        await session.execute(update(Delivery).where(Delivery.ended_at.is_not(None)).values(ended_at=past))


async def ping(partner: Partner, webhook: dict[str, str]) -> dict[str, object]:
    answer = await partner.call("POST", f"/{webhook['id']}/ping")
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/webhooks/{webhook['id']}/deliveries/0"
    told: dict[str, object] = answer.json()
    return told


async def became(partner: Partner, webhook: dict[str, str], seq: int = 0) -> dict[str, object]:
    told: dict[str, object] = (await partner.call("GET", f"/{webhook['id']}/deliveries/{seq}")).json()
    return told


async def test_a_ping_comes_signed_as_every_event_whatever_types_were_asked_for(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink, sending(partners.db):
        webhook = await partner.register(sink.url, "match.released")
        sink.secrets = [webhook["secret"]]
        told = await ping(partner, webhook)
        assert (told["seq"], told["type"], told["status"], told["match_id"]) == (0, "webhook.ping", "waiting", None)
        await partners.until_all_ended()
    (came,) = sink.accepted
    assert sink.unverified == 0
    assert came.message == told["webhook_id"]
    assert came.item.keys() == {"seq", "type", "at", "webhook"}
    assert (came.item["seq"], came.item["type"], came.item["webhook"]) == (0, "webhook.ping", {"id": webhook["id"]})
    assert abs(datetime.fromisoformat(came.item["at"]) - datetime.now(UTC)) < timedelta(seconds=30)
    after = await became(partner, webhook)
    (attempt,) = after["attempts"]  # type: ignore[misc]
    assert (after["status"], attempt["status_code"]) == ("delivered", 200)
    assert 0 <= attempt["duration_ms"] < 30_000
    (shown,) = await partner.deliveries(webhook)
    assert shown == after


async def test_each_ping_has_an_id_of_its_own_and_one_under_way_is_not_sent_twice(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink:
        webhook = await partner.register(sink.url)
        first = await ping(partner, webhook)
        assert await ping(partner, webhook) == first
        async with sending(partners.db):
            await partners.until_all_ended()
            await waits_no_more(partners)
            second = await ping(partner, webhook)
            assert second["attempts"] == []
            await partners.until_all_ended()
    assert [each.message for each in sink.accepted] == [first["webhook_id"], second["webhook_id"]]
    assert first["webhook_id"] != second["webhook_id"]


async def test_the_next_ping_goes_out_five_seconds_after_the_last(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await ping(partner, webhook)
        (first,) = await partners.until_all_ended()
        await ping(partner, webhook)
    (second,) = await partners.rows()
    assert (second.status, second.next_at - first.ended_at) == ("waiting", timedelta(seconds=5))  # type: ignore[operator]
    assert len(sink.received) == 1


async def test_a_ping_is_tried_once_and_says_nothing_of_how_long_a_webhook_fails(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink(says=lambda *_: "500 No")) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await ping(partner, webhook)
        (row,) = await partners.until_all_ended()
    assert (row.status, row.tries, len(sink.received)) == ("dead", 1, 1)
    read = await partner.read(webhook)
    assert (read["enabled"], read["failing_since"]) == (True, None)


async def test_a_ping_that_is_taken_ends_a_time_of_failing_and_410_disables(partners: Partners) -> None:
    partner = partners.partner()
    says = {"is": OK}
    async with listening(Sink(says=lambda *_: says["is"])) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        async with partners.db.transaction() as session:
            await session.execute(update(Endpoint).values(failing_since=datetime.now(UTC)))
        await ping(partner, webhook)
        await partners.until_all_ended()
        assert (await partner.read(webhook))["failing_since"] is None
        await waits_no_more(partners)
        says["is"] = "410 Gone"
        await ping(partner, webhook)
        await partners.until_all_ended()
        assert (await partner.read(webhook))["disabled_reason"] == "gone"


async def test_nothing_of_a_disabled_webhook_is_asked_for_and_its_old_ping_is_not_taken_up_again(
    partners: Partners,
) -> None:
    partner = partners.partner()
    async with listening(Sink(says=lambda *_: "410 Gone")) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await ping(partner, webhook)
        await partners.until_all_ended()
        refused = await partner.call("POST", f"/{webhook['id']}/ping")
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/webhook-disabled")
        await partner.call("PATCH", f"/{webhook['id']}", {"enabled": True})
        assert (await became(partner, webhook))["status"] == "dead"
    assert len(sink.received) == 1


async def test_one_delivery_is_sent_again_under_its_id_and_no_other(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await partners.events(partner, 3)
        await partners.until_all_ended()
        again = await partner.call("POST", f"/{webhook['id']}/deliveries/2/redeliver")
        assert (again.status_code, again.json()["seq"], again.json()["status"]) == (200, 2, "waiting")
        await partners.until_all_ended()
    assert sorted(sink.seqs) == [1, 2, 2, 3]
    assert len({each.message for each in sink.accepted}) == 3
    after = await became(partner, webhook, 2)
    assert (after["status"], len(after["attempts"])) == ("delivered", 2)  # type: ignore[arg-type]
    assert after["match_id"] == str(match_id(2))
    assert [each["match_id"] for each in await partner.deliveries(webhook)] == [str(match_id(n)) for n in (3, 2, 1)]


async def test_what_was_given_up_starts_its_tries_anew(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink(says=lambda *_: "500 No")) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await partners.events(partner, 1)
        await partners.until_all_ended()
        await partner.call("POST", f"/{webhook['id']}/deliveries/1/redeliver")
        (row,) = await partners.until_all_ended()
    assert (row.status, row.tries, len(sink.received)) == ("dead", 4, 8)


async def test_what_is_being_sent_is_sent_once_more_after_that(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink(delay_s=0.5)) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await partners.events(partner, 1)
        await until(lambda: len(sink.received) == 1)
        again = await partner.call("POST", f"/{webhook['id']}/deliveries/1/redeliver")
        assert again.json()["status"] == "sending"
        (row,) = await partners.until_all_ended()
    assert (sink.seqs, len(row.attempts)) == ([1, 1], 2)


async def test_an_event_of_a_disabled_webhook_is_not_sent_again(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink(says=lambda *_: "410 Gone")) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await partners.events(partner, 1)
        await partners.until_all_ended()
        refused = await partner.call("POST", f"/{webhook['id']}/deliveries/1/redeliver")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/webhook-disabled")


async def test_a_ping_is_not_sent_again_but_by_its_own_route_which_pauses(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await ping(partner, webhook)
        await partners.until_all_ended()
        refused = await partner.call("POST", f"/{webhook['id']}/deliveries/0/redeliver")
        await partners.until_all_ended()
    assert refused.status_code == 404
    assert len(sink.received) == 1


@pytest.mark.parametrize("seq", [0, 7, 2**63 - 1])
async def test_a_delivery_that_is_not_there_answers_404(partners: Partners, seq: int) -> None:
    partner = partners.partner()
    webhook = await partner.register("https://partner.example/")
    path = f"/{UUID(webhook['id'])}/deliveries/{seq}"
    assert (await partner.call("GET", path)).status_code == 404
    assert (await partner.call("POST", f"{path}/redeliver")).status_code == 404


async def test_a_double_tap_on_a_ping_is_one_ping(partners: Partners) -> None:
    partner, key = partners.partner(), {"Idempotency-Key": "tap"}
    webhook = await partner.register("https://partner.example/")
    first = await partner.call("POST", f"/{webhook['id']}/ping", **key)
    again = await partner.call("POST", f"/{webhook['id']}/ping", **key)
    assert (again.content, again.headers["location"]) == (first.content, first.headers["location"])
