"""Bodies that are too large, too deep, no JSON, or of no type that the operation takes."""

from collections.abc import AsyncIterator

import pytest

from chassis.routes import BODY_LIMIT_B
from tests.security.house import House
from tests.security.operations import JSON, Operation
from tests.security.table import ROWS
from tests.security.world import World

BROKEN: dict[str, bytes] = {
    "cut off": b'{"a": 1',
    "nothing but a blank": b" ",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a name twice": b'{"a": 1, "a": 2}',
    "33 deep": b"[" * 33 + b"]" * 33,
    "33 objects deep": b'{"a":' * 33 + b"1" + b"}" * 33,
    "very deep": b"[" * 100_000,
    "no UTF-8": b'{"a": "\xff\xfe"}',
    "overlong UTF-8": b'{"a": "\xc0\xaf"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a comment": b'{"a": 1 /* one */}',
    "single quotes": b"{'a': 1}",
    "a trailing comma": b'{"a": 1,}',
    "a raw control character": b'{"a": "\x01"}',
    "two values": b"{} {}",
    "a digit too many": b'{"a": ' + b"9" * 5000 + b"}",
}
ODD: dict[str, bytes] = {
    "null": b"null",
    "a number": b"1",
    "a text": b'"x"',
    "an empty array": b"[]",
    "an empty object": b"{}",
    "a large exponent": b'{"quantity_kg": 1e400}',
    "an array of arrays": b"[[[[]]]]",
    "a prototype": b'{"__proto__": {"role": "admin"}, "constructor": {}}',
}


def takers(surface: list[Operation]) -> list[Operation]:
    """The operations that take JSON."""
    return [operation for operation in surface if operation.content_type == JSON]


def caller(world: World, operation: Operation) -> dict[str, str]:
    """Who may ask it: the owner where it is of a thing."""
    headers = {"If-Match": "*"} if "If-Match" in operation.headers else {}
    if operation.public:
        return headers
    return headers | world.owner(ROWS[operation.id].actor)


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_json_is_refused_as_such_by_every_operation(
    house: House, world: World, surface: list[Operation], name: str
) -> None:
    for operation in takers(surface):
        headers = caller(world, operation) | {"Content-Type": JSON}
        answer = await house.client.request(
            operation.method, world.path(operation), content=BROKEN[name], headers=headers
        )
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed-json"), operation.id


@pytest.mark.parametrize("name", ODD)
async def test_json_of_another_shape_is_never_our_failure(
    house: House, world: World, surface: list[Operation], name: str
) -> None:
    for operation in takers(surface):
        headers = caller(world, operation) | {"Content-Type": JSON}
        path = operation.filled({})  # of nothing, so that what is taken changes nothing here
        answer = await house.client.request(operation.method, path, content=ODD[name], headers=headers)
        assert answer.status_code < 500, (operation.id, answer.text)


async def test_another_type_of_content_is_refused(house: House, world: World, surface: list[Operation]) -> None:
    for operation in surface:
        if operation.content_type is None:
            continue
        for kind in ("application/xml", "text/html", "application/x-yaml", "json"):
            headers = caller(world, operation) | {"Content-Type": kind}
            answer = await house.client.request(
                operation.method, operation.filled({}), content=b"<a/>", headers=headers
            )
            assert answer.status_code == 415, (operation.id, kind, answer.text)


async def test_a_body_over_the_limit_is_refused_by_its_length_and_while_it_comes(
    house: House, world: World, surface: list[Operation]
) -> None:
    larger = {"/v1/routes/solve", "/v1/settlements/reconcile"}
    for operation in takers(surface):
        if operation.path in larger:
            continue
        headers = caller(world, operation) | {"Content-Type": JSON}
        path, read = operation.filled({}), 0

        async def body() -> AsyncIterator[bytes]:
            nonlocal read
            for _ in range(100):
                read += 1
                yield b" " * 65536

        told = await house.client.request(operation.method, path, content=b" " * (BODY_LIMIT_B + 1), headers=headers)
        untold = await house.client.request(operation.method, path, content=body(), headers=headers)
        for answer in (told, untold):
            assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large"), operation.id
        assert read <= 7, "it is not read to its end"
