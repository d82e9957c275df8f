"""`Idempotency-Key`: the same caller, key and body get the first answer again, byte for byte.

The record is written in the use case's own transaction, so there is an answer to repeat exactly when there was an
effect. A key whose first request still runs is refused: an advisory lock tells, since the row isn't there yet.

A use case that must not hold a transaction while it works only looks beforehand, and its answer is remembered after it.
Two of these with one key may both do their work, so it has to be such as may be done twice; both get the answer of
whichever ended first.
"""

import hashlib
import struct
from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db import Database, WriteSession
from chassis.problems import FieldError, InvalidInput, Problem, Text
from chassis.retention import delete_in_batches
from chassis.tables import IDEMPOTENCY
from chassis.vault import Vault

KEPT = timedelta(hours=48)
KEY_MAX = 255
REPEATED_HEADERS = ("content-type", "etag", "location")

TAKE = select(func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger)))
ANSWERED = select(IDEMPOTENCY).where(IDEMPOTENCY.c.caller == bindparam("caller"), IDEMPOTENCY.c.key == bindparam("key"))
REMEMBER = insert(IDEMPOTENCY).on_conflict_do_nothing().returning(IDEMPOTENCY.c.key)


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
    mine = await _claimed(request, caller)
    if mine is None:
        return None
    lock = struct.unpack(">q", hashlib.sha256(f"{caller}\0{mine.key}".encode()).digest()[:8])[0]
    if not await session.scalar(TAKE, {"lock": lock}):
        raise StillRunning(headers={"Retry-After": "1"})
    await _replay(session, mine)
    return mine


async def look(db: Database, request: Request, caller: str) -> Claim | None:
    """The same for work whose answer `remember_alone` keeps: takes nothing, so two with one key may both go on."""
    mine = await _claimed(request, caller)
    if mine is not None:
        async with db.at_once() as connection:
            await _replay(connection, mine)
    return mine


async def _claimed(request: Request, caller: str) -> Claim | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= KEY_MAX:
        text = Text(f"1 至 {KEY_MAX} 个字符。", f"1 to {KEY_MAX} characters.")
        raise InvalidInput(errors=[FieldError("#/header/Idempotency-Key", text)])
    return Claim(caller, key, await _hash(request), getattr(request.state, "answers_vault", None))


async def _replay(connection: AsyncConnection | WriteSession, mine: Claim) -> None:
    """Raise the first answer if there was one."""
    row = (await connection.execute(ANSWERED, {"caller": mine.caller, "key": mine.key})).one_or_none()
    if row is None:
        return
    if row.request_hash != mine.request_hash:
        raise KeyReused()
    raise Replay(Response(mine.given(row.body), row.status, {**row.headers, "Idempotent-Replayed": "true"}))


async def remember(session: WriteSession, mine: Claim, response: Response) -> None:
    """Write the answer into the transaction whose effect it reports.

    Work that only looked, and remembers by itself, may have been quicker: then raises as `claim` does.
    """
    await _remember(session, mine, response)


async def remember_alone(db: Database, mine: Claim, response: Response) -> None:
    """Write the answer by itself, once the work is done, unless another with this key was quicker: then raises as
    `look` does, and what this one did stands."""
    async with db.at_once() as connection:
        await _remember(connection, mine, response)


async def _remember(connection: AsyncConnection | WriteSession, mine: Claim, response: Response) -> None:
    answer = {
        "caller": mine.caller,
        "key": mine.key,
        "request_hash": mine.request_hash,
        "status": response.status_code,
        "headers": {name: response.headers[name] for name in REPEATED_HEADERS if name in response.headers},
        "body": mine.kept(bytes(response.body)),
    }
    if (await connection.execute(REMEMBER, answer)).first() is None:
        await _replay(connection, mine)


async def forget_old(db: Database) -> None:
    """Delete answers older than `KEPT`; the worker runs this now and then."""
    await delete_in_batches(db, IDEMPOTENCY, IDEMPOTENCY.c.created_at < func.now() - KEPT)


async def _hash(request: Request) -> bytes:
    head = f"{request.method} {request.url.path}?{request.url.query}\0".encode()
    return hashlib.sha256(head + await request.body()).digest()
