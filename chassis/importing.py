"""Imports: a file of rows comes in, each becomes a thing or is explained, and the answer tells of each in its order.

The body is put aside and looked through before anything is kept: a file that is no file, or too long, or comes under
a key that was used for another, changes nothing. Then rows are written in batches, each in a transaction of its own,
and the answer flows while they are. The id of a row follows from its import and its number, so an import that broke
off, was repeated or runs twice at once adds each row once.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final, Generic
from uuid import UUID, uuid4

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from sqlalchemy import (
    Column,
    DateTime,
    FromClause,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy import Text as TextColumn
from sqlalchemy.dialects.postgresql import insert
from starlette.types import Receive, Scope, Send

from chassis.auth import Caller
from chassis.bulk import among
from chassis.db import Database, WriteSession
from chassis.idempotency import KEPT, KeyReused, bind, hash_of, key_of
from chassis.problems import Language, Problem, Text, TooSlow, Unavailable, UnsupportedMediaType, language_of
from chassis.retention import delete_in_batches
from chassis.routes import ImportRoute
from chassis.sheets import CSV, NDJSON, Model, Rows, Sheet
from chassis.turns import in_turns

BATCH: Final = 500
"""Rows a transaction: what comes meanwhile to this process waits some 20 ms for it."""
AT_ONCE: Final = 4
"""Batches at work in one process; the database's other connections are for who asks for little."""
NOT_TAKEN: Final = Text(
    "此行没有导入。请更正所列各项，用新的键再次导入。",
    "This row was not taken. Correct the fields listed and import it again, under a new key.",
)
FILES: Final = 8
"""Put aside at once in one process, in its temporary folder, which has room for as many of the largest."""
AN_ACCOUNT: Final = 2
"""Of these: else one that sends slowly would keep all others out."""
RECEIVED_WITHIN_S: Final = 600.0
ANSWERED_WITHIN_S: Final = 600.0
"""A file of the largest takes a minute or two, and is kept for as long as somebody sends it or reads of it."""
RETRY_AFTER_S: Final = 5
IN_MEMORY_B: Final = 1 << 18
SEED_MAX: Final = (1 << 58) - 1
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MEDIA_TYPES: Final = (CSV, NDJSON)

Keep = Callable[[WriteSession, Caller, Sequence[tuple[UUID, Model]], datetime], Awaitable[Sequence[object]]]
"""Write these under these new ids, as of that moment; a Problem in place of each that can't be."""


def imports_table(metadata: MetaData) -> Table:
    """The imports that were begun in one service's database."""
    return Table(
        "imports",
        metadata,
        Column("caller", TextColumn, primary_key=True),
        Column("key", TextColumn, primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )


class TooManyImports(Problem):
    slug, status = "too-many-imports", 429
    title = Text("您正在导入的文件过多", "You have too many imports under way")
    detail = Text(
        "一个账户同时至多导入 {at_most} 个文件；请等其中一个结束后再发。没有任何内容被更改。",
        "An account may import {at_most} files at a time; wait for one to end. Nothing was changed.",
    )


class FilePlaces:
    """What the imports of one process share."""

    def __init__(self) -> None:
        self.batches = asyncio.Semaphore(AT_ONCE)
        self.files = FILES
        self._of: Counter[UUID] = Counter()

    @contextmanager
    def file(self, account_id: UUID) -> Iterator[IO[bytes]]:
        """A file to put a body aside. Raises TooManyImports or Unavailable when there are as many as there may be."""
        wait = {"Retry-After": str(RETRY_AFTER_S)}
        if self._of[account_id] >= AN_ACCOUNT:
            raise TooManyImports(headers=wait, at_most=AN_ACCOUNT)
        if self.files == 0:
            raise Unavailable(headers=wait)
        self.files -= 1
        self._of[account_id] += 1
        try:
            with SpooledTemporaryFile(IN_MEMORY_B) as file:
                yield file
        finally:
            self.files += 1
            self._of -= Counter([account_id])  # keeps none that has none


class FileRoute(ImportRoute):
    """A route whose endpoint reads the file by itself, once it knows who sent it."""

    reads_json = False


REQUEST_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {each: {"schema": {"type": "string"}} for each in MEDIA_TYPES}}
}
"""For the document: the endpoint takes the request itself."""
ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": ""}
}


@dataclass(frozen=True, slots=True)
class Begun:
    """An import in the database. `again`: some of its rows may be there."""

    begun_at: datetime
    again: bool
    seed: int

    def id_of(self, row: int) -> UUID:
        """Version 7: the moment of the import, the row's number, and what is the import's own (RFC 9562, 5.7)."""
        milliseconds = (self.begun_at - EPOCH) // timedelta(milliseconds=1)
        return UUID(int=milliseconds << 80 | 7 << 76 | row >> 4 << 64 | 2 << 62 | (row & 15) << 58 | self.seed)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A file that came in: by whom, under which key, and how to read it."""

    caller: Caller
    key: str
    request_hash: bytes
    rows: Rows


class Importer(Generic[Model]):
    """The import of one kind of thing. `imports`: see `imports_table`; `things`: where `keep` writes, by `id`."""

    def __init__(self, imports: Table, things: FromClause, sheet: Sheet[Model], keep: Keep[Model]) -> None:
        self._sheet = sheet
        self._keep = keep
        self._imports = imports
        self._ids = things.c.id
        row = insert(imports).values({name: bindparam(name) for name in ("caller", "key", "request_hash")})
        # one that is there comes back as it is, locked, once whoever is at work on it has written a batch
        self._begin = row.on_conflict_do_update(
            index_elements=[imports.c.caller, imports.c.key], set_={"key": imports.c.key}
        ).returning(imports.c.request_hash, imports.c.created_at, literal_column("xmax <> 0").label("again"))

    async def take(self, request: Request, caller: Caller) -> Response:
        """The answer to a request whose body is a file. It begins when the first rows are kept."""
        language, places = language_of(request), request.app.state.imports
        lines = self._answer(request, caller, language, places)
        return _Answer(
            _following(await anext(lines), lines),
            media_type=NDJSON,
            headers={"Content-Language": language, "Vary": "Accept-Language"},
        )

    async def forget_old(self, db: Database) -> None:
        """Delete the imports whose keys may be used again; the worker runs this now and then."""
        await delete_in_batches(db, self._imports, self._imports.c.created_at < func.now() - KEPT)

    async def _answer(
        self, request: Request, caller: Caller, language: Language, places: FilePlaces
    ) -> AsyncIterator[bytes]:
        with places.file(caller.account_id) as file:
            sent = await self._received(request, caller, file)
            async for each in self._lines(request.app.state.db, places.batches, sent, language):
                yield each

    async def _received(self, request: Request, caller: Caller, file: IO[bytes]) -> _Sent:
        media_type = request.headers.get("content-type", "")
        if media_type.partition(";")[0].strip().lower() not in MEDIA_TYPES:
            raise UnsupportedMediaType(expected=" | ".join(MEDIA_TYPES), received=media_type or "—")
        key = key_of(request) or f"none {uuid4()}"
        digest = hash_of(request)
        try:
            async with asyncio.timeout(RECEIVED_WITHIN_S):
                async for chunk in request.stream():
                    file.write(chunk)
                    digest.update(chunk)
        except TimeoutError:
            raise TooSlow() from None
        look_through = partial(self._sheet.open, file, media_type)
        rows = look_through() if file.tell() <= IN_MEMORY_B else await asyncio.to_thread(look_through)
        return _Sent(caller, key, digest.digest(), rows)

    async def _lines(
        self, db: Database, turns: asyncio.Semaphore, sent: _Sent, language: Language
    ) -> AsyncIterator[bytes]:
        """The answer, a batch of rows at a time."""
        number = 1
        with closing(iter(sent.rows)) as rows:
            while batch := list(islice(rows, BATCH)):
                async with turns:
                    read = await in_turns(partial(self._sheet.read, sent.rows), batch)
                    async with db.transaction() as session:
                        begun = await self._begun(session, sent)
                        answers = await self._kept(session, sent.caller, begun, number, read)
                yield b"".join(_line(row, answer, language) for row, answer in enumerate(answers, number))
                number += len(batch)

    async def _begun(self, session: WriteSession, sent: _Sent) -> Begun:
        """The import, which is this transaction's alone until its end. Raises KeyReused."""
        caller = str(sent.caller.account_id)
        asked = {"caller": caller, "key": sent.key, "request_hash": sent.request_hash}
        row = (await session.execute(self._begin, asked)).one()
        if row.request_hash != sent.request_hash:
            raise KeyReused()
        if not row.again:
            await bind(session, caller, sent.key, sent.request_hash)
        seed = int.from_bytes(sha256(f"{caller}\0{sent.key}".encode()).digest()[:8]) & SEED_MAX
        return Begun(row.created_at, row.again, seed)

    async def _kept(
        self, session: WriteSession, caller: Caller, begun: Begun, first: int, read: Sequence[Model | Problem]
    ) -> list[UUID | Problem]:
        """The id of each row, or why it has none."""
        ids = [begun.id_of(number) for number in range(first, first + len(read))]
        there = await self._there(session, ids) if begun.again else set()
        fresh = [
            (row_id, each)
            for row_id, each in zip(ids, read, strict=True)
            if row_id not in there and not isinstance(each, Problem)
        ]
        answers = await self._keep(session, caller, fresh, begun.begun_at) if fresh else ()
        refused = {
            row_id: answer for (row_id, _), answer in zip(fresh, answers, strict=True) if isinstance(answer, Problem)
        }
        return [
            each if isinstance(each, Problem) and row_id not in there else refused.get(row_id, row_id)
            for row_id, each in zip(ids, read, strict=True)
        ]

    async def _there(self, session: WriteSession, ids: Sequence[UUID]) -> set[UUID]:
        return set((await session.scalars(select(self._ids).where(among(self._ids, ids)))).all())


class _Answer(StreamingResponse):
    """One that ends: who does not read it to its end in time is cut off, and may send the file again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            await super().__call__(scope, receive, send)


async def _following(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for each in others:
        yield each


def _line(number: int, answer: UUID | Problem, language: Language) -> bytes:
    if isinstance(answer, Problem):
        told = answer.body(language)
        if answer.errors:  # what it says otherwise is of a request: that nothing was changed, and to send it again
            told["detail"] = NOT_TAKEN.in_language(language)
        said = {"row": number, "problem": told}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return b'{"row":%d,"id":"%s"}\n' % (number, str(answer).encode())
