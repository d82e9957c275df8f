"""A TCP proxy that misbehaves on demand: it stands between any two of gateway, service, PostgreSQL and broker.

It runs in a thread with an event loop of its own, so that a test can change its mind from anywhere.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

HOST = "127.0.0.1"
CHUNK_B = 64 * 1024
LOOK_EVERY_S = 0.05

Way = Literal["both", "there", "back"]
"""`there` is from who connected to whom it wanted."""


@dataclass(slots=True)
class Mood:
    """How the proxy behaves now; changed as a whole, read by every connection."""

    delay_s: float = 0.0
    bytes_per_s: float | None = None
    swallows: Way | None = None
    refuses: bool = False


class Proxy:
    """Forwards what comes to `port` to `target` on loopback."""

    def __init__(self, target: int = 0) -> None:
        self.target = target
        self.mood = Mood()
        self.connections = 0
        self._listener = socket.create_server((HOST, 0), backlog=256)
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # calm, it delays nothing
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def ports_there(self) -> set[int]:
        """The ports from which it now speaks to its target: by them the target knows whose connection is whose."""
        return {there.get_extra_info("sockname")[1] for _, there in list(self._pairs)}

    def calm(self) -> None:
        """Forward everything again, at once. What was swallowed stays lost, so those connections end."""
        swallowed = self.mood.swallows is not None
        self.mood = Mood()
        if swallowed:
            self.reset()

    def delay(self, seconds: float) -> None:
        """Every chunk arrives so much later."""
        self.mood = Mood(delay_s=seconds)

    def throttle(self, bytes_per_s: float) -> None:
        self.mood = Mood(bytes_per_s=bytes_per_s)

    def blackhole(self, way: Way = "both") -> None:
        """Connections stay open and nothing arrives; `there` or `back` alone is a one-way fault."""
        self.mood = Mood(swallows=way)

    def cut(self) -> None:
        """End every connection in good order, and take no new one."""
        self.mood = Mood(refuses=True)
        self._run(self._end_all(reset=False))

    def reset(self) -> None:
        """Every connection there is ends with RST; new ones are taken."""
        self._run(self._end_all(reset=True))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._listener, limit=CHUNK_B)

    async def _close(self) -> None:
        self._server.close()
        await self._end_all(reset=False)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _end_all(self, *, reset: bool) -> None:
        for pair in list(self._pairs):
            for writer in pair:
                _end(writer, reset=reset)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.mood.refuses:
            return _end(writer, reset=True)
        try:
            reader_there, writer_there = await asyncio.open_connection(HOST, self.target, limit=CHUNK_B)
        except OSError:
            return _end(writer, reset=True)
        pair = (writer, writer_there)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._forward(reader, writer_there, "there"), self._forward(reader_there, writer, "back")
            )
        finally:
            self._pairs.discard(pair)
            for each in pair:
                _end(each, reset=False)
        return None

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_B):
                mood = self.mood
                if mood.swallows in {"both", way}:
                    continue
                if mood.delay_s:
                    await asyncio.sleep(mood.delay_s)
                if mood.bytes_per_s is not None:
                    await asyncio.sleep(len(data) / mood.bytes_per_s)
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof() and self.mood.swallows is None:
                writer.write_eof()
            return
        _end(writer, reset=True)


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if reset and connection is not None:
            # linger for 0 s: close sends RST instead of FIN
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.close()
