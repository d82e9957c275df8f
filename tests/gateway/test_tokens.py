"""What the gateway signs, `chassis.auth` verifies, and nothing else."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.auth import LocalKeys, verify
from chassis.problems import Unauthenticated
from gateway.tokens import Ring, Signer, new_signing_key
from tests.gateway.support import bearer

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def pem() -> str:
    return new_signing_key()


@pytest.fixture(scope="module")
def signer(pem: str) -> Signer:
    return Signer.from_pem(pem)


async def test_a_signed_token_names_its_account_and_role(signer: Signer) -> None:
    account_id = uuid4()
    caller = await verify(signer.sign(account_id, "carrier", HOUR), LocalKeys(signer.jwks))
    assert (caller.account_id, caller.role, caller.name) == (account_id, "carrier", "")


async def test_the_published_keys_verify_without_any_code_of_ours(signer: Signer) -> None:
    token = signer.sign(uuid4(), "admin", HOUR)
    published = jwt.PyJWKSet.from_json(json.dumps(signer.jwks()))
    claims = jwt.decode(token, published[signer.kid].key, algorithms=["EdDSA"], audience="duijie", issuer="duijie")
    assert claims["role"] == "admin"


def test_the_key_set_holds_no_private_part(signer: Signer) -> None:
    assert all("d" not in key for key in signer.jwks()["keys"])


def test_the_key_id_is_the_thumbprint_of_rfc_8037() -> None:
    # RFC 8037, appendix A.1 and A.3
    private = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    signer = Signer(lambda: Ring(Ed25519PrivateKey.from_private_bytes(private)))
    assert signer.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_key_id_stays_over_a_restart(pem: str, signer: Signer) -> None:
    assert Signer.from_pem(pem).kid == signer.kid


def test_a_key_of_another_kind_is_refused() -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    pem = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="Ed25519"):
        Signer.from_pem(pem.decode())


def forged(claims: dict[str, Any], key: Any, algorithm: str, kid: str) -> str:
    now = datetime.now(UTC)
    sound = {
        "iss": "duijie",
        "aud": "duijie",
        "sub": str(uuid4()),
        "role": "admin",
        "iat": now,
        "exp": now + HOUR,
    }
    payload = {name: value for name, value in (sound | claims).items() if value is not None}
    return jwt.encode(payload, key, algorithm, headers={"kid": kid})


def bad_tokens(pem: str, signer: Signer) -> dict[str, str]:
    past = datetime.now(UTC) - HOUR
    x = signer.jwks()["keys"][0]["x"]
    header, payload, signature = signer.sign(uuid4(), "citizen", HOUR).split(".")
    promoted = base64.urlsafe_b64encode(json.dumps({"role": "admin"}).encode()).rstrip(b"=").decode()
    return {
        "no algorithm": forged({}, None, "none", signer.kid),
        "a symmetric key that is our public one": forged({}, x, "HS256", signer.kid),
        "another key under our id": forged({}, Ed25519PrivateKey.generate(), "EdDSA", signer.kid),
        "another key under its own id": forged({}, Ed25519PrivateKey.generate(), "EdDSA", "other"),
        "expired": forged({"exp": past, "iat": past - HOUR}, pem, "EdDSA", signer.kid),
        "not yet issued": forged({"iat": datetime.now(UTC) + HOUR}, pem, "EdDSA", signer.kid),
        "another audience": forged({"aud": "elsewhere"}, pem, "EdDSA", signer.kid),
        "no audience": forged({"aud": None}, pem, "EdDSA", signer.kid),
        "another issuer": forged({"iss": "elsewhere"}, pem, "EdDSA", signer.kid),
        "no end": forged({"exp": None}, pem, "EdDSA", signer.kid),
        "no role": forged({"role": None}, pem, "EdDSA", signer.kid),
        "a subject that is no account": forged({"sub": "me"}, pem, "EdDSA", signer.kid),
        "another payload under the signature": f"{header}.{promoted}.{signature}",
        "no signature": f"{header}.{payload}.",
        "not a token": "abc",
        "nothing": "",
    }


async def is_refused(token: str, signer: Signer) -> bool:
    try:
        await verify(token, LocalKeys(signer.jwks))
    except Unauthenticated:
        return True
    return False


async def test_every_unsound_token_is_refused(pem: str, signer: Signer) -> None:
    taken = [name for name, token in bad_tokens(pem, signer).items() if not await is_refused(token, signer)]
    assert not taken
    assert not await is_refused(signer.sign(uuid4(), "citizen", HOUR), signer)


async def test_an_unsound_token_is_answered_with_401(client: Any, pem: str) -> None:
    for name, token in bad_tokens(pem, Signer.from_pem(pem)).items():
        answer = await client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, name
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    stranger = await client.get("/v1/me", headers=bearer(Signer.from_pem(pem)))
    assert stranger.status_code == 401


def test_the_thumbprint_is_of_the_sorted_required_members(signer: Signer) -> None:
    key = signer.jwks()["keys"][0]
    text = f'{{"crv":"Ed25519","kty":"OKP","x":"{key["x"]}"}}'
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    assert key["kid"] == digest
