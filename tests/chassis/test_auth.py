"""Tokens: ours, sound and in time, or none."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends, FastAPI

from chassis.app import create_app
from chassis.auth import AnyCaller, Caller, only
from chassis.db import Database
from chassis.routes import slice_router
from tests.support.services import Issuer, client_of

router = slice_router("", tag="auth")


@router.get("/me")
async def me(caller: AnyCaller) -> Caller:
    return caller


@router.get("/farmers-only")
async def farmers_only(caller: Annotated[Caller, Depends(only("producer"))]) -> str:
    return caller.role


@pytest.fixture
def app(db: Database, issuer: Issuer) -> FastAPI:
    return create_app("test", db=db, keys=issuer.keys, routers=[router])


async def test_a_sound_token_names_the_account_and_its_role(app: FastAPI, issuer: Issuer) -> None:
    account_id = uuid4()
    async with client_of(app) as client:
        answer = await client.get("/me", headers=issuer.caller("carrier", account_id))
    assert (answer.json()["account_id"], answer.json()["role"]) == (str(account_id), "carrier")


def forged(issuer: Issuer) -> dict[str, str]:
    now = datetime.now(UTC)
    claims = {"iss": "duijie", "aud": "duijie", "sub": str(uuid4()), "role": "admin", "iat": now}
    claims["exp"] = now + timedelta(hours=1)
    stranger = Ed25519PrivateKey.generate()
    public = issuer.keys.jwks()["keys"][0]["x"]
    return {
        "no signature": jwt.encode(claims, None, algorithm="none", headers={"kid": "test"}),
        "another's key": jwt.encode(claims, stranger, algorithm="EdDSA", headers={"kid": "test"}),
        "an unknown key": jwt.encode(claims, stranger, algorithm="EdDSA", headers={"kid": "other"}),
        "the public key as a secret": jwt.encode(claims, public, algorithm="HS256", headers={"kid": "test"}),
        "expired": issuer.token("admin", exp=now - timedelta(seconds=1)),
        "for another audience": issuer.token("admin", aud="someone"),
        "by another issuer": issuer.token("admin", iss="someone"),
        "no account": issuer.token("admin", sub="x"),
        "no token": "abc",
        "empty": "",
    }


async def test_every_other_token_is_refused(app: FastAPI, issuer: Issuer) -> None:
    async with client_of(app) as client:
        for name, token in forged(issuer).items():
            answer = await client.get("/me", headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated"), name
            assert "Bearer" in answer.headers["www-authenticate"]
        assert (await client.get("/me")).status_code == 401
        assert (await client.get("/me", headers={"Authorization": "Basic YTpi"})).status_code == 401


async def test_a_role_that_may_not_is_forbidden_and_an_admin_may(app: FastAPI, issuer: Issuer) -> None:
    async with client_of(app) as client:
        statuses = {
            role: (await client.get("/farmers-only", headers=issuer.caller(role))).status_code
            for role in ("producer", "admin", "carrier", "citizen")
        }
    assert statuses == {"producer": 200, "admin": 200, "carrier": 403, "citizen": 403}
