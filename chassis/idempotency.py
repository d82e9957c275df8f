"""`Idempotency-Key`: the same caller, key and body get the first answer again, byte for byte.

The record is written in the use case's own transaction, so there is an answer to repeat exactly when there was an
effect. A key whose first request still runs is refused: an advisory lock tells, since the row isn't there yet.

A use case that must not hold a transaction while it works only looks beforehand, and its answer is remembered after it.
Two of these with one key may both do their work, so it has to be such as may be done twice; both get the answer of
whichever ended first.
"""

import hashlib
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from python_multipart.multipart import parse_options_header
from sqlalchemy import ARRAY, BigInteger, Row, and_, bindparam, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.bulk import given, insert_given, parameters, parameters_of
from chassis.db import Database, WriteSession
from chassis.problems import FieldError, InvalidInput, Problem, Text
from chassis.retention import delete_in_batches
from chassis.tables import IDEMPOTENCY
from chassis.vault import Vault

KEPT = timedelta(hours=48)
KEY_MAX = 255
REPEATED_HEADERS = ("content-type", "etag", "location")

LOCK = func.unnest(bindparam("locks", type_=ARRAY(BigInteger))).column_valued("lock")
TAKE = select(func.pg_try_advisory_xact_lock(LOCK))
GIVEN = given(IDEMPOTENCY, "caller", "key")
ANSWERED = select(IDEMPOTENCY).join(
    GIVEN, and_(IDEMPOTENCY.c.caller == GIVEN.c.caller, IDEMPOTENCY.c.key == GIVEN.c.key)
)
REMEMBERED = ("caller", "key", "request_hash", "status", "headers", "body")
REMEMBER = insert_given(IDEMPOTENCY, *REMEMBERED).on_conflict_do_nothing().returning(IDEMPOTENCY.c.key)
BIND = (
    insert_given(IDEMPOTENCY, *REMEMBERED)
    .on_conflict_do_update(index_elements=["caller", "key"], set_={"key": IDEMPOTENCY.c.key})
    .returning(IDEMPOTENCY.c.request_hash)
)


class KeyReused(Problem):
    slug, status = "idempotency-key-reused", 422
    title = Text("幂等键已用于另一请求", "The key was used for another request")
    detail = Text("同一个 Idempotency-Key 已用于不同的内容。", "This Idempotency-Key came before with another body.")


class StillRunning(Problem):
    slug, status = "still-running", 409
    title = Text("仍在处理", "Still running")
    detail = Text(
        "同一个键的第一次请求尚未完成，请稍后重试。",
        "The first request with this key has not ended; try again shortly.",
    )


class Replay(Exception):
    """Not an error: the answer was given before, and is given again."""

    def __init__(self, response: Response) -> None:
        super().__init__("replay")
        self.response = response


Known = Replay | KeyReused | StillRunning
"""Why a key can't be taken."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request brings its key for: of one caller, with this body."""

    caller: str
    key: str
    request_hash: bytes
    vault: Vault | None
    """Seals the answer, where it holds a secret."""

    def kept(self, body: bytes) -> bytes:
        return body if self.vault is None else self.vault.seal(body.decode(), self._about)

    def given(self, kept: bytes) -> bytes:
        return kept if self.vault is None else self.vault.open(kept, self._about).encode()

    @property
    def _about(self) -> str:
        return f"idempotency.body {self.caller} {self.key}"


async def claim(session: WriteSession, request: Request, caller: str) -> Claim | None:
    """Take the key for this transaction, which is the first with it then; None when the request brings no key.

    Raises Replay with the first answer, KeyReused for another body, StillRunning while the first one runs.
    """
    mine = await claim_of(request, caller)
    if mine is not None:
        for refusal in (await claim_all(session, [mine])).values():
            raise refusal
    return mine


async def claim_all(session: WriteSession, claims: Sequence[Claim]) -> dict[Claim, Known]:
    """Take these keys for this transaction, which may hold some twice; those that can't be, and what says why."""
    if not claims:
        return {}
    taken = (await session.scalars(TAKE, {"locks": [_lock(each) for each in claims]})).all()
    refused: dict[Claim, Known] = {}
    for each, mine in zip(claims, taken, strict=True):
        if not mine:
            refused[each] = StillRunning(headers={"Retry-After": "1"})
    # a statement of its own: it sees what those committed who held the keys until just now
    return refused | await _known(session, [each for each in claims if each not in refused])


async def look(db: Database, request: Request, caller: str) -> Claim | None:
    """The same for work whose answer `remember_alone` keeps: takes nothing, so two with one key may both go on."""
    mine = await claim_of(request, caller)
    if mine is not None:
        async with db.at_once() as connection:
            await _replay(connection, [mine])
    return mine


async def claim_of(request: Request, caller: str) -> Claim | None:
    """What the request would claim; None when it brings no key."""
    key = key_of(request)
    if key is None:
        return None
    digest = hash_of(request, _content(request, await request.body())).digest()
    return Claim(caller, key, digest, getattr(request.state, "answers_vault", None))


def key_of(request: Request) -> str | None:
    """Raises InvalidInput for one that is too short or too long."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= KEY_MAX:
        text = Text(f"1 至 {KEY_MAX} 个字符。", f"1 to {KEY_MAX} characters.")
        raise InvalidInput(errors=[FieldError("#/header/Idempotency-Key", text)])
    return key


async def remember(session: WriteSession, answers: Sequence[tuple[Claim, Response]]) -> None:
    """Write the answers into the transaction whose effects they report.

    Work that only looked, and remembers by itself, may have been quicker: then raises as `claim` does.
    """
    await _remember(session, answers)


async def bind(session: WriteSession, caller: str, key: str, request_hash: bytes) -> None:
    """Use the key for a request whose answer is not kept: its repetition is known otherwise. Raises KeyReused."""
    row = {"status": 200, "headers": {}, "body": b"", "caller": caller, "key": key, "request_hash": request_hash}
    if await session.scalar(BIND, parameters_of([row], *REMEMBERED)) != request_hash:
        raise KeyReused()


async def remember_alone(db: Database, mine: Claim, response: Response) -> None:
    """Write the answer by itself, once the work is done, unless another with this key was quicker: then raises as
    `look` does, and what this one did stands."""
    async with db.at_once() as connection:
        await _remember(connection, [(mine, response)])


async def _remember(connection: AsyncConnection | WriteSession, answers: Sequence[tuple[Claim, Response]]) -> None:
    if not answers:
        return
    rows = [
        {
            "caller": mine.caller,
            "key": mine.key,
            "request_hash": mine.request_hash,
            "status": response.status_code,
            "headers": {name: response.headers[name] for name in REPEATED_HEADERS if name in response.headers},
            "body": mine.kept(bytes(response.body)),
        }
        for mine, response in answers
    ]
    written = (await connection.execute(REMEMBER, parameters_of(rows, *REMEMBERED))).all()
    if len(written) < len(rows):
        await _replay(connection, [mine for mine, _ in answers])


async def _replay(connection: AsyncConnection | WriteSession, claims: Sequence[Claim]) -> None:
    """Raise a first answer if there was one."""
    for known in (await _known(connection, claims)).values():
        raise known


async def _known(connection: AsyncConnection | WriteSession, claims: Sequence[Claim]) -> dict[Claim, Known]:
    """Those whose keys came before, and what there is to say."""
    if not claims:
        return {}
    asked = {"caller": [each.caller for each in claims], "key": [each.key for each in claims]}
    rows = (await connection.execute(ANSWERED, parameters(asked))).all()
    by_key = {(row.caller, row.key): row for row in rows}
    return {each: _said(by_key[each.caller, each.key], each) for each in claims if (each.caller, each.key) in by_key}


def _said(row: Row[Any], mine: Claim) -> Known:
    if row.request_hash != mine.request_hash:
        return KeyReused()
    return Replay(Response(mine.given(row.body), row.status, {**row.headers, "Idempotent-Replayed": "true"}))


def _lock(mine: Claim) -> int:
    number: int = struct.unpack(">q", hashlib.sha256(f"{mine.caller}\0{mine.key}".encode()).digest()[:8])[0]
    return number


async def forget_old(db: Database) -> None:
    """Delete answers older than `KEPT`; the worker runs this now and then."""
    await delete_in_batches(db, IDEMPOTENCY, IDEMPOTENCY.c.created_at < func.now() - KEPT)


async def forget_callers(session: WriteSession, account_ids: Collection[UUID]) -> None:
    """Delete the answers to these accounts: they say again what was said of them."""
    callers = [str(each) for each in account_ids]
    await session.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.caller.in_(callers)))


def hash_of(request: Request, body: bytes = b"") -> "hashlib._Hash":
    """Of what a key is bound to; the rest of the body may follow."""
    return hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\0".encode() + body)


def _content(request: Request, body: bytes) -> bytes:
    """The body, but for the line between the parts of a form: a client that sends it again draws another."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    return body.replace(options.get(b"boundary", b""), b"") if kind == b"multipart/form-data" else body
