"""Requests to servers that somebody else chose: none leads inside, and none leads anywhere else than was looked at."""

import asyncio
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chassis.outward import RESOLVED_AT_ONCE, Answer, Outward, Resolver
from tests.chassis.private_spellings import PRIVATE_4, PRIVATE_6, urls_inside
from tests.support.certificates import Authority
from tests.support.sink import Sink, listening


class Names:
    """A resolver that says, of each name, what it is told to, one after the other; and counts."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.asked: list[str] = []
        self._answers = {name.replace("_", "."): list(each) for name, each in answers.items()}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self._answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@asynccontextmanager
async def outward(names: Names, **how: bool) -> AsyncIterator[Outward]:
    sender = Outward(resolve=names, within_s=1.0, **how)
    try:
        yield sender
    finally:
        await sender.aclose()


async def test_no_spelling_of_an_address_inside_leads_to_a_connection_or_to_a_resolver() -> None:
    names = Names()
    async with listening(Sink()) as sink, outward(names) as sender:
        port = sink.url.split(":")[2].split("/")[0]
        for url in [*urls_inside(), *(f"http://{address}:{port}/" for address in PRIVATE_4)]:
            assert await sender.post(url, b"", {}) == Answer(fault="address_refused"), url
    assert (names.asked, sink.connections) == ([], 0)


@pytest.mark.parametrize("address", [*PRIVATE_4, *PRIVATE_6, "fe80::1%1"])
async def test_a_name_that_leads_inside_is_not_connected_to(address: str) -> None:
    names = Names(partner_example=[[address]], mixed_example=[["8.8.8.8", address]])
    async with outward(names) as sender:
        for host in ("partner.example", "mixed.example"):
            assert await sender.post(f"http://{host}:9/", b"", {}) == Answer(fault="address_refused")
    assert names.asked == ["partner.example", "mixed.example"]


async def test_a_name_that_leads_elsewhere_a_moment_later_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that was looked at is the one that is connected to; the name is asked once a connection."""
    async with listening(Sink()) as sink:
        port = sink.url.split(":")[2].split("/")[0]
        names = Names(partner_example=[["192.0.2.1"], ["127.0.0.1"]])
        monkeypatch.setattr("chassis.outward.is_public", lambda address: str(address) == "192.0.2.1")
        async with outward(names) as sender:
            url = f"http://partner.example:{port}/"
            assert (await sender.post(url, b"", {})).fault in {"timeout", "unreachable"}, "it went to 192.0.2.1"
            assert names.asked == ["partner.example"]
            assert await sender.post(url, b"", {}) == Answer(fault="address_refused")
    assert sink.connections == 0


async def test_a_redirect_is_an_answer_and_nobody_goes_there() -> None:
    async with listening(Sink()) as inside:
        sink = Sink(says=lambda *_: f"302 Found\r\nLocation: {inside.url}")
        async with listening(sink), outward(Names(**{"127_0_0_1": [["127.0.0.1"]]}), allow_private=True) as sender:
            answer = await sender.post(sink.url, b"x", {})
    assert (answer.status, answer.is_good, inside.connections) == (302, False, 0)


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(Sink()) as proxy, listening(Sink()) as sink:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with outward(Names(**{"127_0_0_1": [["127.0.0.1"]]}), allow_private=True) as sender:
            assert (await sender.post(sink.url, b"x", {})).is_good
    assert (proxy.connections, sink.connections) == (0, 1)


async def test_the_request_is_made_whole_and_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async with listening(Sink()) as sink:
        port = int(sink.url.split(":")[2].split("/")[0])
        names = Names(partner_example=[["127.0.0.2", "127.0.0.1"]])
        async with outward(names, allow_private=True) as sender:
            url = f"http://partner.example:{port}/hook?x=1"
            assert await sender.post(url, b"{}", {"X-Own": "1"}) == Answer(200)
    (request,) = sink.received
    assert (request.path, request.body, request.headers["x-own"]) == ("/hook?x=1", b"{}", "1")
    assert request.headers["host"] == f"partner.example:{port}"


async def test_what_is_unreachable_silent_or_endless_is_told_and_ends() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b"5\r\nagain\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    names = Names(partner_example=[["127.0.0.1"]], nobody_example=[[]])
    async with outward(names, allow_private=True) as sender:
        assert await sender.post("http://nobody.example/", b"", {}) == Answer(fault="unreachable")
        assert await sender.post("http://partner.example:1/", b"", {}) == Answer(fault="unreachable")
        for talk, answer in ((drip, Answer(200)), (silent, Answer(fault="timeout"))):
            server = await asyncio.start_server(talk, "127.0.0.1", 0)
            async with server:
                port = server.sockets[0].getsockname()[1]
                assert await sender.post(f"http://partner.example:{port}/", b"", {}) == answer


async def test_tls_is_verified_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = authority.issue("partner", host="partner.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    names = Names(partner_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    trust = ssl.create_default_context(cafile=str(authority.certificate))
    port = server.sockets[0].getsockname()[1]
    async with server:
        sender = Outward(allow_private=True, resolve=names, trust=trust)
        assert await sender.post(f"https://partner.example:{port}/", b"", {}) == Answer(204)
        assert await sender.post(f"https://other.example:{port}/", b"", {}) == Answer(fault="tls")
        await sender.aclose()
        stranger = Outward(allow_private=True, resolve=names)
        assert await stranger.post(f"https://partner.example:{port}/", b"", {}) == Answer(fault="tls")
        await stranger.aclose()


async def test_the_system_is_asked_for_names() -> None:
    async with listening(Sink()) as sink:
        sender = Outward(allow_private=True)
        assert (await sender.post(sink.url.replace("127.0.0.1", "localhost"), b"", {})).status == 200
        assert await sender.post("http://nobody.invalid/", b"", {}) == Answer(fault="unreachable")
        await sender.aclose()
    assert sink.connections == 1


async def test_a_name_that_nobody_answers_for_is_given_up_and_makes_no_more_threads_than_there_are_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = threading.Event()
    asked: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        answered.wait(30)
        return [(None, None, None, "", ("127.0.0.1", 1))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    sender = Outward(allow_private=True, resolve=Resolver(within_s=0.2))
    try:
        many = [sender.post(f"http://dead{number}.example:1/", b"", {}) for number in range(2 * RESOLVED_AT_ONCE)]
        assert set(await asyncio.gather(*many)) == {Answer(fault="timeout")}
        assert len(asked) == RESOLVED_AT_ONCE
    finally:
        answered.set()
    async with asyncio.timeout(5):
        while (await sender.post("http://alive.example:1/", b"", {})).fault != "unreachable":
            pass
    assert asked[RESOLVED_AT_ONCE:] == ["alive.example"], "its places were free again, and those who gave up left none"
    await sender.aclose()


async def test_a_thread_that_could_not_begin_leaves_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolver = Resolver(within_s=1.0)
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", none_left)
        for _ in range(RESOLVED_AT_ONCE):
            with pytest.raises(RuntimeError, match="new thread"):
                await resolver("partner.example", 1)
    assert await resolver("127.0.0.1", 1) == ["127.0.0.1"]


ENDS = """
import asyncio, socket, time
from chassis.outward import Outward

async def main():
    outward = Outward(within_s=0.2)
    print((await outward.post("http://dead.example/", b"", {})).fault)
    await outward.aclose()

socket.getaddrinfo = lambda *_, **__: time.sleep(60)
asyncio.run(main())
"""


async def test_a_dead_nameserver_does_not_hold_the_end_of_the_process() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", ENDS, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(20):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert (process.returncode, said) == (0, b"timeout\n")
