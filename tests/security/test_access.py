"""Who may do what to which thing: every operation of the document, every role, the owner, a stranger, and nobody."""

from collections.abc import Iterator
from typing import get_args
from urllib.parse import quote
from uuid import uuid4

import httpx

from contracts.accounts import Role
from tests.security.house import House
from tests.security.operations import MISSING, Operation
from tests.security.table import ENDING, PUBLIC, ROWS, Row
from tests.security.world import World

NO_IDS = ("1", "x" * 300, "%2e%2e", "%2e%2e%2fv1", "名", "00000000-0000-0000-0000-00000000000g", "' OR 1=1 --")


def rows(surface: list[Operation], *, with_ids: bool) -> Iterator[tuple[Operation, Row]]:
    for operation in surface:
        if not operation.public and bool(operation.ids) == with_ids:
            yield operation, ROWS[operation.id]


def test_every_operation_has_its_row_and_every_row_its_operation(surface: list[Operation]) -> None:
    ids = {operation.id for operation in surface}
    public = {operation.id for operation in surface if operation.public}
    assert public - PUBLIC == set(), "public by gateway/routes.py, but not named in PUBLIC of tests/security/table.py"
    assert ids - ROWS.keys() - PUBLIC == set(), "add a row to ROWS in tests/security/table.py: who may do this?"
    assert (ROWS.keys() | PUBLIC) - ids == set(), "a row of tests/security/table.py is of no operation"
    for operation in surface:
        if not operation.public and operation.ids:
            assert ROWS[operation.id].owner, f"{operation.id} takes an id: say in its row whose the thing is"


async def test_each_role_may_what_its_row_says(house: House, world: World, surface: list[Operation]) -> None:
    wrong: list[tuple[object, ...]] = []
    for operation, row in [*rows(surface, with_ids=False), *rows(surface, with_ids=True)]:
        for role in get_args(Role):
            answer = await operation.ask(house.client, operation.filled({}), house.caller(role))
            refused = answer.status_code == 403 and answer.json()["type"] == "/problems/forbidden"
            if refused is (role in row.roles | {"admin"}) or answer.status_code >= 500:
                wrong.append((operation.id, role, answer.status_code, answer.text))
    assert not wrong, told(wrong)


async def test_nobody_may_anything_that_is_not_public(house: House, world: World, surface: list[Operation]) -> None:
    for operation in surface:
        answer = await operation.ask(house.client, operation.filled(world.ids), {})
        if operation.public:
            assert answer.status_code != 401, operation.id
        else:
            assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated"), operation.id
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_no_operation_passes_over_a_parameter_that_it_does_not_have(
    house: House, surface: list[Operation]
) -> None:
    """But for forms of OAuth (RFC 6749, 3.2), the keys, and pages for people."""
    wrong: list[tuple[object, ...]] = []
    for operation in surface:
        if operation.id in {"issue_token", "revoke_token", "read_keys", "read_sheet"}:
            continue
        path = operation.filled({})
        answer = await operation.ask(
            house.client, f"{path}{'&' if '?' in path else '?'}prodce=strawberry", house.caller("admin")
        )
        pointers = [each["pointer"] for each in answer.json().get("errors", ())]
        if (answer.status_code, pointers) != (422, ["#/query/prodce"]):
            wrong.append((operation.id, answer.status_code, answer.text))
    assert not wrong, told(wrong)


async def test_another_role_is_refused_whether_or_not_the_thing_is_there(
    house: House, world: World, surface: list[Operation]
) -> None:
    for operation, row in rows(surface, with_ids=True):
        for role in [each for each in get_args(Role) if each not in row.roles | {"admin"}]:
            caller, body = house.caller(role), world.bodies.get(operation.id)
            there = await operation.ask(house.client, world.path(operation), caller, body)
            missing = await operation.ask(house.client, operation.filled({}), caller, body)
            assert there.status_code == missing.status_code == 403, (operation.id, role, there.text)
            assert there.content == missing.content


async def test_anothers_thing_answers_byte_for_byte_as_one_that_is_not_there(
    house: House, world: World, surface: list[Operation]
) -> None:
    wrong: list[tuple[object, ...]] = []
    for operation, row in rows(surface, with_ids=True):
        if row.shared:
            continue
        body = world.bodies.get(operation.id)
        for role in sorted(row.roles - {"auditor", "programme_officer"}):  # who see all of it, by their office
            stranger = house.caller(role)  # type: ignore[arg-type]
            theirs = await operation.ask(house.client, world.path(operation), stranger, body)
            missing = await operation.ask(house.client, operation.filled({}), stranger, body)
            wrong += differences(theirs, missing, operation.id, role)
    assert not wrong, told(wrong)


async def test_what_is_no_id_answers_as_one_that_is_not_there(
    house: House, world: World, surface: list[Operation]
) -> None:
    wrong: list[tuple[object, ...]] = []
    for operation, row in rows(surface, with_ids=True):
        assert row.owner is not None
        caller, body = world.owner(row.owner), world.bodies.get(operation.id)
        missing = await operation.ask(house.client, operation.filled({}), caller, body)
        for garbage in NO_IDS:
            path = operation.filled(dict.fromkeys(operation.ids, quote(garbage, safe="%")))
            answer = await operation.ask(house.client, path, caller, body)
            wrong += differences(answer, missing, operation.id, garbage)
    assert not wrong, told(wrong)


async def test_a_thing_under_another_of_the_same_owner_is_not_there_either(
    house: House, world: World, surface: list[Operation]
) -> None:
    for operation, row in rows(surface, with_ids=True):
        if len(operation.ids) == 2:
            assert row.owner is not None
            mixed = world.ids | {operation.ids[1]: str(uuid4())}
            answer = await operation.ask(house.client, operation.filled(mixed), world.owner(row.owner))
            assert answer.status_code == 404, operation.id


async def test_the_owner_gets_what_the_row_says(house: House, world: World, surface: list[Operation]) -> None:
    """Last, for it changes the things; and what ends a thing after what only looks at it."""
    wrong: list[tuple[object, ...]] = []
    in_turn = sorted(rows(surface, with_ids=True), key=lambda each: (each[0].method != "GET", each[0].id in ENDING))
    for operation, row in in_turn:
        assert row.owner is not None
        path, body = world.path(operation), world.bodies.get(operation.id)
        answer = await operation.ask(house.client, path, world.owner(row.owner), body)
        if not (answer.status_code == row.gets if row.gets else answer.is_success):
            wrong.append((operation.id, answer.status_code, answer.text))
    assert not wrong, told(wrong)
    assert MISSING not in path


def told(wrong: list[tuple[object, ...]]) -> str:
    return "\n".join(map(str, wrong))


OF_EACH_REQUEST = {"x-request-id", "traceparent"}


def differences(answer: httpx.Response, missing: httpx.Response, *what: str) -> list[tuple[object, ...]]:
    """In what the answer differs from that for a thing that is not there, which is a 404."""
    told = [
        (
            each.status_code,
            each.content,
            {name: value for name, value in each.headers.items() if name not in OF_EACH_REQUEST},
        )
        for each in (answer, missing)
    ]
    same = missing.status_code == 404 and told[0] == told[1]
    return [] if same else [(*what, answer.status_code, answer.text[:200], missing.status_code, missing.text[:200])]
