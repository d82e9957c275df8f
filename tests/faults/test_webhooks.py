"""5,000 deliveries to servers that fail three times in ten (500, reset, timeout, 429, 301, 410); workers die, too."""

import pytest

from tests.services.matching.conftest import db
from tests.services.matching.webhooks.conftest import client, partners
from tests.services.matching.webhooks.faults import deliver_among_faults
from tests.services.matching.webhooks.partners import Partners

__all__ = ["client", "db", "partners"]


@pytest.mark.timeout(600)
async def test_5000_deliveries_end_delivered_or_recorded_dead_whatever_fails(partners: Partners) -> None:
    await deliver_among_faults(partners, events=250)
