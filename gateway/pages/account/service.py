"""What one does with one's own account on its page; the rules are those of `/v1/me`, told on the same page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.db import Database
from chassis.problems import FieldError, InvalidInput, Language, NotFound, Problem, Text
from chassis.validation import invalid_input
from chassis.vault import Vault
from gateway.accounts import service as accounts
from gateway.accounts.schemas import Me, NewName
from gateway.accounts.service import SignIn
from gateway.limits import ProofBrake
from gateway.pages.signing.service import FAULTS_MAX, TOO_OFTEN
from gateway.personal import service as personal
from gateway.personal.schemas import Proof
from gateway.sessions import queries as sessions
from gateway.sessions.schemas import SessionOut
from gateway.sessions.service import end, end_all

SESSIONS_MAX = 50
NO_NAME = Text("请填写名称。", "Give a name.")


@dataclass(frozen=True, slots=True)
class Shown:
    """The account as its page shows it. `version` is what a change has to come from."""

    me: Me
    version: int
    sessions: Sequence[SessionOut]


@dataclass(frozen=True, slots=True)
class Said:
    """What came of what was asked for. `asks_code`: the second question of an erasure stands open."""

    problem: Problem | None = None
    name: str | None = None
    asks_code: bool = False
    done: bool = field(default=False)

    @property
    def status(self) -> int:
        return self.problem.status if self.problem else 200


async def shown(session: AsyncSession, vault: Vault, caller: Caller) -> Shown:
    """With the newest sessions. Raises NotFound for an account that was erased."""
    account = await accounts.who_is(session, caller.account_id)
    rows = await sessions.sessions_of(session, caller.account_id, before=None, limit=SESSIONS_MAX)
    told = [SessionOut.of(row, caller.session_id) for row in rows]
    return Shown(Me.of(account, vault), account.version, told)


async def rename(db: Database, vault: Vault, account_id: UUID, version: int, name: str) -> Said:
    """Go by that name, unless the account has changed since `version`."""
    if not name:
        return Said(problem=InvalidInput(errors=[FieldError("#/name", NO_NAME)]), name=name)
    try:
        wanted = NewName(name=name)
        async with db.transaction() as session:
            await accounts.rename(session, vault, account_id, version, wanted.name)
    except ValidationError as error:
        return Said(problem=invalid_input(error, FAULTS_MAX), name=name)
    except Problem as problem:
        return Said(problem=problem, name=name)
    return Said(done=True)


async def end_sessions(db: Database, caller: Caller, session_id: UUID | None) -> bool:
    """End that session, or all of them; whether the one that was asked from is among them. Raises NotFound."""
    async with db.transaction() as session:
        if session_id is None:
            await end_all(session, caller.account_id)
        else:
            await end(session, caller.account_id, session_id)
    return session_id in {None, caller.session_id}


async def ask_to_erase(db: Database, desk: SignIn, brake: ProofBrake, account_id: UUID, language: Language) -> Said:
    """Send the code that proves it is them; an account without a phone has other proofs, which no page takes."""
    async with db.reading() as session:
        phone = (await accounts.who_is(session, account_id)).phone(desk.vault)
    if phone is None:
        return Said(problem=NotFound())
    try:
        await brake.take_of(account_id)
        await accounts.send_code(db, desk, phone, language)
    except Problem as problem:
        return Said(problem=problem, asks_code=problem.status == TOO_OFTEN)
    return Said(asks_code=True)


async def erase(
    db: Database, desk: SignIn, brake: ProofBrake, account_id: UUID, code: str, forgotten: Callable[[UUID], None]
) -> Said:
    """Erase the account for whoever has the code; `forgotten` ends what tokens of theirs are good for."""
    try:
        await brake.take_of(account_id)
        await personal.erase(db, desk, account_id, Proof(code=code), forgotten)
    except Problem as problem:
        return Said(problem=problem, asks_code=True)
    return Said(done=True)
