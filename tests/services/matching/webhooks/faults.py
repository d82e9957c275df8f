"""Partners' servers that fail three times in ten, and workers that die in the middle."""

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any

from tests.services.matching.webhooks.partners import Partner, Partners, sending
from tests.support.sink import OK, RESET, SILENCE, Says, Sink, listening

FAULTS = ["500 No", RESET, SILENCE, "429 Slow\r\nRetry-After: 0", "301 Moved\r\nLocation: /"]
ACCOUNTS, WEBHOOKS_EACH = 5, 4

Hook = tuple[Partner, dict[str, Any], Sink]


def failing(rng: random.Random, faults: list[str]) -> Says:
    return lambda _, __: rng.choice(faults) if rng.random() < 0.3 else OK


async def deliver_among_faults(partners: Partners, events: int) -> None:
    """`events` of each account to each of its webhooks: each has to end delivered, or recorded dead."""
    rng = random.Random(12)
    hooks: list[Hook] = []
    async with AsyncExitStack() as stack:
        owners = [partners.partner() for _ in range(ACCOUNTS)]
        for owner in owners:
            for number in range(WEBHOOKS_EACH):
                faults = [*FAULTS, "410 Gone"] if number == 0 else FAULTS
                sink = await stack.enter_async_context(listening(Sink(says=failing(rng, faults))))
                webhook = await owner.register(sink.url)
                sink.secrets = [webhook["secret"]]
                hooks.append((owner, webhook, sink))
        await asyncio.gather(*[partners.events(owner, events) for owner in owners])
        async with sending(partners.db, workers=2, within_s=1.5):
            await asyncio.sleep(0.5)  # and the first two are gone, with what they were sending
        await partners.end_leases()
        async with sending(partners.db, workers=2, within_s=1.5):
            await end_with_gone_ones_enabled(partners, hooks, events)
    ends = {(row.endpoint_id.hex, row.seq): row for row in await partners.rows()}
    assert len(ends) == ACCOUNTS * WEBHOOKS_EACH * events
    for _, webhook, sink in hooks:
        assert sink.unverified == 0
        assert sink.at_once_of_one == 1
        hook_id = webhook["id"].replace("-", "")
        mine = {row.seq: row for (endpoint, _), row in ends.items() if endpoint == hook_id}
        assert sorted(mine) == list(range(1, events + 1))
        delivered = {seq for seq, row in mine.items() if row.status == "delivered"}
        assert delivered <= set(sink.seqs), "nothing is called delivered that was not accepted"
        assert {each.message for each in sink.received} <= {f"msg_{hook_id}_{seq}" for seq in mine}
        assert all(each.message == f"msg_{hook_id}_{each.item['seq']}" for each in sink.received)
    statuses = [row.status for row in ends.values()]
    assert statuses.count("delivered") > 0.5 * len(statuses)


async def end_with_gone_ones_enabled(partners: Partners, hooks: list[Hook], events: int) -> None:
    """Their owners mend what answered 410, and enable them again, until nothing is left."""
    while True:
        rows = await partners.until_all_ended(within_s=500)
        gone = [hook for hook in hooks if not (await hook[0].read(hook[1]))["enabled"]]
        if not gone and len(rows) == len(hooks) * events:
            return
        for owner, webhook, sink in gone:
            sink.says = failing(random.Random(webhook["url"]), FAULTS)
            await owner.call("PATCH", f"/{webhook['id']}", {"enabled": True})
        await asyncio.sleep(0.05)
