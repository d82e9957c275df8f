"""A match on a buyer's page, as it goes on."""

import httpx
import pytest

from tests.gateway.pages.orders.test_orders import PAGE, a_match, an_order, buyer, matching, show, upstreams
from tests.gateway.pages.played import Played

__all__ = ["buyer", "matching", "upstreams"]


@pytest.mark.parametrize(("status", "is_expected"), [("agreed", True), ("fulfilled", False)])
async def test_what_was_delivered_is_expected_no_more(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str], status: str, is_expected: bool
) -> None:
    show(matching, an_order(), a_match(status=status, agree_by=None))
    page = (await client.get(PAGE, headers=buyer)).text
    assert ("11-30 08:30" in page) is is_expected
