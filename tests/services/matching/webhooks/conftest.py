"""Partners with webhooks, over a database of their own, and workers that send."""

from collections.abc import AsyncIterator

import httpx
import pytest

from chassis.db import Database
from services.matching.app import create_matching_app
from services.matching.webhooks.service import Desk
from tests.services.matching.scene import VAULT
from tests.services.matching.webhooks.partners import Partners
from tests.support.services import Issuer, client_of, kept_app


@pytest.fixture
async def client(db: Database, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    """Where webhooks may lead inside, as sinks are there."""
    desk = Desk(VAULT, allow_private=True)
    app = kept_app(create_matching_app, db, issuer.keys, None, desk)
    app.state.webhooks = desk
    async with client_of(app) as http:
        yield http


@pytest.fixture
def partners(db: Database, client: httpx.AsyncClient, issuer: Issuer) -> Partners:
    return Partners(db, client, issuer)
