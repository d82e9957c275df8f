"""What those who run a process ask it: whether it is alive, whether it can work, and what of its work is late."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy import text

from chassis.db import Database, is_transient
from chassis.erasure import Erasures
from chassis.outbox import oldest_age_s

Check = Callable[[], Awaitable[str | None]]
"""Whether something is as it should be: None when it is, else what is wrong, in one sentence; a `Late` one if it
works all the same."""


class Late(str):
    """What still works, but behind its time. A process that is late is ready."""


ANSWER_S = 2.0
"""How long the database may take; the gateway waits three seconds for the whole."""

LATE_S = 5.0
"""An event that has waited so long in the outbox is late: the relay sends within a tenth of a second."""

ERASURE_LATE_S = 600.0
"""An erasure that has waited so long is late: an account of 50,000 lots is forgotten in a minute or two."""


async def database_answers(db: Database) -> str | None:
    try:
        async with asyncio.timeout(ANSWER_S), db.at_once() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception as error:
        if is_transient(error):
            return "the database does not answer"
        raise
    return None


async def outbox_is_late(db: Database) -> str | None:
    try:
        async with asyncio.timeout(ANSWER_S):
            age_s = await oldest_age_s(db)
    except Exception as error:
        if is_transient(error):
            return None  # that is told as the database's
        raise
    return Late(f"the oldest event has waited {age_s:.0f} s") if age_s > LATE_S else None


async def erasures_are_late(db: Database, erasures: Erasures) -> str | None:
    try:
        async with asyncio.timeout(ANSWER_S):
            age_s = await erasures.oldest_age_s(db)
    except Exception as error:
        if is_transient(error):
            return None  # that is told as the database's
        raise
    return Late(f"an erased account is not forgotten after {age_s:.0f} s") if age_s > ERASURE_LATE_S else None


def serve_health(app: FastAPI, ours: Mapping[str, Check], others: Mapping[str, Check]) -> None:
    """`GET /healthz` and `GET /readyz`, which is 503 while a check finds something that is not merely late.

    `/readyz?alone=true` leaves `others` out: a gateway stays in rotation while one of the services is away.
    """

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz(alone: bool = False) -> JSONResponse:
        checks = {**ours} if alone else {**ours, **others}
        answers = await asyncio.gather(*(check() for check in checks.values()))
        found = {name: why for name, why in zip(checks, answers, strict=True) if why is not None}
        reasons = {name: why for name, why in found.items() if not isinstance(why, Late)}
        late = {name: why for name, why in found.items() if isinstance(why, Late)}
        return JSONResponse({"ready": not reasons, "reasons": reasons, "late": late}, 503 if reasons else 200)
