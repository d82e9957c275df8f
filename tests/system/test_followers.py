"""Readers behind the gateway, dropped at random again and again, miss nothing and hear nothing twice.

Fewer than they should be: all thousand are in tests/faults/test_followers.py.
"""

import pytest

from duijie.postgres import EmbeddedPostgres
from tests.support.followers import all_hear_everything
from tests.support.services import Issuer, service_database


@pytest.mark.parametrize(("way", "readers"), [("in process", 200), ("over HTTP", 100)])
async def test_readers_that_are_dropped_at_random_hear_everything_once_and_in_order(
    postgres: EmbeddedPostgres, issuer: Issuer, way: str, readers: int
) -> None:
    async with service_database(postgres, "matching") as db:
        await all_hear_everything(db, issuer, way, readers)
