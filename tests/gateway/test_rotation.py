"""One key after another: tokens of each are good during the overlap, and of none before or after."""

from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization

from chassis.auth import LocalKeys, verify
from chassis.problems import Unauthenticated
from gateway.tokens import Ring, Signer, new_signing_key

HOUR = timedelta(hours=1)
OLD, NEW = new_signing_key(), new_signing_key()


def public(pem: str) -> str:
    key = serialization.load_pem_private_key(pem.encode(), password=None).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


async def is_good(token: str, signer: Signer) -> bool:
    try:
        await verify(token, LocalKeys(signer.jwks))
    except Unauthenticated:
        return False
    return True


@pytest.mark.parametrize("others", [OLD, public(OLD), f"{public(OLD)}\n{new_signing_key()}"])
async def test_while_both_are_published_a_token_of_each_is_good(others: str) -> None:
    before, overlap = Signer.from_pem(OLD), Signer.from_pem(NEW, others)
    old, new = before.sign(uuid4(), "carrier", HOUR), overlap.sign(uuid4(), "carrier", HOUR)
    assert [await is_good(token, overlap) for token in (old, new)] == [True, True]
    after = Signer.from_pem(NEW)
    assert [await is_good(token, after) for token in (old, new)] == [False, True]


async def test_the_next_key_can_be_published_before_it_signs() -> None:
    announcing = Signer.from_pem(OLD, public(NEW))
    assert await is_good(Signer.from_pem(NEW).sign(uuid4(), "carrier", HOUR), announcing)
    assert announcing.kid == Signer.from_pem(OLD).kid


def test_every_key_is_published_once_the_one_that_signs_first_and_no_private_part() -> None:
    keys = Signer.from_pem(NEW, OLD + NEW + public(OLD)).jwks()["keys"]
    assert [key["kid"] for key in keys] == [Signer.from_pem(NEW).kid, Signer.from_pem(OLD).kid]
    assert all("d" not in key for key in keys)


def test_a_key_of_another_kind_is_refused_as_a_further_one_too() -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    other = generate_private_key(SECP256R1()).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    with pytest.raises(ValueError, match="Ed25519"):
        Ring.of(NEW, other.public_bytes(serialization.Encoding.PEM, form).decode())


async def test_who_verifies_hears_of_a_new_key_at_its_first_token() -> None:
    rings = [Ring.of(OLD)]
    signer = Signer(lambda: rings[-1])
    keys = LocalKeys(signer.jwks)
    old = signer.sign(uuid4(), "carrier", HOUR)
    await verify(old, keys)
    rings.append(Ring.of(NEW, OLD))
    await verify(signer.sign(uuid4(), "carrier", HOUR), keys)
    await verify(old, keys)
