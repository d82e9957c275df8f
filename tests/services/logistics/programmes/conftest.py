"""Two officers and a programme."""

import httpx
import pytest

from tests.services.logistics.programmes.officers import Officers
from tests.support.services import Issuer
from tests.support.subsidies import Office


@pytest.fixture
async def officers(client: httpx.AsyncClient, issuer: Issuer, office: Office) -> Officers:
    return Officers(client, issuer, await office.open())
