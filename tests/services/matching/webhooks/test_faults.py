"""Whatever fails, each event comes to an end at each webhook. `tests/faults/test_webhooks.py` has ten times as many."""

from tests.services.matching.webhooks.faults import deliver_among_faults
from tests.services.matching.webhooks.partners import Partners


async def test_300_deliveries_end_delivered_or_recorded_dead_whatever_fails(partners: Partners) -> None:
    await deliver_among_faults(partners, events=15)
