"""The whole surface as its own document describes it, by schemathesis: no 5xx, and nothing that it does not promise.

Data that fits the schema and data that does not, as somebody who may ask, as somebody who may not, and as nobody, of
things that are there and things that are not. `make long` makes six examples of each kind, the same every time;
or say how many: `DUIJIE_SCHEMA_EXAMPLES=500 .venv/bin/python -m pytest tests/security/test_schema.py`.
"""

import asyncio
import copy
import os
from collections.abc import AsyncIterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.openapi import Document
from tests.security.house import House
from tests.security.operations import operations
from tests.security.table import ROWS
from tests.security.world import World
from tests.support.http import served

EXAMPLES = int(os.environ.get("DUIJIE_SCHEMA_EXAMPLES", "6"))
SLOW = {"solve_vroom": 2, "clear_markets": 2}
"""Whose every example solves something: no more than so many, unless more are asked for."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.fixture(scope="module")
async def url(house: House) -> AsyncIterator[str]:
    async with served(house.app) as url:
        yield url


def strict(document: Document) -> Document:
    """The document without its `default` answers, which would allow any status."""
    document = copy.deepcopy(document)
    for item in document["paths"].values():
        for operation in item.values():
            operation["responses"].pop("default", None)
    return document


def callers(house: House, world: World, operation_id: str) -> list[dict[str, str]]:
    row = ROWS.get(operation_id)
    if row is None:
        return [{}]
    return [world.owner(row.actor), world.owner(row.actor), world.owner("admin"), house.caller("supervisor"), {}]


@pytest.mark.long
@pytest.mark.timeout(0 if EXAMPLES > 10 else 600)  # one test of eighty operations
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
async def test_the_surface_is_what_its_document_says(
    house: House, world: World, url: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(strict(house.document))
    ids = {
        (operation.method, operation.path): operation.id
        for operation in operations(house.document)
        if not operation.streams  # whose answers never end; their own tests read them
    }
    broken: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        name = ids.get((operation.method.upper(), operation.path))
        if name is None:
            continue
        who, count = callers(house, world, name), EXAMPLES
        if name in SLOW and EXAMPLES < 50:
            count = SLOW[name]

        @seed(7)
        @settings(
            max_examples=count,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=operation.as_strategy(generation_mode=mode),
            caller=st.sampled_from(who),
            there=st.booleans(),
        )
        def run(case: schemathesis.Case, caller: dict[str, str], there: bool) -> None:
            if there:
                case.path_parameters = {each: world.ids[each] for each in case.path_parameters or {}}
            case.call_and_validate(base_url=url, headers=caller, checks=CHECKS, timeout=60)

        try:
            await asyncio.to_thread(run)
        except (Failure, FailureGroup) as failures:
            broken.append(f"{name}: {failures}")
        except Exception as error:  # a generator that can't make such data, say
            if "Unsatisfiable" not in type(error).__name__ and "Unsatisfiable" not in str(error):
                broken.append(f"{name}: {type(error).__name__} {error}")
    assert not broken, "\n\n".join(broken)
