"""An officer who settles a fund of a hundred parcels with a carrier."""

import pytest

from tests.services.logistics.settlements.settling import Settling
from tests.support.subsidies import RATE_FEN, Courier, Office


@pytest.fixture
async def settling(office: Office, courier: Courier) -> Settling:
    return Settling(office, courier, await office.open(budget_fen=100 * RATE_FEN))
