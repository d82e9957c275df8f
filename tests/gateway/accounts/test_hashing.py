"""Clients' secrets cost whoever steals their hashes much; the other tests hash them cheaply."""

from argon2 import PasswordHasher
from argon2.low_level import Type
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY

from gateway.accounts import hashing


def test_a_hash_costs_what_rfc_9106_advises(real_hasher: PasswordHasher) -> None:
    made = (real_hasher.type, real_hasher.time_cost, real_hasher.memory_cost, real_hasher.parallelism)
    advised = RFC_9106_LOW_MEMORY
    assert made == (Type.ID, advised.time_cost, advised.memory_cost, advised.parallelism)


async def test_a_hash_that_cost_otherwise_still_knows_its_secret(real_hasher: PasswordHasher) -> None:
    cheap = PasswordHasher.from_parameters(CHEAPEST).hash("secret")
    for each in (cheap, real_hasher.hash("secret")):
        assert await hashing.matches(each, "secret")
        assert not await hashing.matches(each, "Secret")


async def test_without_a_hash_no_secret_is_right() -> None:
    assert not await hashing.matches(None, "nobody's secret")
