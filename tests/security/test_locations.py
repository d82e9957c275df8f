"""What was made is found where the answer said that it is."""

import re

from gateway.words.examples import EXAMPLES
from gateway.words.headers import WITH_LOCATION
from tests.security.operations import Operation, operations
from tests.security.world import World

NOWHERE = ("/v1/consents", "/v1/rounds", "/corrections")
"""What is made there is read in a list alone."""


def is_of(operation: Operation, method: str, path: str) -> bool:
    template = re.sub(r"\{[^}]*\}", r"(?:[0-9a-f-]{36}|\\d+)", operation.path)
    return operation.method.upper() == method and re.fullmatch(template, path) is not None


async def test_what_was_made_is_found_at_its_location(world: World) -> None:
    await world.made("programme_officer", "/v1/settlements", world.bodies["freeze_settlement"])
    await world.made("programme_officer", "/v1/programmes", EXAMPLES["open_programme"])
    assert len(world.created) > 10
    for who, path, location in world.created:
        (made,) = [each for each in operations(world.house.document) if is_of(each, "POST", path)]
        assert (made.id in WITH_LOCATION) == (location is not None), path
        if path.endswith(NOWHERE):
            assert location is None, path
            continue
        assert location is not None, path
        found = await world.house.client.get(location, headers=world.owner(who))
        assert found.status_code == 200, (path, location, found.text)
        (read,) = [each for each in operations(world.house.document) if is_of(each, "GET", location)]
        told = world.house.document["paths"][read.path]["get"]["responses"]["200"]["headers"]
        assert ("ETag" in told) == ("etag" in found.headers), location
