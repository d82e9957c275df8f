"""A file is one request under its key: cut off, sent again, or sent twice at once, each row counts once."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select, update

from chassis import importing
from chassis.auth import Caller
from chassis.db import Database, WriteSession
from chassis.idempotency import forget_old
from chassis.problems import NotFound, Problem
from chassis.tables import IDEMPOTENCY
from tests.chassis.conftest import ERASED, IMPORTS
from tests.chassis.importing.scene import UNWANTED, Scene, file_of, kept, lines, sent
from tests.support.services import Issuer

JSON = {"Content-Type": "application/json"}


async def test_sent_again_it_adds_nothing_and_gets_the_same_answer(
    client: httpx.AsyncClient, db: Database, scene: Scene
) -> None:
    file = file_of(25) + f"{UNWANTED}\n".encode()
    first, second = await sent(client, file), await sent(client, file)
    assert first.content == second.content
    assert len(await kept(db)) == len(scene.told) == 25


async def test_a_repetition_says_that_it_is_one_and_comes_in_the_language_of_the_first(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    file = f"文字,size\na,1\nb,x\n{UNWANTED},1\n".encode()
    first = await sent(client, file, **{"Accept-Language": "zh-CN"})
    again = await sent(client, file, **{"Accept-Language": "en"})
    assert again.content == first.content
    assert [each.headers.get("content-language") for each in (first, again)] == ["zh-CN", "zh-CN"]
    assert [each.headers.get("idempotent-replayed") for each in (first, again)] == [None, "true"]


async def test_what_was_taken_keeps_its_answer_whatever_would_be_said_of_it_now(
    client: httpx.AsyncClient, db: Database, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await sent(client, file_of(12))

    async def refuse(_session: WriteSession, _caller: Caller, rows: Sequence[object], _now: datetime) -> list[Problem]:
        return [NotFound() for _ in rows]

    monkeypatch.setattr(scene.importer, "_keep", refuse)
    assert (await sent(client, file_of(12))).content == first.content


async def test_cut_off_in_the_middle_and_sent_again_it_is_whole(
    client: httpx.AsyncClient, db: Database, scene: Scene
) -> None:
    scene.dies_at = 3
    with pytest.raises(RuntimeError):  # the connection breaks off: no end of the answer was sent
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(client._transport.app),  # type: ignore[attr-defined]
            base_url="http://duijie.test",
            headers=client.headers,
        ) as cut:
            await sent(cut, file_of(45))
    assert len(await kept(db)) == 20
    answer = await sent(client, file_of(45))
    assert "idempotent-replayed" not in answer.headers, "its first answer ends here"
    rows = lines(answer)
    assert len({row["id"] for row in rows}) == 45
    assert [UUID(row["id"]) for row in rows] == scene.told, "each was told once"
    assert await kept(db) == [f"thing {number}" for number in range(1, 46)]


async def test_two_at_once_under_one_key_are_one(client: httpx.AsyncClient, db: Database, scene: Scene) -> None:
    answers = await asyncio.gather(*(sent(client, file_of(95)) for _ in range(2)))
    assert len({answer.content for answer in answers}) == 1
    assert len(lines(answers[0])) == len(await kept(db)) == 95
    assert len(scene.told) == len(set(scene.told)) == 95


async def test_a_key_is_bound_to_its_file_and_nothing_of_another_is_kept(
    client: httpx.AsyncClient, db: Database
) -> None:
    await sent(client, file_of(3))
    other = await sent(client, file_of(3, "other"))
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert await kept(db) == ["thing 1", "thing 2", "thing 3"]


async def test_two_files_at_once_under_one_key_keep_one_of_them(client: httpx.AsyncClient, db: Database) -> None:
    answers = await asyncio.gather(sent(client, file_of(30)), sent(client, file_of(30, "other")))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    assert len(await kept(db)) == 30


async def test_a_key_of_an_import_is_none_of_another_request_nor_the_other_way_round(
    client: httpx.AsyncClient, db: Database
) -> None:
    async def noted(key: str) -> httpx.Response:
        return await client.post("/v1/things", json={"text": "one"}, headers={"Idempotency-Key": key} | JSON)

    assert (await noted("posted")).status_code == 201
    assert (await sent(client, file_of(3), key="posted")).status_code == 422
    assert (await sent(client, file_of(3), key="imported")).status_code == 200
    refused = await noted("imported")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert (await sent(client, file_of(3), key="imported")).status_code == 200
    assert (await noted("posted")).headers["idempotent-replayed"] == "true"
    assert await kept(db) == ["thing 1", "thing 2", "thing 3"]


async def test_without_a_key_or_under_anothers_it_is_another_import(
    client: httpx.AsyncClient, db: Database, issuer: Issuer
) -> None:
    await sent(client, file_of(3), key=None)
    await sent(client, file_of(3), key=None)
    await sent(client, file_of(3))
    await sent(client, file_of(3), **issuer.caller("producer"))
    assert len(await kept(db)) == 12


async def test_of_an_erased_account_no_import_is_remembered(
    client: httpx.AsyncClient, db: Database, issuer: Issuer, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "FORGET_BATCH", 2)
    gone, other = uuid4(), uuid4()
    for key in ("zhangsan.csv", "lisi.csv", "wangwu.csv"):
        client.headers.update(issuer.caller("producer", gone))
        assert len(lines(await sent(client, file_of(2), key))) == 2
    client.headers.update(issuer.caller("producer", other))
    await sent(client, file_of(2), "k")
    async with db.transaction() as session:
        await ERASED.remember(session, [gone])
    await ERASED.forget(db, scene.importer.forget_some)
    async with db.reading() as session:
        assert (await session.execute(select(IMPORTS.c.caller, IMPORTS.c.key))).all() == [(str(other), "k")]
    client.headers.update(issuer.caller("producer", gone))
    assert (await sent(client, file_of(2), "again")).status_code == 401


async def test_a_key_is_free_again_after_two_days(client: httpx.AsyncClient, db: Database, scene: Scene) -> None:
    await sent(client, file_of(3))
    await scene.importer.forget_old(db)
    assert (await sent(client, file_of(3, "other"))).status_code == 422
    async with db.transaction() as session:
        for table in (IMPORTS, IDEMPOTENCY):
            await session.execute(update(table).values(created_at=func.now() - timedelta(hours=49)))
    await scene.importer.forget_old(db)
    await forget_old(db)
    assert (await sent(client, file_of(3, "other"))).status_code == 200
