"""`Idempotency-Key` on every POST that the document says takes one."""

import json
from typing import Any
from uuid import uuid4

import httpx

from tests.security.house import House
from tests.security.operations import JSON, Operation
from tests.security.table import ENDING, ROWS
from tests.security.test_bodies import caller
from tests.security.world import World
from tests.services.logistics.test_roles import A_DOT


async def test_every_post_that_does_something_honours_its_key(
    house: House, world: World, surface: list[Operation]
) -> None:
    """Also a form, whose parts a client parts anew each time it sends it."""
    wrong: list[tuple[object, ...]] = []
    done = 0
    for operation in sorted(surface, key=lambda each: each.id in ENDING):
        if operation.method != "POST" or "Idempotency-Key" not in operation.headers or ROWS[operation.id].gets:
            continue
        path, key = world.path(operation), {"Idempotency-Key": str(uuid4())}
        who, good = caller(world, operation) | key, world.bodies.get(operation.id, operation.example)
        first, again = [await operation.ask(house.client, path, who, good) for _ in range(2)]
        if not first.is_success:
            wrong.append((operation.id, "the first is refused", first.text))
        if (first.status_code, first.content) != (again.status_code, again.content):
            wrong.append((operation.id, "not the same bytes", first.text, again.text))
        other = await another(house, operation, path, who, good)
        if (other.status_code, other.json()["type"]) != (422, "/problems/idempotency-key-reused"):
            wrong.append((operation.id, "another body", other.text))
        stranger = house.caller(ROWS[operation.id].actor)
        theirs = await operation.ask(house.client, path, stranger | key, good)
        if theirs.content == first.content and operation.id not in SAME_FOR_ALL:
            wrong.append((operation.id, "another caller got the first one's answer", theirs.text))
        done += 1
    assert not wrong, "\n".join(map(str, wrong))
    assert done > 20


SAME_FOR_ALL = {"clear_markets", "scan_parcels"}
"""Whose answers name nothing of a caller's."""


async def another(house: House, operation: Operation, path: str, who: dict[str, str], good: Any) -> httpx.Response:
    """The same key with another body, which could be taken: some operations look at what they are sent first."""
    if operation.content_type == "multipart/form-data":
        return await house.client.post(path, files={"photo": ("other.png", A_DOT + b" ", "image/png")}, headers=who)
    body = good if isinstance(good, str) else json.dumps(good)
    kind = {"Content-Type": operation.content_type or JSON}
    return await house.client.post(path, content=f"{body}\n", headers=who | kind)
