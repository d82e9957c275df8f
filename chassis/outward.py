"""Requests to addresses that somebody else chose, which must not lead into the house.

The name is resolved here, every address that it has is looked at, and the connection goes to one that was looked at:
what a name leads to a moment later makes no difference. TLS is verified against the name all the same. No redirect is
followed, no cookie kept, no proxy of the environment asked: of HTTP this is the bare client, httpcore.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from ipaddress import ip_address
from typing import Any, Literal, NoReturn

import httpcore

from chassis.addresses import Target, UrlRefused, is_public, target_of

KEPT_ALIVE = 16  # of each that is idle httpcore asks at every request whether it still is
IDLE_S = 5.0
ANSWER_WITHIN_S = 15.0
CONNECTED_WITHIN_S = 5.0
READ_AT_MOST_B = 4096
DISCARDED_WITHIN_S = 0.5
RESOLVED_WITHIN_S = 5.0
RESOLVED_AT_ONCE = 64

Found = list[tuple[Any, ...]]
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Fault = Literal["address_refused", "timeout", "tls", "unreachable", "cut_off"]


class AddressRefused(httpcore.ConnectError):
    """The name leads, or also leads, to an address that is not public."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: a status, or the kind of fault that left it without one."""

    status: int | None = None
    fault: Fault | None = None
    retry_after: str | None = None

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Resolver:
    """The system's, each name in a thread of its own, for which nobody waits at the end.

    Names that nobody answers for must hold up neither who resolves others nor the end of the process: an executor's
    threads are waited for then, even after `shutdown(wait=False)`. A place is free when its thread has ended, not when
    its asker gave up, so that no dead nameserver makes more threads than there are places.
    """

    def __init__(self, within_s: float = RESOLVED_WITHIN_S) -> None:
        self._places = asyncio.Semaphore(RESOLVED_AT_ONCE)
        self._within_s = within_s

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(self._within_s):
                await self._places.acquire()
                found = await self._asked(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the name was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name has no address") from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def _asked(self, ask: Callable[[], Found]) -> "asyncio.Future[Found]":
        answer: Future[Found] = Future()
        answer.set_running_or_notify_cancel()
        answer.add_done_callback(partial(self._free, asyncio.get_running_loop()))

        def run() -> None:
            try:
                answer.set_result(ask())
            except Exception as error:
                answer.set_exception(error)

        try:
            threading.Thread(target=run, name="resolve", daemon=True).start()
        except RuntimeError as error:  # the system has no thread left: the place is free again all the same
            answer.set_exception(error)
        return asyncio.wrap_future(answer)

    def _free(self, loop: asyncio.AbstractEventLoop, _: object) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(self._places.release)


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to public addresses alone, and to none at all of a name that has another, too."""

    def __init__(self, resolve: Resolve, *, allow_private: bool = False) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        if not self._allow_private and not all(is_public(ip_address(each)) for each in addresses):
            raise AddressRefused("not an address on the public internet")
        failed: httpcore.NetworkError | httpcore.TimeoutException = httpcore.ConnectError("the name has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(self, *_: object, **__: object) -> NoReturn:
        raise AddressRefused("not an address on the public internet")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


@cache
def _roots() -> ssl.SSLContext:
    """Whom this system trusts; reading all of them takes 40 ms."""
    return ssl.create_default_context()


class Outward:
    """Posts to anyone's URL. One a process; whoever made it closes it."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
        within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self._allow_private = allow_private
        self._within_s = within_s
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trust or _roots(),
            max_connections=None,  # who posts has a limit; a queue here would cost the square of its length
            max_keepalive_connections=KEPT_ALIVE,
            keepalive_expiry=IDLE_S,
            network_backend=CheckedBackend(resolve or Resolver(), allow_private=allow_private),
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What the other side says, or why it said nothing, within `within_s`. Raises nothing for a fault of theirs."""
        try:
            target = target_of(url, allow_private=self._allow_private)
            async with asyncio.timeout(self._within_s):
                return await self._exchange(target, body, headers)
        except (UrlRefused, AddressRefused):
            return Answer(fault="address_refused")
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(fault="timeout")
        except httpcore.ConnectError as error:
            return Answer(fault="tls" if isinstance(error.__context__, ssl.SSLError) else "unreachable")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            return Answer(fault="cut_off")

    async def _exchange(self, target: Target, body: bytes, headers: Mapping[str, str]) -> Answer:
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        sent = {"Host": target.authority, **headers}
        timeouts = {"connect": CONNECTED_WITHIN_S, "pool": self._within_s}
        async with self._pool.stream(
            "POST", url, headers=[*sent.items()], content=body, extensions={"timeout": timeouts}
        ) as response:
            answer = Answer(response.status, retry_after=_header(response, b"retry-after"))
            with suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):  # the status was said
                async with asyncio.timeout(DISCARDED_WITHIN_S):
                    await _discard(response)
            return answer

    async def aclose(self) -> None:
        await self._pool.aclose()


async def _discard(response: httpcore.Response) -> None:
    """Read a short body to its end, so that the connection serves again; a longer one is given up with it."""
    read_b = 0
    async for chunk in response.aiter_stream():
        read_b += len(chunk)
        if read_b > READ_AT_MOST_B:
            return


def _header(response: httpcore.Response, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), None)
