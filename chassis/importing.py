"""Imports: a file of rows comes in, each becomes a thing or is explained, and the answer tells of each in its order.

The body is put aside and looked through before anything is kept: a file that is no file, or too long, or comes under
a key that was used for another, changes nothing. Then rows are written in batches, each in a transaction of its own,
and the answer flows while they are. The id of a row follows from its import and its number, so an import that broke
off, was repeated or runs twice at once adds each row once; and it is answered as it was the first time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import islice
from typing import Any, Final, Generic
from uuid import UUID, uuid4

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    FromClause,
    LargeBinary,
    MetaData,
    Table,
    delete,
    false,
    func,
    select,
    update,
)
from sqlalchemy import Text as TextColumn
from starlette.types import Receive, Scope, Send

from chassis.aside import Aside, FileRoom
from chassis.auth import Caller
from chassis.bulk import among, fetch
from chassis.cursors import EPOCH
from chassis.db import Database, WriteSession
from chassis.erasure import Erasures
from chassis.idempotency import KEPT, REPLAYED, KeyReused, bind, hash_of, key_of
from chassis.problems import (
    Language,
    Problem,
    Text,
    TooSlow,
    Unauthenticated,
    UnsupportedMediaType,
    language_of,
)
from chassis.retention import delete_in_batches
from chassis.routes import ImportRoute
from chassis.sheets import CSV, NDJSON, File, Model, Row, Sheet
from chassis.turns import in_turns

BATCH: Final = 500
"""Rows a transaction: what comes meanwhile to this process waits some 20 ms for it."""
FORGET_BATCH: Final = 1000
AT_ONCE: Final = 4
"""Batches at work in one process; the database's other connections are for who asks for little."""
NOT_TAKEN: Final = Text(
    "此行没有导入。请更正所列各项，用新的键再次导入。",
    "This row was not taken. Correct the fields listed and import it again, under a new key.",
)
RECEIVED_WITHIN_S: Final = 600.0
ANSWERED_WITHIN_S: Final = 600.0
"""A file of the largest takes a minute or two, and is kept for as long as somebody sends it or reads of it."""
SEED_MAX: Final = (1 << 58) - 1
MEDIA_TYPES: Final = (CSV, NDJSON)

BEGIN: Final = f"""
    WITH begun AS (
        INSERT INTO imports (caller, key, request_hash, language, is_whole) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (caller, key) DO UPDATE SET key = imports.key
        RETURNING *, xmax <> 0 AS again
    ), bound AS ({bind("SELECT * FROM begun WHERE NOT again")})
    SELECT created_at, again, language, is_whole, coalesce(bound.request_hash, begun.request_hash)
    FROM begun LEFT JOIN bound ON true
"""
"""One that is there comes back as it is, locked, once whoever is at work on it has written a batch."""
Keep = Callable[[WriteSession, Caller, Sequence[tuple[UUID, Model]], datetime], Awaitable[Sequence[object]]]
"""Write these under these new ids, as of that moment; a Problem in place of each that can't be.

What it refuses it refuses as of that moment, so that who repeats an import is told the same as the first time.
"""


def imports_table(metadata: MetaData) -> Table:
    """The imports that were begun in one service's database.

    `language`: that of the answer, null of one begun before it was remembered; `is_whole`: all rows are done.
    """
    return Table(
        "imports",
        metadata,
        Column("caller", TextColumn, primary_key=True),
        Column("key", TextColumn, primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
        Column("language", TextColumn),
        Column("is_whole", Boolean, nullable=False, server_default=false()),
    )


class FilePlaces:
    """What the imports of one process share."""

    def __init__(self) -> None:
        self.batches = asyncio.Semaphore(AT_ONCE)
        self.room = FileRoom()


class FileRoute(ImportRoute):
    """A route whose endpoint reads the file by itself, once it knows who sent it."""

    reads_json = False


EXAMPLE: Final = (
    '{"row":1,"line":2,"id":"01930b7e-6b00-7000-8123-3f9d2c4b5a61"}\n'
    '{"row":2,"line":3,"problem":{"type":"/problems/invalid-input","title":"The input is not valid","status":422,'
    f'"detail":"{NOT_TAKEN.en}","errors":[{{"pointer":"#/quantity_kg","detail":"It must be a number."}}]}}}}\n'
)


@dataclass(frozen=True, slots=True)
class Begun:
    """An import in the database, answered in that language.

    `again`: some of its rows may be there; `is_whole`: all were, before.
    """

    begun_at: datetime
    again: bool
    seed: int
    language: Language = "en"
    is_whole: bool = False

    def ids_of(self, rows: range) -> list[UUID]:
        """Version 7: the moment of the import, the row's number, and what is the import's own (RFC 9562, 5.7)."""
        milliseconds = (self.begun_at - EPOCH) // timedelta(milliseconds=1)
        own = milliseconds << 80 | 7 << 76 | 2 << 62 | self.seed
        return [UUID(int=own | row >> 4 << 64 | (row & 15) << 58) for row in rows]


@dataclass(frozen=True, slots=True)
class _Sent:
    """A file that came in: by whom, under which key, and how to read it."""

    caller: Caller
    key: str
    request_hash: bytes
    file: File
    language: Language
    erasures: Erasures | None


class Importer(Generic[Model]):
    """The import of one kind of thing. `imports`: see `imports_table`; `things`: where `keep` writes, by `id`."""

    def __init__(self, imports: Table, things: FromClause, sheet: Sheet[Model], keep: Keep[Model]) -> None:
        self._sheet = sheet
        self._keep = keep
        self._imports = imports
        self._ids = things.c.id

    async def take(self, request: Request, caller: Caller) -> Response:
        """The answer to a request whose body is a file. It begins when the first rows are kept."""
        batches = self._answer(request, caller, request.app.state.imports)
        begun, first = await anext(batches)
        headers = {"Content-Language": begun.language, "Vary": "Accept-Language"}
        if begun.is_whole:
            headers[REPLAYED] = "true"
        return RowsAnswer(_following(first, batches), headers=headers)

    async def forget_old(self, db: Database) -> None:
        """Delete the imports whose keys may be used again; the worker runs this now and then."""
        await delete_in_batches(db, self._imports, self._imports.c.created_at < func.now() - KEPT)

    async def forget_some(self, session: WriteSession, account_id: UUID, _: UUID | None) -> UUID | None:
        """A step of `Erasures.forget`: which files the account sent, under which keys, and in which language."""
        key = (self._imports.c.caller, self._imports.c.key)
        some = select(*key).where(self._imports.c.caller == str(account_id)).limit(FORGET_BATCH).cte("some")
        gone = delete(self._imports).where(*(column == some.c[column.key] for column in key))
        forgotten = (await session.scalars(gone.returning(self._imports.c.key))).all()
        return account_id if len(forgotten) == FORGET_BATCH else None

    async def _answer(self, request: Request, caller: Caller, places: FilePlaces) -> AsyncIterator[tuple[Begun, bytes]]:
        with places.room.file(caller.account_id, _length_of(request)) as aside:
            sent = await self._received(request, caller, aside)
            async for each in self._lines(request.app.state.db, places.batches, sent):
                yield each

    async def _received(self, request: Request, caller: Caller, aside: Aside) -> _Sent:
        media_type = request.headers.get("content-type", "")
        if media_type.partition(";")[0].strip().lower() not in MEDIA_TYPES:
            raise UnsupportedMediaType(expected=" | ".join(MEDIA_TYPES), received=media_type or "—")
        key = key_of(request) or f"none {uuid4()}"
        digest = hash_of(request)
        try:
            async with asyncio.timeout(RECEIVED_WITHIN_S):
                async for chunk in request.stream():
                    aside.write(chunk, RECEIVED_WITHIN_S)
                    digest.update(chunk)
        except TimeoutError:
            raise TooSlow() from None
        look_through = partial(self._sheet.open, aside.file, media_type)
        opened = look_through() if aside.is_in_memory else await asyncio.to_thread(look_through)
        return _Sent(caller, key, digest.digest(), opened, language_of(request), request.app.state.erasures)

    async def _lines(self, db: Database, turns: asyncio.Semaphore, sent: _Sent) -> AsyncIterator[tuple[Begun, bytes]]:
        """The answer, a batch of rows at a time."""
        first, begun = 1, None
        with closing(iter(sent.file.rows)) as rows:
            while batch := list(islice(rows, BATCH)):
                ends = first + len(batch) > sent.file.length
                async with turns:
                    read = await in_turns(partial(self._sheet.read, sent.file.rows), batch)
                    async with db.transaction() as session:
                        begun = await self._going_on(session, sent, begun, ends)
                        answers = await self._kept(session, sent.caller, begun, first, read)
                        _name_columns(answers, sent.file.rows.columns)
                yield begun, _told(first, batch, answers, begun.language)
                first += len(batch)

    async def _going_on(self, session: WriteSession, sent: _Sent, before: Begun | None, ends: bool) -> Begun:
        """The import at this batch. Of a caller erased since the one before nothing is noted: `keep` refuses its rows.

        Raises Unauthenticated for one who was erased before the first, and KeyReused.
        """
        account_id = sent.caller.account_id
        if sent.erasures is not None and await sent.erasures.among(session, [account_id]):
            if before is None:
                raise Unauthenticated()
            return before
        begun = await self._begun(session, sent, ends)
        if ends and begun.again and not begun.is_whole:
            await self._whole(session, sent)
        return begun

    async def _begun(self, session: WriteSession, sent: _Sent, ends: bool) -> Begun:
        """The import, which is this transaction's alone until its end, with the batch that `ends` it or not.

        Raises KeyReused.
        """
        caller = str(sent.caller.account_id)
        ((begun_at, again, language, is_whole, stands_for),) = await fetch(
            session, BEGIN, caller, sent.key, sent.request_hash, sent.language, ends
        )
        if sent.request_hash != stands_for:
            raise KeyReused()
        seed = int.from_bytes(sha256(f"{caller}\0{sent.key}".encode()).digest()[:8]) & SEED_MAX
        return Begun(begun_at, again, seed, language or sent.language, again and is_whole)

    async def _whole(self, session: WriteSession, sent: _Sent) -> None:
        """Note that all rows are done: what comes under this key from here on is a repetition."""
        mine = self._imports.c.caller == str(sent.caller.account_id), self._imports.c.key == sent.key
        await session.execute(update(self._imports).where(*mine).values(is_whole=True))

    async def _kept(
        self, session: WriteSession, caller: Caller, begun: Begun, first: int, read: Sequence[Model | Problem]
    ) -> list[UUID | Problem]:
        """The id of each row, or why it has none."""
        ids = begun.ids_of(range(first, first + len(read)))
        there: Collection[UUID] = await self._there(session, ids) if begun.again else ()
        answers: list[UUID | Problem] = [*ids]
        fresh: list[tuple[int, UUID, Model]] = []
        for place, (row_id, each) in enumerate(zip(ids, read, strict=True)):
            if row_id in there:
                continue
            if isinstance(each, Problem):
                answers[place] = each
            else:
                fresh.append((place, row_id, each))
        kept = await self._keep(session, caller, [each[1:] for each in fresh], begun.begun_at) if fresh else ()
        for (place, *_), answer in zip(fresh, kept, strict=True):
            if isinstance(answer, Problem):
                answers[place] = answer
        return answers

    async def _there(self, session: WriteSession, ids: Sequence[UUID]) -> set[UUID]:
        return set((await session.scalars(select(self._ids).where(among(self._ids, ids)))).all())


class RowsAnswer(StreamingResponse):
    """One that ends: who does not read it to its end in time is cut off, and may send the file again."""

    media_type = NDJSON

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            await super().__call__(scope, receive, send)


AS_IMPORT: Final[dict[str, Any]] = {
    "status_code": 200,
    "response_class": RowsAnswer,
    "responses": {200: {"content": {NDJSON: {"example": EXAMPLE}}}},
    "openapi_extra": {
        "requestBody": {"required": True, "content": {each: {"schema": {"type": "string"}} for each in MEDIA_TYPES}}
    },
}
"""What the route of an import says of itself: the endpoint takes the request, and gives its answer, by itself."""


async def _following(first: bytes, others: AsyncIterator[tuple[Begun, bytes]]) -> AsyncIterator[bytes]:
    yield first
    async for _, each in others:
        yield each


def _name_columns(answers: Sequence[UUID | Problem], columns: Mapping[str, str]) -> None:
    """Say beside each pointer what the file calls the field."""
    for answer in answers if columns else ():
        if isinstance(answer, Problem):
            answer.errors = [replace(each, column=columns.get(each.pointer)) for each in answer.errors]


def _told(first: int, batch: Sequence[Row], answers: Sequence[UUID | Problem], language: Language) -> bytes:
    rows = enumerate(zip(batch, answers, strict=True), first)
    return b"".join(_line(number, row, answer, language) for number, (row, answer) in rows)


def _line(number: int, row: Row, answer: UUID | Problem, language: Language) -> bytes:
    if isinstance(answer, Problem):
        told = answer.body(language)
        if answer.errors:  # what it says otherwise is of a request: that nothing was changed, and to send it again
            told["detail"] = NOT_TAKEN.in_language(language)
        said = {"row": number, "line": row.line, **_end_of(row), "problem": told}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    if row.last_line is not None:
        return json.dumps({"row": number, "line": row.line, **_end_of(row), "id": str(answer)}).encode() + b"\n"
    return b'{"row":%d,"line":%d,"id":"%s"}\n' % (number, row.line, str(answer).encode())


def _end_of(row: Row) -> dict[str, int]:
    """Said of a row on several lines alone: a quote that is not closed takes rows behind it in."""
    return {} if row.last_line is None else {"last_line": row.last_line}


def _length_of(request: Request) -> int | None:
    """What the sender says; of a body in chunks nothing is known beforehand."""
    told = request.headers.get("content-length", "")
    return int(told) if told.isdecimal() else None
