"""Signing in on the pages: the sessions of `/v1/auth/token` by its own checks, kept in cookies."""

from dataclasses import dataclass, field

from pydantic import ValidationError

from chassis.db import Database
from chassis.problems import Language, Problem
from chassis.validation import invalid_input
from contracts.accounts import Role
from gateway.accounts.models import AnotherRole
from gateway.accounts.schemas import CodeRequest
from gateway.accounts.service import SignIn, account_for, send_code
from gateway.limits import ProofBrake
from gateway.pages.signing.guests import Guest
from gateway.sessions import service as sessions
from gateway.sessions.schemas import TokenForm
from gateway.sessions.service import Granted

TOO_OFTEN = 429
FAULTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form holds. `phone` as the person wrote it; `role` is for who is new here."""

    phone: str = ""
    code: str = ""
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What the form of a key holds. The secret is shown by nothing."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """What the form shows next. With `granted` they are in."""

    code_is_asked: bool = False
    problem: Problem | None = None
    granted: Granted | None = None

    @property
    def status(self) -> int:
        return self.problem.status if self.problem else 200


async def ask_for_code(db: Database, desk: SignIn, brake: ProofBrake, asked: Asked, language: Language) -> Step:
    """Send a code to that phone. Where one went out just now, that one is asked for."""
    try:
        wanted = CodeRequest(phone=asked.phone)
        await brake.take(desk.phone_hash(wanted.phone))
        await send_code(db, desk, wanted.phone, language)
    except ValidationError as error:
        return Step(problem=invalid_input(error, FAULTS_MAX))
    except Problem as problem:
        return Step(code_is_asked=problem.status == TOO_OFTEN, problem=problem)
    return Step(code_is_asked=True)


async def prove(db: Database, desk: SignIn, brake: ProofBrake, asked: Asked) -> Step:
    """Sign in with the code. Who has an account goes in as what they are, whatever they chose."""
    try:
        form = TokenForm(grant_type="otp", phone=asked.phone, code=asked.code, role=asked.role)
        await brake.take(desk.phone_hash(form.phone_tried))
        try:
            granted = await sessions.grant(db, desk, form, on_pages=True)
        except AnotherRole:  # the code is good still: nothing was committed
            granted = await sessions.grant(db, desk, form.model_copy(update={"role": None}), on_pages=True)
    except ValidationError as error:
        return Step(code_is_asked=True, problem=invalid_input(error, FAULTS_MAX))
    except Problem as problem:
        return Step(code_is_asked=True, problem=problem)
    return Step(granted=granted)


async def prove_key(db: Database, desk: SignIn, key: Key) -> Step:
    """Sign in with a key. An unknown one takes as long as a wrong secret, and is told the same."""
    told = {"client_id": key.client_id, "client_secret": key.client_secret}
    try:
        form = TokenForm(grant_type="client_credentials", **told)
        return Step(granted=await sessions.grant(db, desk, form, on_pages=True))
    except ValidationError as error:
        return Step(problem=invalid_input(error, FAULTS_MAX))
    except Problem as problem:
        return Step(problem=problem)


async def sign_in_guest(db: Database, desk: SignIn, guest: Guest) -> Granted:
    """Whoever that account of the demonstration is."""
    async with db.transaction() as session:
        account = await account_for(session, desk.vault, guest.role, guest.name)
        return await sessions.begin(session, desk, account.id, on_pages=True)
