"""An account that was erased has no webhooks any more: nothing is sent, and nothing of them is kept."""

from uuid import UUID

import pytest
from sqlalchemy import select

from contracts.accounts import AccountErased
from services.matching.webhooks import service
from services.matching.webhooks.models import Endpoint
from services.matching.worker import forget_erased
from tests.services.matching.scene import consume
from tests.services.matching.webhooks.partners import Partner, Partners, sending
from tests.support.sink import Sink, listening
from tests.support.waiting import until


def erased(partner: Partner) -> AccountErased:
    return AccountErased(account_id=partner.account_id, version=2, role="platform")


async def test_webhooks_go_with_their_secrets_and_deliveries_and_those_of_others_stay(partners: Partners) -> None:
    gone, other = partners.partner(), partners.partner()
    async with listening(Sink()) as sink:
        await gone.register(sink.url)
        await gone.register(f"{sink.url}/second")
        kept = await other.register(sink.url)
        await partners.events(gone, 3)
        await partners.events(other, 1)
        async with sending(partners.db):
            await until(lambda: len(sink.seqs) == 7)
            await partners.until_all_ended()
    await consume(partners.db, erased(gone))
    await forget_erased(partners.db)
    async with partners.db.reading() as session:
        assert list(await session.scalars(select(Endpoint.id))) == [UUID(kept["id"])]
    assert [(row.endpoint_id, row.seq) for row in await partners.rows()] == [(UUID(kept["id"]), 1)]
    await consume(partners.db, erased(gone))
    await forget_erased(partners.db)
    assert len(await partners.rows()) == 1, "hearing of it twice is the same"


async def test_nothing_is_sent_after_it_and_what_is_under_way_leaves_no_trace(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink(delay_s=0.3)) as sink, sending(partners.db):
        await partner.register(sink.url)
        await partners.events(partner, 1)
        await until(lambda: len(sink.received) == 1)
        await consume(partners.db, erased(partner))
        await partners.events(partner, 2, start=2)
        await forget_erased(partners.db)
        await until(lambda: sink.seqs == [1])
        other = partners.partner()
        await other.register(sink.url)
        await partners.events(other, 1)
        (row,) = await partners.until_all_ended()
    assert (row.seq, row.status, sink.seqs) == (1, "delivered", [1, 1])


async def test_between_the_news_and_the_forgetting_nothing_is_sent(partners: Partners) -> None:
    partner = partners.partner()
    async with listening(Sink()) as sink:
        await partner.register(sink.url)
        await partners.events(partner, 1)
        await consume(partners.db, erased(partner))
        async with sending(partners.db):
            other = partners.partner()
            kept = await other.register(sink.url)
            await partners.events(other, 1)
            (row,) = await partners.until_all_ended()
    assert (row.endpoint_id, row.status, sink.seqs) == (UUID(kept["id"]), "delivered", [1])


async def test_however_much_was_sent_it_is_deleted_some_at_a_time(
    partners: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FORGET_BATCH", 2)
    partner = partners.partner()
    async with listening(Sink()) as sink, sending(partners.db):
        await partner.register(sink.url)
        await partners.events(partner, 5)
        await until(lambda: len(sink.seqs) == 5)
    await consume(partners.db, erased(partner))
    assert len(await partners.rows()) == 5, "the news itself deletes none"
    await forget_erased(partners.db)
    assert await partners.rows() == []
    async with partners.db.reading() as session:
        assert list(await session.scalars(select(Endpoint.id))) == []
