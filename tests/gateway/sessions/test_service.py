"""Sessions: tokens renewed, answers lost, tokens stolen, sessions ended."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update
from structlog.testing import capture_logs

from chassis.auth import LocalKeys, verify
from chassis.db import Database
from gateway.accounts import hashing
from gateway.accounts import service as accounts
from gateway.accounts.models import InvalidClient, InvalidRequest, OAuthError
from gateway.accounts.service import SignIn
from gateway.clients import service as clients
from gateway.sessions import service
from gateway.sessions.models import GRACE, InvalidRefreshToken, Session
from gateway.sessions.schemas import TokenForm
from gateway.sessions.service import Granted
from gateway.tokens import FOR_MACHINES, FOR_PEOPLE
from tests.gateway.support import Phones
from tests.support.hypotheses import ON_FIXTURES

PHONE = "+8613812345678"
GRACE_S = GRACE.total_seconds()


async def sign_in(db: Database, desk: SignIn, sms: Phones, phone: str = PHONE) -> Granted:
    await accounts.send_code(db, desk, phone)
    return await service.grant(db, desk, TokenForm(grant_type="otp", phone=phone, code=sms.last_code()))


def refreshing(token: str, client_id: str | None = None, client_secret: str | None = None) -> TokenForm:
    return TokenForm(grant_type="refresh_token", refresh_token=token, client_id=client_id, client_secret=client_secret)


async def renew(db: Database, desk: SignIn, token: str) -> Granted:
    return await service.grant(db, desk, refreshing(token))


async def is_refused(db: Database, desk: SignIn, token: str) -> bool:
    try:
        await renew(db, desk, token)
    except InvalidRefreshToken:
        return True
    return False


async def pass_s(db: Database, seconds: float) -> None:
    """Let time pass for every session."""
    shift = timedelta(seconds=seconds)
    times = {name: getattr(Session, name) - shift for name in ("created_at", "used_at", "expires_at")}
    async with db.transaction() as session:
        await session.execute(update(Session).values(times))


async def count(db: Database) -> int:
    async with db.reading() as session:
        return await session.scalar(select(func.count()).select_from(Session)) or 0


async def client(db: Database, desk: SignIn, name: str = "生鲜平台") -> tuple[str, str]:
    async with db.transaction() as session:
        return await clients.create_for(session, desk.vault, "platform", name)


def credentials(client_id: str, secret: str) -> TokenForm:
    return TokenForm(grant_type="client_credentials", client_id=client_id, client_secret=secret)


async def test_each_renewal_gives_a_new_token_of_the_same_account(db: Database, desk: SignIn, sms: Phones) -> None:
    granted = [await sign_in(db, desk, sms)]
    for _ in range(3):
        granted.append(await renew(db, desk, granted[-1].refresh_token))
    assert len({each.refresh_token for each in granted}) == 4
    callers = [await verify(each.token, LocalKeys(desk.signer.jwks)) for each in granted]
    assert len({(caller.account_id, caller.role) for caller in callers}) == 1
    assert await count(db) == 1
    assert (granted[0].ttl, granted[0].refresh_ttl) == (timedelta(minutes=15), timedelta(days=30))


async def test_a_token_is_long_and_shares_no_proof_with_the_next(db: Database, desk: SignIn, sms: Phones) -> None:
    first = await sign_in(db, desk, sms)
    second = await renew(db, desk, first.refresh_token)
    assert first.refresh_token.startswith("djr_")
    proofs = [each.refresh_token[-43:] for each in (first, second)]  # 43 characters hold 256 bits
    assert proofs[0] != proofs[1]


async def test_who_lost_the_answer_gets_the_same_one_again(db: Database, desk: SignIn, sms: Phones) -> None:
    first = await sign_in(db, desk, sms)
    second = await renew(db, desk, first.refresh_token)
    await pass_s(db, GRACE_S - 5)
    assert (await renew(db, desk, first.refresh_token)).refresh_token == second.refresh_token
    third = await renew(db, desk, second.refresh_token)
    assert third.refresh_token not in {first.refresh_token, second.refresh_token}


async def test_two_who_renew_at_once_get_the_same_one(db: Database, desk: SignIn, sms: Phones) -> None:
    first = await sign_in(db, desk, sms)
    answers = await asyncio.gather(*(renew(db, desk, first.refresh_token) for _ in range(8)))
    assert len({each.refresh_token for each in answers}) == 1
    assert not await is_refused(db, desk, answers[0].refresh_token)


async def test_after_the_grace_an_old_one_ends_the_session_and_is_told_of(
    db: Database, desk: SignIn, sms: Phones
) -> None:
    first = await sign_in(db, desk, sms)
    second = await renew(db, desk, first.refresh_token)
    await pass_s(db, GRACE_S + 5)
    with capture_logs() as logs:
        assert await is_refused(db, desk, first.refresh_token)
    assert [each["event"] for each in logs] == ["refresh_token_reused"]
    assert first.refresh_token not in str(logs)
    assert await is_refused(db, desk, second.refresh_token)
    assert await count(db) == 0


async def test_within_the_grace_an_old_one_ends_the_session_once_its_successor_was_used(
    db: Database, desk: SignIn, sms: Phones
) -> None:
    first = await sign_in(db, desk, sms)
    second = await renew(db, desk, first.refresh_token)
    third = await renew(db, desk, second.refresh_token)
    assert await is_refused(db, desk, first.refresh_token)
    assert await is_refused(db, desk, third.refresh_token)


@given(uses=st.lists(st.integers(0, 4), min_size=1, max_size=8))
@settings(max_examples=20, suppress_health_check=ON_FIXTURES)
async def test_whoever_uses_them_in_whatever_order_one_line_of_tokens_is_good(
    db: Database, desk: SignIn, sms: Phones, uses: list[int]
) -> None:
    """The newest and, of the quick, the one before; anything older ends it all, for good."""
    async with db.transaction() as session:
        await session.execute(text("TRUNCATE codes, sessions"))
    made = [(await sign_in(db, desk, sms)).refresh_token]
    alive = True
    for use in uses:
        token = made[min(use, len(made) - 1)]
        good = alive and token in made[-2:]
        assert await is_refused(db, desk, token) is not good
        alive = good
        if good and token == made[-1]:
            made.append((await renew(db, desk, token)).refresh_token)  # the same that the use above was given
    assert all(one != other for one, other in pairwise(made))
    assert await count(db) == int(alive)


@pytest.mark.parametrize(
    ("idle_s", "good"), [(30 * 86_400 - 60, True), (30 * 86_400 + 60, False)], ids=["just in time", "too late"]
)
async def test_a_session_that_is_not_used_ends(
    db: Database, desk: SignIn, sms: Phones, idle_s: float, good: bool
) -> None:
    first = await sign_in(db, desk, sms)
    await pass_s(db, idle_s)
    assert await is_refused(db, desk, first.refresh_token) is not good


async def test_a_session_ends_after_its_whole_life_however_much_it_is_used(
    db: Database, desk: SignIn, sms: Phones
) -> None:
    granted = await sign_in(db, desk, sms)
    for _ in range(4):
        await pass_s(db, 20 * 86_400)
        granted = await renew(db, desk, granted.refresh_token)
    assert timedelta(days=9) < granted.refresh_ttl <= FOR_PEOPLE.whole - timedelta(days=80)
    await pass_s(db, 10 * 86_400)
    assert await is_refused(db, desk, granted.refresh_token)
    await service.forget_ended(db)
    assert await count(db) == 0


async def test_what_is_no_token_of_ours_is_refused(db: Database, desk: SignIn, sms: Phones) -> None:
    good = (await sign_in(db, desk, sms)).refresh_token
    changed = [good[:i] + ("A" if good[i] != "A" else "B") + good[i + 1 :] for i in range(4, len(good), 7)]
    for token in [
        *changed,
        good[:-1],
        good + "A",
        good + "=",
        f" {good}",
        good.removeprefix("djr_"),
        "",
        "djr_",
        "草莓",
    ]:
        assert await is_refused(db, desk, token), token
    assert not await is_refused(db, desk, good), "guesses end nobody's session"


async def test_a_machine_renews_too_and_not_as_long(db: Database, desk: SignIn) -> None:
    mine = await client(db, desk)
    granted = await service.grant(db, desk, credentials(*mine))
    assert (granted.ttl, granted.refresh_ttl) == (timedelta(hours=1), FOR_MACHINES.idle)
    renewed = await service.grant(db, desk, refreshing(granted.refresh_token, *mine))
    assert (await verify(renewed.token, LocalKeys(desk.signer.jwks))).role == "platform"


async def test_a_clients_token_without_its_secret_renews_nothing_and_ends_nothing(db: Database, desk: SignIn) -> None:
    mine = await client(db, desk)
    first = await service.grant(db, desk, credentials(*mine))
    second = await service.grant(db, desk, refreshing(first.refresh_token, *mine))
    await pass_s(db, GRACE_S + 5)
    for stolen in (first.refresh_token, second.refresh_token):
        for form in (refreshing(stolen), refreshing(stolen, mine[0])):
            with pytest.raises(InvalidClient):
                await service.grant(db, desk, form)
    await service.grant(db, desk, refreshing(second.refresh_token, *mine))


async def test_a_secret_that_is_rotated_while_it_is_checked_begins_no_session(
    db: Database, desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = await client(db, desk)
    granted = await service.grant(db, desk, credentials(*mine))
    matches = hashing.matches

    async def slow(secret_hash: str | None, secret: str) -> bool:
        good = await matches(secret_hash, secret)
        async with db.transaction() as session:
            await clients.rotate_any(session, mine[0])
        return good

    monkeypatch.setattr(hashing, "matches", slow)
    with pytest.raises(InvalidClient):
        await service.grant(db, desk, credentials(*mine))
    with pytest.raises(OAuthError):
        await service.grant(db, desk, refreshing(granted.refresh_token, *mine))
    assert await count(db) == 0


async def test_a_session_that_somebody_holds_keeps_nobody_from_forgetting_the_others(
    db: Database, desk: SignIn, sms: Phones
) -> None:
    for phone in (PHONE, "+8613900000000"):
        await sign_in(db, desk, sms, phone)
    await pass_s(db, 100 * 86_400)
    async with db.transaction() as session:
        held = await session.scalar(select(Session.id).limit(1).with_for_update())
        await asyncio.wait_for(service.forget_ended(db), 5)
    async with db.reading() as session:
        assert (await session.scalars(select(Session.id))).all() == [held]
    await service.forget_ended(db)
    assert await count(db) == 0


async def test_a_clients_token_is_no_other_clients(db: Database, desk: SignIn, sms: Phones) -> None:
    mine, other = await client(db, desk), await client(db, desk, "另一平台")
    token = (await service.grant(db, desk, credentials(*mine))).refresh_token
    persons = (await sign_in(db, desk, sms)).refresh_token
    for stolen in (token, persons):
        with pytest.raises(InvalidRefreshToken):
            await service.grant(db, desk, refreshing(stolen, *other))
    with pytest.raises(InvalidClient):
        await service.grant(db, desk, refreshing(token, mine[0], "wrong"))
    await service.grant(db, desk, refreshing(token, *mine))


async def test_a_revoked_clients_sessions_end_with_it(db: Database, desk: SignIn) -> None:
    mine, other = await client(db, desk), await client(db, desk)
    tokens = [(await service.grant(db, desk, credentials(*each))).refresh_token for each in (mine, other)]
    async with db.transaction() as session:
        await clients.revoke_any(session, mine[0])
    for form in (refreshing(tokens[0], *mine), credentials(*mine)):
        with pytest.raises(InvalidClient):
            await service.grant(db, desk, form)
    assert await is_refused(db, desk, tokens[0])
    await service.grant(db, desk, refreshing(tokens[1], *other))


async def test_revoking_ends_the_whole_session_also_by_an_old_token(db: Database, desk: SignIn, sms: Phones) -> None:
    first = await sign_in(db, desk, sms)
    second = await renew(db, desk, first.refresh_token)
    for token in ("", "x", first.token, first.refresh_token[:-2] + "AA"):
        await service.revoke(db, desk.vault, token)
    assert await count(db) == 1
    await service.revoke(db, desk.vault, first.refresh_token)
    assert await is_refused(db, desk, second.refresh_token)


async def test_a_form_without_its_token_names_the_field(db: Database, desk: SignIn) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await service.grant(db, desk, TokenForm(grant_type="refresh_token"))
    assert [error.pointer for error in refused.value.errors] == ["#/refresh_token"]


async def test_no_token_stands_in_the_database(db: Database, desk: SignIn, sms: Phones) -> None:
    granted = await sign_in(db, desk, sms)
    renewed = await renew(db, desk, granted.refresh_token)
    async with db.reading() as session:
        rows = (await session.execute(text("SELECT * FROM sessions"))).all()
    (row,) = rows
    kept = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    assert not any(token[-43:].encode() in kept for token in (granted.refresh_token, renewed.refresh_token))
