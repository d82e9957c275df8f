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
from typing import Any, cast
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from python_multipart.multipart import parse_options_header
from sqlalchemy import CursorResult, Row, and_, delete, func, select

from chassis.bulk import GIVEN_LOCKS, given, insert_given, parameters, parameters_of
from chassis.db import Database, WriteSession
from chassis.problems import FieldError, InvalidInput, Problem, Text
from chassis.retention import delete_in_batches
from chassis.tables import IDEMPOTENCY
from chassis.vault import Vault

KEPT = timedelta(hours=48)
KEY_MAX = 255
REPEATED_HEADERS = ("content-type", "etag", "location")
REPLAYED = "Idempotent-Replayed"

TAKE = select(func.pg_try_advisory_xact_lock(GIVEN_LOCKS))
GIVEN = given(IDEMPOTENCY, "caller", "key")
ANSWERED = select(IDEMPOTENCY).join(
    GIVEN, and_(IDEMPOTENCY.c.caller == GIVEN.c.caller, IDEMPOTENCY.c.key == GIVEN.c.key)
)
REMEMBERED = ("caller", "key", "request_hash", "status", "headers", "body")
REMEMBER = insert_given(IDEMPOTENCY, *REMEMBERED).on_conflict_do_nothing().returning(IDEMPOTENCY.c.key)


class KeyReused(Problem):
    slug, status = "idempotency-key-reused", 422
    title = Text("幂等键已用于另一请求", "The key was used for another request")
    detail = Text(
        "同一个 Idempotency-Key 已用于不同的地址、参数或正文；逐字节比较，同义而写法不同的 JSON 也算不同。",
        "This Idempotency-Key came before with another path, query or body. They are compared byte for byte: JSON that "
        "means the same but is written otherwise is another body.",
    )


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


async def look(session: WriteSession, request: Request, caller: str) -> Claim | None:
    """The same for work whose answer is remembered after it: takes nothing, so two with one key may both go on."""
    mine = await claim_of(request, caller)
    if mine is not None:
        await _replay(session, [mine])
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


def bind(rows: str) -> str:
    """The statement that uses the keys of these `rows`, a query of caller, key and request_hash, for requests whose
    answers are not kept: their repetition is known otherwise. It returns the hash that each key stands for: another
    than was given, and it was used before.
    """
    return f"""
        INSERT INTO idempotency (caller, key, request_hash, status, headers, body)
        SELECT caller, key, request_hash, 200, '{{}}', '' FROM ({rows}) AS given
        ON CONFLICT (caller, key) DO UPDATE SET key = idempotency.key
        RETURNING request_hash
    """


async def remember(session: WriteSession, answers: Sequence[tuple[Claim, Response]]) -> None:
    """Write the answers into the transaction whose effects they report, or, of work that only looked, into one of
    their own. Such work may have been quicker: then raises as `claim` does, and what this one did stands."""
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
    written = (await session.execute(REMEMBER, parameters_of(rows, *REMEMBERED))).all()
    if len(written) < len(rows):
        await _replay(session, [mine for mine, _ in answers])


async def _replay(session: WriteSession, claims: Sequence[Claim]) -> None:
    """Raise a first answer if there was one."""
    for known in (await _known(session, claims)).values():
        raise known


async def _known(session: WriteSession, claims: Sequence[Claim]) -> dict[Claim, Known]:
    """Those whose keys came before, and what there is to say."""
    if not claims:
        return {}
    asked = {"caller": [each.caller for each in claims], "key": [each.key for each in claims]}
    rows = (await session.execute(ANSWERED, parameters(asked))).all()
    by_key = {(row.caller, row.key): row for row in rows}
    return {each: _said(by_key[each.caller, each.key], each) for each in claims if (each.caller, each.key) in by_key}


def _said(row: Row[Any], mine: Claim) -> Known:
    if row.request_hash != mine.request_hash:
        return KeyReused()
    return Replay(Response(mine.given(row.body), row.status, {**row.headers, REPLAYED: "true"}))


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


async def forget_some_of(session: WriteSession, account_id: UUID, limit: int) -> int:
    """Delete at most so many of the answers to one account; how many there were of them."""
    key = (IDEMPOTENCY.c.caller, IDEMPOTENCY.c.key)
    some = select(*key).where(IDEMPOTENCY.c.caller == str(account_id)).order_by(*key).limit(limit).cte("some")
    gone = delete(IDEMPOTENCY).where(*(column == some.c[column.key] for column in key))
    return cast("CursorResult[Any]", await session.execute(gone)).rowcount


def hash_of(request: Request, body: bytes = b"") -> "hashlib._Hash":
    """Of what a key is bound to; the rest of the body may follow."""
    return hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\0".encode() + body)


def _content(request: Request, body: bytes) -> bytes:
    """The body, but for the line between the parts of a form: a client that sends it again draws another."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    return body.replace(options.get(b"boundary", b""), b"") if kind == b"multipart/form-data" else body
