"""Sending webhooks: what comes, how often, and what is left of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import monotonic
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.event import listen, remove
from standardwebhooks import Webhook, WebhookVerificationError

from services.matching.webhooks import queries
from services.matching.webhooks.leasing import end_disabled
from services.matching.webhooks.models import Endpoint
from services.matching.webhooks.retrying import Policy
from services.matching.webhooks.service import forget_removed
from tests.services.matching.webhooks.partners import SOON, Partners, sending
from tests.support.sink import OK, RESET, SILENCE, Sink, listening
from tests.support.waiting import until


async def test_what_happens_after_a_webhook_was_made_is_sent_as_the_feed_has_it(partners: Partners) -> None:
    partner = partners.partner()
    await partners.events(partner, 2)
    async with listening(Sink()) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        sink.secrets = [webhook["secret"]]
        await partners.events(partner, 3, start=3)
        await partners.until_all_ended()
    assert (sorted(sink.seqs), sink.unverified) == ([3, 4, 5], 0)
    feed = await partners.client.get("/v1/feed/matches?after=2", headers=partner.headers)
    in_order = sorted(sink.accepted, key=lambda each: each.item["seq"])
    assert b",".join(each.body for each in in_order) == feed.content.removeprefix(b'{"items":[').split(b'],"next"')[0]
    first = in_order[0]
    assert first.message == f"msg_{UUID(webhook['id']).hex}_3"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["user-agent"].startswith("Duijie-Webhooks/")
    assert abs(int(first.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 30
    newest, *_ = await partner.deliveries(webhook)
    assert (newest["seq"], newest["type"], newest["status"], newest["next_try_at"]) == (
        5,
        "match.agreed",
        "delivered",
        None,
    )
    (attempt,) = newest["attempts"]
    assert (attempt["status_code"], attempt["error"]) == (200, None)


async def test_only_the_types_that_were_asked_for_are_sent(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink, sending(partners.db):
        await partner.register(sink.url, "match.released")
        some = await partner.register(sink.url, "match.released", "match.agreed")
        await partners.events(partner, 2)
        await partners.until_all_ended()
    assert sorted(sink.seqs) == [1, 2]
    assert {each.message for each in sink.accepted} == {f"msg_{UUID(some['id']).hex}_{seq}" for seq in (1, 2)}


async def test_every_try_has_the_same_id_and_a_signature_of_its_own_moment_and_after_the_table_it_is_dead(
    partners: Partners,
) -> None:
    partner = partners.partner()
    async with listening(Sink(says=lambda *_: "500 No")) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        sink.secrets = [webhook["secret"]]
        await partners.events(partner, 1)
        (row,) = await partners.until_all_ended()
    assert (row.status, row.tries, row.next_at, row.lease) == ("dead", 4, None, None)
    assert [each["status_code"] for each in row.attempts] == [500] * 4
    assert (len({each.message for each in sink.received}), sink.unverified) == (1, 0)
    gaps_s = [later.at_s - earlier.at_s for earlier, later in pairwise(sink.received)]
    assert all(gap_s >= pause_s for pause_s, gap_s in zip(SOON.pauses_s, gaps_s, strict=True)), gaps_s
    assert (await partner.read(webhook))["failing_since"] is not None


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("301 Moved\r\nLocation: http://127.0.0.1:1/", {"status_code": 301}),
        ("404 Not Found", {"status_code": 404}),
        (RESET, {"error": "cut_off"}),
        (SILENCE, {"error": "timeout"}),
    ],
    ids=["redirect", "404", "reset", "silence"],
)
async def test_what_is_no_2xx_is_a_failure_and_a_redirect_is_not_followed(
    partners: Partners, said: str, told: dict[str, object]
) -> None:
    partner = partners.partner()
    sink = Sink(says=lambda _, nth: said if nth == 1 else "204 No Content")
    async with listening(sink), sending(partners.db, within_s=0.3):
        webhook = await partner.register(sink.url)
        await partners.events(partner, 1)
        (row,) = await partners.until_all_ended()
    attempts = [{name: each[name] for name in each if name not in {"at", "duration_ms"}} for each in row.attempts]
    assert all(0 <= each["duration_ms"] < 30_000 for each in row.attempts)
    assert attempts == [told, {"status_code": 204}]
    assert row.status == "delivered"
    assert (await partner.read(webhook))["failing_since"] is None


async def test_retry_after_is_waited_for(partners: Partners) -> None:
    partner = partners.partner()
    sink = Sink(says=lambda _, nth: "429 Slow\r\nRetry-After: 1" if nth == 1 else OK)
    async with listening(sink), sending(partners.db):
        await partner.register(sink.url)
        await partners.events(partner, 1)
        await partners.until_all_ended()
    first, second = (each.at_s for each in sink.received)
    assert second - first >= 1.0


@pytest.mark.parametrize("absurd", [f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", f"Mon, 01 Jan 2027 00:00:00 +{'9' * 20}"])
async def test_what_one_receiver_says_does_not_stop_what_others_are_sent(partners: Partners, absurd: str) -> None:
    partner = partners.partner()
    absurdly = Sink(says=lambda _, nth: f"429 Slow\r\nRetry-After: {absurd}" if nth == 1 else OK)
    slow = Sink(delay_s=0.3)
    async with listening(absurdly), listening(slow), sending(partners.db):
        for sink in (absurdly, slow):
            await partner.register(sink.url)
        await partners.events(partner, 1)
        rows = await partners.until_all_ended()
    assert [row.status for row in rows] == ["delivered", "delivered"]
    assert {tuple(each.get("status_code") for each in row.attempts) for row in rows} == {(200,), (429, 200)}


class Baffled(Policy):
    """There is an answer with which it fails, whatever that is."""

    def pause_s(self, tries: int, status: int | None, retry_after: str | None, now: datetime) -> float | None:
        if status == 418:
            raise ArithmeticError(retry_after)
        return SOON.pause_s(tries, status, retry_after, now)


async def test_whatever_fails_of_ours_while_one_is_sent_is_a_failed_try_of_that_one(partners: Partners) -> None:
    partner = partners.partner()
    sink = Sink(says=lambda _, nth: "418 Teapot" if nth == 1 else OK)
    async with listening(sink), sending(partners.db, policy=Baffled()):
        await partner.register(sink.url)
        await partners.events(partner, 2)
        rows = await partners.until_all_ended()
    for row in rows:
        failed, good = row.attempts
        assert (failed["error"], good["status_code"], row.status) == ("internal", 200, "delivered")


async def test_410_disables_and_enabled_again_it_goes_on_where_it_was_and_loses_nothing(partners: Partners) -> None:
    partner = partners.partner()
    sink = Sink(says=lambda _, __: "410 Gone")
    async with listening(sink), sending(partners.db):
        webhook = await partner.register(sink.url)
        await partners.events(partner, 1)
        (row,) = await partners.until_all_ended()
        assert row.status == "dead"
        read = await partner.read(webhook)
        assert (read["enabled"], read["disabled_reason"], read["version"]) == (False, "gone", 2)
        await partners.events(partner, 2, start=2)
        await asyncio.sleep(0.2)
        assert len(sink.received) == 1
        sink.says = lambda _, __: OK
        answer = await partner.call("PATCH", f"/{webhook['id']}", {"enabled": True})
        assert (answer.json()["enabled"], answer.json()["disabled_reason"]) == (True, None)
        await until(lambda: sorted(sink.seqs) == [1, 2, 3])
        assert {row.status for row in await partners.until_all_ended()} == {"delivered"}


async def test_who_fails_for_five_days_is_disabled_and_told_so(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink(says=lambda *_: "500 No")) as sink, sending(partners.db, policy=Policy()):
        webhook = await partner.register(sink.url)
        async with partners.db.transaction() as session:
            days = datetime.now(UTC) - timedelta(days=5)
            await session.execute(update(Endpoint).values(failing_since=days))
        await partners.events(partner, 3)
        await until(lambda: len(sink.received) >= 1)
        for row in await partners.until_all_ended():
            assert row.status == "dead"
        read = await partner.read(webhook)
    assert (read["enabled"], read["disabled_reason"]) == (False, "failing")
    assert read["disabled_at"] is not None


async def test_for_a_day_both_secrets_sign(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        rotated = (await partner.call("POST", f"/{webhook['id']}/rotate")).json()
        assert rotated["secret"] != webhook["secret"]
        sink.secrets = [webhook["secret"], rotated["secret"]]
        await partners.events(partner, 1)
        await until(lambda: sink.seqs == [1])
        assert len(sink.received[0].headers["webhook-signature"].split()) == 2
        async with partners.db.transaction() as session:
            await session.execute(update(Endpoint).values(old_secret_until=datetime.now(UTC)))
        sink.secrets = [rotated["secret"]]
        await partners.events(partner, 1, start=2)
        await until(lambda: sink.seqs == [1, 2])
    assert sink.unverified == 0
    last = sink.received[1]
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook["secret"]).verify(last.body, last.headers)


async def test_what_is_asked_for_again_comes_again_under_its_id(partners: Partners) -> None:
    partner = partners.partner()
    await partners.events(partner, 2)
    async with listening(Sink()) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await partners.events(partner, 2, start=3)
        await until(lambda: sorted(sink.seqs) == [3, 4])
        answer = await partner.call("POST", f"/{webhook['id']}/redeliver", {"after_seq": 1})
        assert (answer.status_code, answer.json()["after_seq"], answer.json()["to_send"]) == (200, 1, 3)
        await until(lambda: sorted(sink.seqs) == [2, 3, 3, 4, 4])
        await partners.until_all_ended()
    assert all(each.message == f"msg_{UUID(webhook['id']).hex}_{each.item['seq']}" for each in sink.accepted)
    assert (await partner.read(webhook))["after_seq"] == 4


async def test_of_what_is_asked_for_again_only_the_types_that_are_wanted_are_counted(partners: Partners) -> None:
    partner = partners.partner()
    await partners.events(partner, 3)
    for types, to_send in (([], 3), (["match.released", "match.agreed"], 3), (["match.released"], 0)):
        webhook = await partner.register("https://partner.example/", *types)
        answer = await partner.call("POST", f"/{webhook['id']}/redeliver", {"after_seq": 0})
        assert answer.json()["to_send"] == to_send


async def test_of_a_long_feed_events_are_counted_where_that_takes_no_reading(
    partners: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "LOOKED_THROUGH_MAX", 2)
    partner, statements = partners.partner(), []
    await partners.events(partner, 3)
    every, some = [await partner.register("https://partner.example/", *types) for types in ((), ("match.agreed",))]

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    listen(partners.db.engine.sync_engine, "before_cursor_execute", note)
    try:
        told = [
            (await partner.call("POST", f"/{webhook['id']}/redeliver", {"after_seq": after_seq})).json()["to_send"]
            for webhook, after_seq in ((every, 0), (every, 2), (some, 0))
        ]
        assert not any("feed_items" in each for each in statements)
        again = await partner.register("https://partner.example/", "match.agreed")
        counted = await partner.call("POST", f"/{again['id']}/redeliver", {"after_seq": 1})
    finally:
        remove(partners.db.engine.sync_engine, "before_cursor_execute", note)
    assert told == [3, 3, None], "it is set back to 0 already"
    assert counted.json()["to_send"] == 2


async def test_a_paused_webhook_is_sent_nothing_and_everything_once_it_goes_on(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await partner.call("PATCH", f"/{webhook['id']}", {"enabled": False}, **{"If-Match": "*"})
        await partners.events(partner, 2)
        await asyncio.sleep(0.3)
        assert sink.seqs == []
        await partner.call("PATCH", f"/{webhook['id']}", {"enabled": True}, **{"If-Match": "*"})
        await until(lambda: sorted(sink.seqs) == [1, 2])
        await partners.until_all_ended()
    assert {each["webhook_id"] for each in await partner.deliveries(webhook)} == {
        each.message for each in sink.accepted
    }


async def test_what_is_asked_for_again_while_it_is_sent_comes_once_more(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink(delay_s=0.5)) as sink, sending(partners.db):
        webhook = await partner.register(sink.url)
        await partners.events(partner, 1)
        await until(lambda: len(sink.received) == 1)
        await partner.call("POST", f"/{webhook['id']}/redeliver", {"after_seq": 0})
        await until(lambda: sink.seqs == [1, 1])
        (row,) = await partners.until_all_ended()
    assert (row.status, row.tries, len(row.attempts), sink.at_once_of_one) == ("delivered", 1, 2, 1)


async def test_a_slow_endpoint_and_a_dead_one_do_not_slow_the_others(partners: Partners) -> None:
    partner = partners.partner()
    slow, fast, dead = Sink(delay_s=30), Sink(), Sink(says=lambda *_: SILENCE)
    async with listening(slow), listening(fast), listening(dead), sending(partners.db, in_all=12):
        for sink in (slow, fast, dead):
            await partner.register(sink.url)
        began = monotonic()
        await partners.events(partner, 100)
        await until(lambda: len(fast.seqs) == 100)
    assert monotonic() - began < 10
    assert (slow.at_once, dead.at_once) == (4, 4)
    assert fast.at_once <= 4


async def test_a_worker_that_dies_leaves_its_work_to_the_next_when_its_lease_ends(partners: Partners) -> None:
    partner = partners.partner()
    sink = Sink(says=lambda _, nth: SILENCE if nth == 1 else OK)
    async with listening(sink):
        webhook = await partner.register(sink.url)
        await partners.events(partner, 2)
        async with sending(partners.db, lease_s=21):
            await until(lambda: len(sink.received) == 2)
        assert {row.status for row in await partners.rows()} == {"sending"}
        (newest, _) = await partner.deliveries(webhook)
        assert (newest["status"], newest["next_try_at"], newest["attempts"]) == ("sending", None, [])
        async with sending(partners.db):
            await asyncio.sleep(0.2)
            assert len(sink.received) == 2, "the leases have not ended"
            await partners.end_leases()
            rows = await partners.until_all_ended()
    assert [row.status for row in rows] == ["delivered", "delivered"]
    assert sorted(sink.seqs) == [1, 2]
    assert set(sink.tries.values()) == {2}


async def test_what_came_of_a_try_whose_lease_was_lost_is_for_its_new_holder_to_tell(partners: Partners) -> None:
    partner = partners.partner()
    sink = Sink(says=lambda _, nth: "500 No" if nth == 1 else OK, delay_s=0.4)
    async with listening(sink):
        await partner.register(sink.url)
        await partners.events(partner, 1)
        async with sending(partners.db):
            await until(lambda: len(sink.received) == 1)
            await partners.end_leases()
            (row,) = await partners.until_all_ended()
    assert [each["status_code"] for each in row.attempts] == [200]


async def test_two_workers_share_the_work_and_never_send_one_message_at_the_same_time(partners: Partners) -> None:
    partner = partners.partner()
    sinks = [Sink(delay_s=0.005) for _ in range(3)]
    async with listening(sinks[0]), listening(sinks[1]), listening(sinks[2]), sending(partners.db, workers=2):
        for sink in sinks:
            await partner.register(sink.url)
        await partners.events(partner, 100)
        await partners.until_all_ended()
    for sink in sinks:
        assert sorted(sink.seqs) == list(range(1, 101))
        assert sink.at_once_of_one == 1
        assert sink.at_once <= 4, "of one endpoint, whoever sends"


async def test_events_of_a_deleted_webhook_are_not_sent_any_more(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink:
        webhook = await partner.register(sink.url)
        await partners.events(partner, 2)
        async with sending(partners.db):
            await until(lambda: len(sink.seqs) == 2)
            assert (await partner.call("DELETE", f"/{webhook['id']}")).status_code == 200
            await partners.events(partner, 2, start=3)
            await asyncio.sleep(0.1)
    assert sorted(sink.seqs) == [1, 2]
    assert (await partner.call("GET", f"/{webhook['id']}")).status_code == 404
    await forget_removed(partners.db)
    assert await partners.rows() == []


async def test_a_secret_that_does_not_open_is_a_failure_of_that_webhook_alone(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink, sending(partners.db):
        broken = await partner.register(sink.url)
        await partner.register(sink.url)
        async with partners.db.transaction() as session:
            await session.execute(update(Endpoint).where(Endpoint.id == UUID(broken["id"])).values(secret=b"\x01" * 60))
        await partners.events(partner, 2)
        await partners.until_all_ended()
        assert sorted(sink.seqs) == [1, 2]
        for each in await partner.deliveries(broken):
            assert (each["status"], each["attempts"][-1]["error"]) == ("dead", "internal")


async def test_nothing_that_waits_for_a_disabled_webhook_stays_without_an_end(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink(says=lambda *_: "500 No")) as sink, sending(partners.db, policy=Policy()):
        await partner.register(sink.url)
        await partners.events(partner, 3)
        await until(lambda: len(sink.received) == 3)
    async with partners.db.transaction() as session:
        now = datetime.now(UTC)
        await session.execute(update(Endpoint).values(enabled=False, disabled_reason="gone", disabled_at=now))
    await end_disabled(partners.db)
    assert {row.status for row in await partners.rows()} <= {"dead", "sending"}
