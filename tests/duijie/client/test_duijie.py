"""An import tells what became of each row, and of the file only what is sure."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from duijie.client import Duijie, client_credentials
from tests.support.rough import Asked, Said, rough

IDS = [UUID(int=1), UUID(int=2)]
ROWS = "".join(json.dumps({"row": row, "id": str(id_)}) + "\n" for row, id_ in enumerate(IDS, 1)).encode()
NEW = Said(200, ROWS, {"content-type": "application/x-ndjson"})
REPLAYED = Said(200, ROWS, NEW.headers | {"idempotent-replayed": "true"})
CUT = Said(200, ROWS, NEW.headers, is_cut=True)
LATER = Said.json({"type": "/problems/too-many-imports"}, 429, retry_after="0")
EXPIRED = Said.json({"type": "/problems/unauthenticated"}, 401)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "lots.csv"
    file.write_text("produce\nstrawberry\ngarlic\n")
    return file


def one_after_the_other(*answers: Said | None) -> Callable[[Asked], Said | None]:
    return lambda asked: answers[asked.number - 1]


async def repeated_of(file: Path, *answers: Said | None, key: str | None = "k") -> bool | None:
    async with rough(one_after_the_other(*answers)) as server, Duijie(server.url) as farmer:
        answer = farmer.import_listings(file, key=key)
        assert [row.id async for row in answer] == IDS
        assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 1
        assert len(server.asked) == len(answers)
    return answer.repeated


async def test_rows_are_asked_for_one_by_one_and_end(file: Path) -> None:
    async with rough(lambda _: NEW) as server, Duijie(server.url) as farmer:
        answer = farmer.import_orders(file)
        assert answer.repeated is None
        assert [(await anext(answer)).id, answer.repeated, (await anext(answer)).id] == [IDS[0], False, IDS[1]]
        assert await anext(answer, None) is None
        assert [row async for row in answer] == []
        assert len(server.asked) == 1


@pytest.mark.parametrize(("answer", "repeated"), [(NEW, False), (REPLAYED, True)])
async def test_the_first_answer_tells_whether_the_file_had_come_before(
    file: Path, answer: Said, repeated: bool
) -> None:
    assert await repeated_of(file, answer) is repeated


@pytest.mark.parametrize("lost", [None, CUT, Said(503), Said(504)])
async def test_after_a_lost_answer_nobody_knows_who_brought_the_file(file: Path, lost: Said | None) -> None:
    assert await repeated_of(file, lost, REPLAYED) is None
    assert await repeated_of(file, lost, NEW) is False


async def test_a_try_that_was_refused_brought_nothing(file: Path) -> None:
    assert await repeated_of(file, LATER, REPLAYED) is True


async def test_a_key_that_was_drawn_has_no_before(file: Path) -> None:
    assert await repeated_of(file, None, REPLAYED, key=None) is False


async def test_a_token_that_was_refused_brought_nothing(file: Path) -> None:
    tokens = ["old", "new"]

    class Renewed:
        async def token(self, _: object) -> str:
            return tokens[0]

        def drop(self, token: str) -> bool:
            tokens.remove(token)
            return True

    async with (
        rough(one_after_the_other(EXPIRED, REPLAYED)) as server,
        Duijie(server.url, Renewed()) as farmer,
    ):
        answer = farmer.import_listings(file, key="k")
        assert [row.id async for row in answer] == IDS
    assert answer.repeated is True


@pytest.mark.parametrize("first", [None, Said(503)])
async def test_a_token_that_was_lost_on_the_way_leaves_no_doubt_of_the_file(file: Path, first: Said | None) -> None:
    token = Said.json({"access_token": "t", "expires_in": 900})
    async with rough(one_after_the_other(first, token, REPLAYED)) as server:
        async with Duijie(server.url, client_credentials("id", "secret")) as farmer:
            answer = farmer.import_listings(file, key="k")
            assert [row.id async for row in answer] == IDS
        assert [asked.target for asked in server.asked] == [*["/v1/auth/token"] * 2, "/v1/listings/import"]
    assert answer.repeated is True
