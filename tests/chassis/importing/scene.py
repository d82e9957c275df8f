"""A service whose things come by the file, for tests."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from pydantic import BaseModel, StrictInt
from sqlalchemy import select

from chassis.auth import Caller
from chassis.bulk import insert_given, parameters
from chassis.db import Database, WriteSession
from chassis.fields import ShortText
from chassis.importing import Importer
from chassis.problems import NotFound, Problem
from chassis.sheets import Sheet
from tests.chassis.conftest import IMPORTS, THINGS

CSV = {"Content-Type": "text/csv"}


UNWANTED = "unwanted"


ADD = insert_given(THINGS, "id", "text")


class Thing(BaseModel):
    text: ShortText
    size: StrictInt = 0


class Scene:
    """A service whose things come by the file. It dies at the batch of that number; `told` is what was new."""

    def __init__(self) -> None:
        self.told: list[UUID] = []
        self.batches = 0
        self.dies_at: int | None = None
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.importer = Importer(IMPORTS, THINGS, Sheet(Thing, {"文字": "text"}), self.keep)

    async def keep(
        self, session: WriteSession, caller: Caller, rows: Sequence[tuple[UUID, Thing]], now: datetime
    ) -> list[Problem | None]:
        self.batches += 1
        if self.batches == self.dies_at:
            raise RuntimeError("power cut")
        if self.batches > 1:
            await self.may_go.wait()
        wanted = [(row_id, each.text) for row_id, each in rows if each.text != UNWANTED]
        given: dict[str, list[Any]] = {"id": [row_id for row_id, _ in wanted], "text": [text for _, text in wanted]}
        await session.execute(ADD, parameters(given))
        session.when_committed(lambda: self.told.extend(given["id"]))
        return [NotFound() if each.text == UNWANTED else None for _, each in rows]


def file_of(count: int, name: str = "thing") -> bytes:
    return ("text\n" + "".join(f"{name} {number}\n" for number in range(1, count + 1))).encode()


async def sent(client: httpx.AsyncClient, content: bytes, key: str | None = "k", **headers: str) -> httpx.Response:
    more = headers if key is None else {"Idempotency-Key": key, **headers}
    return await client.post("/v1/things/import", content=content, headers=more)


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def kept(db: Database) -> list[str]:
    """What there is, in the order of the ids."""
    async with db.reading() as session:
        return list(await session.scalars(select(THINGS.c.text).order_by(THINGS.c.id)))
