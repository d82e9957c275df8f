"""What the matching service is told."""

import pytest
from pydantic import ValidationError

from chassis.vault import new_vault_key
from services.matching.rounds.service import AT_ONCE
from services.matching.settings import MatchingSettings

HELD_BESIDE_ROUNDS = 1  # by the relay


def test_a_pool_in_which_rounds_would_starve_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_MATCHING_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("DUIJIE_MATCHING_WEBHOOK_KEY", new_vault_key())
    least = next(pool for pool in range(1, 10) if 2 * pool > AT_ONCE + HELD_BESIDE_ROUNDS)
    monkeypatch.setenv("DUIJIE_MATCHING_DATABASE_POOL", str(least))
    assert MatchingSettings().database_pool == least  # type: ignore[call-arg]
    monkeypatch.setenv("DUIJIE_MATCHING_DATABASE_POOL", str(least - 1))
    with pytest.raises(ValidationError, match=f"database_pool\n.*greater than or equal to {least}"):
        MatchingSettings()  # type: ignore[call-arg]
