"""What a process of ours does while it runs: it listens, serves, works in the background, and ends when told.

On asyncio's own loop: under uvloop a connection that was reset at once has no socket any more, for which anyio asks,
and the gateway would answer 500.
"""

import asyncio
import errno
import gc
import resource
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chassis.ending import ended
from chassis.streams import end_streams
from chassis.worker import Worker
from duijie.garbage import look_seldom
from duijie.postgres_settings import LOOPBACK
from duijie.problems import PortTaken

DRAIN_S = 5
HEAD_S = 10.0
"""From a connection, or a request's first byte, to the end of its headers."""
LINGER_S = 10.0
FILES = 65_536


def tune_memory() -> None:
    """Look for cycles of garbage less often, and never among what was loaded at the start.

    Python looks at every living object again and again while many are made: a third of a consumer's time.
    """
    gc.collect()
    gc.freeze()
    look_seldom()


def take_files() -> None:
    """Open as many files as we may: each stream is a socket, at the gateway two, and a shell gives 1,024 at first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def told_to_stop() -> asyncio.Event:
    """Set by SIGINT or SIGTERM from now on."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def until_either(stop: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Return when told to stop, or when one of these has ended: the HTTP server, which then has failed, say."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()


@contextmanager
def listening(port: int, host: str = LOOPBACK) -> Iterator[socket.socket]:
    """The socket to answer on; 0 takes a free port. Raises PortTaken."""
    try:
        listener = socket.create_server((host, port), backlog=1024)
    except OSError as error:
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
        raise PortTaken(f"Port {port} of {host} {why}; choose another.") from error
    with listener:
        # Accepted connections inherit it. Nobody else would set it: asyncio looks for IPPROTO_TCP, and this socket's
        # protocol is 0. Without it the second half of an answer waits 40 ms for the acknowledgement of the first.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


@asynccontextmanager
async def working(workers: Sequence[Worker]) -> AsyncIterator[None]:
    """The workers, for as long as the block lasts."""
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        await ended(*tasks)


class _Impatient(HttpToolsProtocol):
    """Ends a connection that says nothing whole: uvicorn's own patience begins behind the first request alone.

    A body that comes slowly is ended by `gateway.patience`, with an answer. What nobody waits for any more, since the
    answer was given before the body's end, is read for `LINGER_S`: at once would keep the client from the answer.

    One timer a connection looks when it is due, and is set anew only where it would look too late: a timer for each
    request was a thirtieth of a small answer's time.
    """

    _timer: asyncio.TimerHandle | None = None
    _due_s: float | None = None
    """By the loop's clock; None while there is nothing to wait for."""
    _is_whole = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._close_in(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_whole = False
        self._close_in(HEAD_S)

    def on_headers_complete(self) -> None:
        self._due_s = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_whole = True
        self._due_s = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_whole:
            self._close_in(LINGER_S)

    def _close_in(self, seconds: float) -> None:
        self._due_s = self.loop.time() + seconds
        if self._timer is None or self._timer.when() > self._due_s:
            self._look_at(self._due_s)

    def _look_at(self, moment_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(moment_s, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due_s is None:
            return
        if self._due_s <= self.loop.time():
            self.transport.close()
        else:
            self._look_at(self._due_s)


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: here a signal ends more than the HTTP server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: FastAPI, listener: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    """The HTTP server, for as long as the block lasts; its task ends early only if it fails."""
    take_files()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_S,
        server_header=False,
        proxy_headers=False,
        http=_Impatient,
        ws="none",
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0.01)
    try:
        yield task
    finally:
        end_streams(app)
        server.should_exit = True
        await task
