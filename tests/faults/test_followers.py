"""A thousand readers behind the gateway, dropped at random again and again, miss nothing and hear nothing twice."""

import pytest

from duijie.postgres import EmbeddedPostgres
from tests.support.followers import all_hear_everything
from tests.support.services import Issuer, service_database


@pytest.mark.parametrize("way", ["in process", "over HTTP"])
async def test_a_thousand_readers_hear_everything_once_and_in_order(
    postgres: EmbeddedPostgres, issuer: Issuer, way: str
) -> None:
    async with service_database(postgres, "matching") as db:
        await all_hear_everything(db, issuer, way, 1000)
