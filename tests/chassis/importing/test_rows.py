"""Files come in: every row is kept or explained, in its order."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from chassis import importing, sheets
from chassis.db import Database
from chassis.importing import Begun
from chassis.problems import NotFound
from tests.chassis.importing.scene import UNWANTED, Scene, file_of, kept, lines, sent


async def test_the_answer_has_a_line_for_each_row_in_its_order(
    client: httpx.AsyncClient, db: Database, scene: Scene
) -> None:
    rows = lines(await sent(client, file_of(25)))
    assert [row["row"] for row in rows] == list(range(1, 26))
    assert [UUID(row["id"]) for row in rows] == scene.told
    assert await kept(db) == [f"thing {number}" for number in range(1, 26)], "ids are in the order of the rows"
    assert scene.batches == 3


async def test_each_row_is_told_with_the_line_on_which_it_begins(client: httpx.AsyncClient) -> None:
    rows = lines(await sent(client, '\n文字,size\n"two\r\nlines",1\n\nb,x\n"y\n\nz",x\nc,\n'.encode()))
    assert [(row["row"], row["line"], "problem" in row) for row in rows] == [
        (1, 3, False),
        (2, 6, True),
        (3, 7, True),
        (4, 10, False),
    ]


async def test_a_row_on_several_lines_says_where_it_ends_whether_it_is_taken_or_not(
    client: httpx.AsyncClient, db: Database
) -> None:
    rows = lines(await sent(client, '文字,size\n"a\nb",1\n"c\nd\ne",x\nf,2\n'.encode()))
    assert [(row["row"], row["line"], row.get("last_line")) for row in rows] == [(1, 2, 3), (2, 4, 6), (3, 7, None)]
    assert await kept(db) == ["a\nb", "f"]


async def test_an_id_is_a_version_7_of_the_moment_of_the_import(client: httpx.AsyncClient) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    *_, last = lines(await sent(client, file_of(17)))
    found = UUID(last["id"])
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    assert before < datetime.fromtimestamp((found.int >> 80) / 1000, UTC) < datetime.now(UTC) + timedelta(seconds=5)


def test_no_two_rows_or_imports_share_an_id() -> None:
    moment = datetime(2026, 11, 29, tzinfo=UTC)
    imports = [Begun(moment, again=False, seed=seed) for seed in (0, 1, importing.SEED_MAX)]
    ids = [row_id for each in imports for row_id in each.ids_of(range(1, sheets.ROWS_MAX + 1))]
    assert len(set(ids)) == 3 * sheets.ROWS_MAX
    assert ids[: sheets.ROWS_MAX] == sorted(ids[: sheets.ROWS_MAX])


@pytest.mark.parametrize(
    ("language", "title", "detail"),
    [("zh-CN", "输入无效", "必须是整数。"), ("en", "The input is not valid", "It must be an integer.")],
)
async def test_good_rows_are_kept_and_bad_ones_explained_in_the_callers_language(
    client: httpx.AsyncClient, db: Database, language: str, title: str, detail: str
) -> None:
    file = f"文字,size\na,1\nb,x\n{UNWANTED},1\nc,\n".encode()
    answer = await sent(client, file, **{"Accept-Language": language})
    first, second, third, fourth = lines(answer)
    assert (first.keys(), fourth.keys()) == ({"row", "line", "id"}, {"row", "line", "id"})
    assert (second["problem"]["title"], second["problem"]["status"]) == (title, 422)
    assert second["problem"]["detail"] == importing.NOT_TAKEN.in_language(language)  # type: ignore[arg-type]
    assert second["problem"]["errors"] == [{"pointer": "#/size", "detail": detail}]
    assert third == {"row": 3, "line": 4, "problem": NotFound().body(language)}  # type: ignore[arg-type]
    assert answer.headers["content-language"] == language
    assert await kept(db) == ["a", "c"]


@pytest.mark.parametrize(
    ("content", "headers", "status", "slug"),
    [
        (b"", {}, 422, "invalid-input"),
        (b"text\n", {}, 422, "invalid-input"),
        (b"colour\nred\n", {}, 422, "invalid-input"),
        (b'text\n"open\n', {}, 422, "invalid-input"),
        (b"text\nx\n", {"Content-Type": "application/json"}, 415, "unsupported-media-type"),
        (b"text\nx\n", {"Content-Type": ""}, 415, "unsupported-media-type"),
        (b"text\nx\n", {"Content-Type": "text/csv; charset=big5"}, 415, "unsupported-media-type"),
        (b"text\nx\n", {"Idempotency-Key": "x" * 256}, 422, "invalid-input"),
        (b"text\n" + b"x" * (32 << 20), {}, 413, "too-large"),
        (b"text\n" + b"x\n" * 50_001, {}, 413, "too-many-rows"),
    ],
)
async def test_what_is_refused_as_a_whole_keeps_nothing(
    client: httpx.AsyncClient, db: Database, content: bytes, headers: dict[str, str], status: int, slug: str
) -> None:
    answer = await sent(client, content, **headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
    assert await kept(db) == []
    assert (await sent(client, file_of(1))).status_code == 200, "the key is still free"


async def test_who_is_nobody_is_told_so_before_the_file_is_looked_at(client: httpx.AsyncClient) -> None:
    answer = await sent(client, b"{" * 1000, **{"Authorization": "", "Content-Type": "application/json"})
    assert answer.status_code == 401
