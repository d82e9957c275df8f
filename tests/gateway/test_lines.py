"""Connections to a service: taken again while they are open, one request at a time, never more than allowed."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway import lines as module
from gateway.lines import Lines, LinesExhausted
from tests.support.http import served


class Service:
    """Answers with the number of the client's port, as late as it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.at_work = 0

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        self.at_work += 1
        await self.go_on.wait()
        body = str(scope["client"][1]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})
        self.at_work -= 1

    async def works_on(self, requests: int) -> None:
        """Wait until so many have come and none of them is answered."""
        async with asyncio.timeout(5):
            while self.at_work < requests:
                await asyncio.sleep(0.01)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def url(service: Service) -> AsyncIterator[str]:
    async with served(service) as url:
        yield url


@pytest.fixture
async def lines() -> AsyncIterator[Lines]:
    lines = Lines(open_max=3)
    yield lines
    await lines.aclose()


async def port(lines: Lines, url: str) -> str:
    async with lines.sent(httpx.Request("GET", url)) as response:
        return (await response.aread()).decode()


async def test_one_after_the_other_they_share_a_connection(lines: Lines, url: str) -> None:
    assert len({await port(lines, url) for _ in range(5)}) == 1
    assert lines.idle == 1


async def test_at_once_each_has_its_own_and_all_are_kept(lines: Lines, url: str, service: Service) -> None:
    service.go_on.clear()
    asking = asyncio.gather(*(port(lines, url) for _ in range(3)))
    await service.works_on(3)
    service.go_on.set()
    assert len(set(await asking)) == 3
    assert lines.idle == 3


async def test_one_too_many_is_refused_at_once_and_there_is_room_again_afterwards(
    lines: Lines, url: str, service: Service
) -> None:
    service.go_on.clear()
    asking = [asyncio.create_task(port(lines, url)) for _ in range(3)]
    await service.works_on(3)
    with pytest.raises(LinesExhausted):
        await port(lines, url)
    service.go_on.set()
    await asyncio.gather(*asking)
    assert await port(lines, url)


async def test_whoever_gives_up_gives_its_place_back(lines: Lines, url: str, service: Service) -> None:
    service.go_on.clear()
    for given_up in range(5):
        asking = asyncio.create_task(port(lines, url))
        await service.works_on(given_up + 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    service.go_on.set()
    assert await port(lines, url)


async def test_what_was_idle_for_long_is_closed_by_the_next_request(
    lines: Lines, url: str, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.go_on.clear()
    asking = asyncio.gather(*(port(lines, url) for _ in range(3)))
    await service.works_on(3)
    service.go_on.set()
    await asking
    later_s = asyncio.get_running_loop().time() + module.IDLE_S + 0.1
    monkeypatch.setattr(module, "_now_s", lambda: later_s)
    await port(lines, url)
    assert lines.idle == 1


async def test_a_service_that_is_not_there_is_a_transport_error(lines: Lines) -> None:
    with pytest.raises(httpx.ConnectError):
        await port(lines, "http://127.0.0.1:1")
    assert lines.idle == 1
