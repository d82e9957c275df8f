"""Who was erased writes nothing more, of whatever operation: the gateway let it in just before it heard of it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text

from contracts.accounts import AccountErased
from duijie.postgres import EmbeddedPostgres
from services.listing.worker import SUBSCRIPTIONS as LISTING
from services.logistics.worker import SUBSCRIPTIONS as LOGISTICS
from services.matching.rounds.pool import SolverPool
from services.matching.worker import SUBSCRIPTIONS as MATCHING
from tests.security.house import House, running_house
from tests.security.operations import Operation, operations
from tests.security.table import ROWS, Row
from tests.security.test_access import told
from tests.security.world import World, build

SUBSCRIPTIONS = {"listing": LISTING, "matching": MATCHING, "logistics": LOGISTICS}
GATEWAYS_OWN = {
    *("change_me", "erase_me", "end_session", "end_sessions"),
    *("create_client", "rotate_client", "revoke_client"),
}
"""Of the account itself, which the gateway has: under the lock of its row."""
WRITES_NOTHING = {"solve_vroom", "reconcile_settlements"}


def writes(surface: list[Operation]) -> Iterator[tuple[Operation, Row]]:
    for each in surface:
        if each.method != "GET" and not each.public and each.id not in GATEWAYS_OWN | WRITES_NOTHING:
            yield each, ROWS[each.id]


async def hear(house: House, world: World) -> None:
    """All services have heard that everyone is erased; the gateway has not."""
    for name, subscriptions in SUBSCRIPTIONS.items():
        events = [AccountErased(account_id=each, version=2, role=role) for role, each in world.owners.items()]
        async with house.dbs[name].transaction() as session:
            for subscription in subscriptions:
                if subscription.topic == AccountErased.TOPIC:
                    await subscription.handle(session, events)


async def contents(house: House) -> dict[str, list[str]]:
    """Every row of the services."""
    found = {}
    for name in SUBSCRIPTIONS:
        async with house.dbs[name].reading() as session:
            tables = (await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).all()
            for table in sorted(tables):
                rows = await session.scalars(text(f'SELECT CAST(t AS text) FROM "{table}" t'))
                found[f"{name}.{table}"] = sorted(rows)
    return found


@pytest.fixture(scope="module")
async def own_house(postgres: EmbeddedPostgres, solvers: SolverPool) -> AsyncIterator[House]:
    async with running_house(postgres, solvers) as running:
        yield running


async def test_no_operation_writes_anything_for_an_erased_caller(own_house: House) -> None:
    world = await build(own_house)
    for role in ("admin", "supervisor"):
        world.owner(role)
    await hear(own_house, world)
    before, wrong = await contents(own_house), []
    asked = list(writes(list(operations(own_house.document))))
    assert len(asked) > 40
    for operation, row in asked:
        body = world.bodies.get(operation.id)
        answer = await operation.ask(own_house.client, world.path(operation), world.owner(row.actor), body)
        refused = "/problems/unauthenticated"
        if (answer.status_code, answer.json().get("type")) != (401, refused):
            wrong.append((operation.id, row.actor, answer.status_code, answer.text[:200]))
    assert not wrong, told(wrong)
    after = await contents(own_house)
    assert {name for name in before if before[name] != after[name]} == set()
