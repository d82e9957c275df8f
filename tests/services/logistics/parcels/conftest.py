"""A carrier and an officer over the service's application."""

import httpx
import pytest

from chassis.db import Database
from tests.support.services import Issuer
from tests.support.subsidies import Courier, Office


@pytest.fixture
def courier(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> Courier:
    return Courier(client, issuer, db)


@pytest.fixture
def office(client: httpx.AsyncClient, issuer: Issuer) -> Office:
    return Office(client, issuer)
