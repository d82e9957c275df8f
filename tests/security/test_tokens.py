"""What passes for a token, and what does not."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.security.house import House, Tokens

PATHS = ("/v1/me", "/v1/listings", "/v1/orders", "/v1/shipments")
"""One of the gateway's own, and one of every service."""
NOW = datetime.now(UTC)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, default=str).encode()).rstrip(b"=").decode()


def unsigned(tokens: Tokens, algorithm: str, signature: str = "") -> str:
    claims = tokens.claims("admin")
    claims |= {name: int(claims[name].timestamp()) for name in ("iat", "exp")}
    return f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': tokens.signer.kid})}.{part(claims)}.{signature}"


def public(tokens: Tokens, encoding: serialization.Encoding, form: serialization.PublicFormat) -> bytes:
    return tokens.key.public_key().public_bytes(encoding, form)  # type: ignore[union-attr,return-value]


def signed_by_the_public_key(tokens: Tokens) -> dict[str, str]:
    """As if what everyone may read were a secret that both sides share."""
    secrets = {
        "HS256 with the key": (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        "HS256 with the raw key": (serialization.Encoding.Raw, serialization.PublicFormat.Raw),
    }
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signed = unsigned(tokens, "HS256").rstrip(".")
    made = {name: hmac.sign(signed.encode(), public(tokens, *form)) for name, form in secrets.items()}
    return {name: f"{signed}.{base64.urlsafe_b64encode(each).rstrip(b'=').decode()}" for name, each in made.items()}


def forged(tokens: Tokens) -> dict[str, str]:
    """Tokens that name an admin, each wrong in one way."""
    claims, kid = tokens.claims("admin"), {"kid": tokens.signer.kid}
    sound = tokens.encoded(claims)
    head, body, signature = sound.split(".")
    other = json.loads(base64.urlsafe_b64decode(body + "=="))
    theirs = Ed25519PrivateKey.generate()
    curve = ec.generate_private_key(ec.SECP256R1())
    big = rsa.generate_private_key(65537, 2048)
    return {
        **{f"alg {name}": unsigned(tokens, name) for name in ("none", "None", "NONE", "nOnE", "")},
        **{f"{name}, no signature": unsigned(tokens, name) for name in ("EdDSA", "HS256", "RS256", "ES256")},
        **signed_by_the_public_key(tokens),
        "another key, our kid": jwt.encode(claims, theirs, "EdDSA", headers=kid),
        "another key, another kid": jwt.encode(claims, theirs, "EdDSA", headers={"kid": "other"}),
        "our key, another kid": tokens.encoded(claims, kid="other"),
        "our key, no kid": jwt.encode(claims, tokens.key, "EdDSA"),  # type: ignore[arg-type]
        "a key that it brings itself": tokens.encoded(
            claims, kid="mine", jwk=json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(theirs.public_key()))
        ),
        "a kid that is a path": tokens.encoded(claims, kid="../../../../dev/null"),
        "a kid that is SQL": tokens.encoded(claims, kid="' UNION SELECT 'x"),
        "ES256": jwt.encode(claims, curve, "ES256", headers=kid),
        "RS256": jwt.encode(claims, big, "RS256", headers=kid),
        "expired": tokens.encoded(claims | {"exp": NOW - timedelta(seconds=1)}),
        "expired long ago": tokens.encoded(claims | {"exp": NOW - timedelta(days=400)}),
        "not yet": tokens.encoded(claims | {"nbf": NOW + timedelta(hours=1)}),
        "issued tomorrow": tokens.encoded(claims | {"iat": NOW + timedelta(days=1)}),
        "another audience": tokens.encoded(claims | {"aud": "elsewhere"}),
        "another issuer": tokens.encoded(claims | {"iss": "https://evil.example"}),
        **{
            f"without {name}": tokens.encoded({key: value for key, value in claims.items() if key != name})
            for name in ("iss", "aud", "sub", "exp", "iat", "role")
        },
        "no account": tokens.encoded(claims | {"sub": "admin"}),
        "exp that is no number": tokens.encoded(claims | {"exp": "never"}),
        "role that is no text": tokens.encoded(claims | {"role": ["admin"]}),
        "another body under the signature": f"{head}.{part(other | {'role': 'auditor'})}.{signature}",
        "signature cut": sound[:-4],
        "body cut": f"{head}.{body[:-4]}.{signature}",
        "two parts": f"{head}.{body}",
        "four parts": f"{sound}.{signature}",
        "no parts": "..",
        "nothing": "",
        "no base64": "ä.ö.ü".encode().decode("latin-1"),
        "very long": "a" * 7000,
        "a bomb of a header": f"{part({'alg': 'EdDSA', 'zip': 'DEF', 'kid': tokens.signer.kid})}.{body}.{signature}",
    }


async def answers(house: House, headers: Any, query: str = "") -> set[tuple[int, str]]:
    got = [await house.client.get(path + query, headers=headers) for path in PATHS]
    return {(answer.status_code, answer.headers.get("www-authenticate", "")[:6]) for answer in got}


async def test_a_sound_token_of_ours_is_taken_in_any_case_of_its_scheme(house: House) -> None:
    token = house.tokens.token("admin")
    for scheme in ("Bearer", "bearer", "BEARER"):
        for path in PATHS[1:]:
            answer = await house.client.get(path, headers={"Authorization": f"{scheme} {token}"})
            assert answer.status_code == 200, (path, answer.text)


async def test_every_other_token_is_refused_by_every_service(house: House) -> None:
    made = forged(house.tokens)
    assert len(made) > 40
    for name, token in made.items():
        headers = [(b"authorization", b"Bearer " + token.encode("latin-1"))]
        assert await answers(house, headers) == {(401, "Bearer")}, name


@pytest.mark.parametrize("scheme", ["", "Basic ", "Token ", "JWT ", "Bearer: ", "Bearer,", "Bearer"])
async def test_a_token_of_another_scheme_is_none(house: House, scheme: str) -> None:
    headers = {"Authorization": scheme + house.tokens.token("admin")}
    assert await answers(house, headers) == {(401, "Bearer")}


async def test_a_token_elsewhere_than_in_its_header_is_none(house: House) -> None:
    token = house.tokens.token("admin")
    assert await answers(house, {}, f"?access_token={token}&token={token}&authorization=Bearer%20{token}") == {
        (401, "Bearer")
    }
    for name in ("X-Authorization", "X-Access-Token", "Proxy-Authorization", "Cookie"):
        assert await answers(house, {name: f"Bearer {token}"}) == {(401, "Bearer")}, name


async def test_a_header_that_comes_twice_is_read_once_and_alike_everywhere(house: House) -> None:
    """Else one of two that stand in a row could let in whom the other would not."""
    good, bad = (f"Bearer {each}".encode() for each in (house.tokens.token("admin"), "x"))
    for pair in ((good, bad), (bad, good)):
        assert await answers(house, [(b"authorization", each) for each in pair]) == {(401, "Bearer")}


async def test_what_is_wrong_with_a_token_is_told_to_nobody(house: House) -> None:
    told = set()
    for token in forged(house.tokens).values():
        answer = await house.client.get(
            "/v1/orders", headers=[(b"authorization", b"Bearer " + token.encode("latin-1"))]
        )
        told.add(answer.content)
    assert len(told) == 1
