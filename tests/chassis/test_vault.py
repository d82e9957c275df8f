"""Personal data at rest."""

import base64

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from chassis.vault import Vault

VAULT = Vault(bytes(range(32)))
OTHER = Vault(bytes(range(1, 33)))


@given(st.text(), st.text())
def test_what_is_sealed_opens_again(text: str, about: str) -> None:
    assert VAULT.open(VAULT.seal(text, about), about) == text


def test_the_same_text_is_never_sealed_alike() -> None:
    assert VAULT.seal("13812345678", "a") != VAULT.seal("13812345678", "a")


def test_a_ciphertext_does_not_open_for_another_row() -> None:
    sealed = VAULT.seal("张三", "accounts.name 1")
    with pytest.raises(InvalidTag):
        VAULT.open(sealed, "accounts.name 2")


def test_another_key_opens_nothing_and_finds_nothing() -> None:
    with pytest.raises(InvalidTag):
        OTHER.open(VAULT.seal("张三", "a"), "a")
    assert OTHER.fingerprint("phone", "1") != VAULT.fingerprint("phone", "1")


@given(st.integers(min_value=0))
def test_any_flipped_byte_is_found(position: int) -> None:
    sealed = bytearray(VAULT.seal("张三", "a"))
    sealed[1 + position % (len(sealed) - 1)] ^= 1
    with pytest.raises(InvalidTag):
        VAULT.open(bytes(sealed), "a")


def test_a_fingerprint_is_the_same_for_the_same_and_different_for_other_kinds_and_cuts() -> None:
    assert VAULT.fingerprint("phone", "1") == VAULT.fingerprint("phone", "1")
    assert VAULT.fingerprint("phone", "1") != VAULT.fingerprint("name", "1")
    assert VAULT.fingerprint("code", "ab", "c") != VAULT.fingerprint("code", "a", "bc")


@pytest.mark.parametrize("key", ["", "short", base64.b64encode(bytes(31)).decode(), "*" * 44])
def test_a_key_that_is_not_32_bytes_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key of a vault"):
        Vault.from_base64(key)
