"""Something small asked of a service: all of it, or that it is not available."""

import pytest

from gateway.fetch import fetch
from gateway.proxy import ServiceUnavailable
from tests.gateway.test_proxy import Stage, upstream_of


@pytest.mark.parametrize("kind", ["in process", "over HTTP"])
async def test_a_service_that_dies_in_mid_answer_is_not_available(kind: str) -> None:
    async with upstream_of(kind, Stage()) as upstream:
        with pytest.raises(ServiceUnavailable):
            await fetch(upstream, "/v1/listings/broken")


@pytest.mark.parametrize("kind", ["in process", "over HTTP"])
async def test_a_whole_answer_is_handed_on(kind: str) -> None:
    async with upstream_of(kind, Stage()) as upstream:
        fetched = await fetch(upstream, "/v1/listings/echo", "x=1")
    assert (fetched.status, fetched.json()["query"]) == (200, "x=1")
