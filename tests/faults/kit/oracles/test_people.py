"""An account too many or too few is found, and nothing else."""

import pytest

from tests.faults.kit.journal import Journal
from tests.faults.kit.oracles import people
from tests.faults.kit.oracles.samples import evidence


@pytest.mark.parametrize(
    ("there", "opened", "perhaps", "words"),
    [
        ({"load", "a"}, ["load", "a"], 0, ""),
        ({"load", "a", "b"}, ["load", "a", "b"], 1, ""),
        ({"load"}, ["load"], 0, "an account that is not there"),
        ({"load", "a", "b"}, ["load", "a", "b"], 0, "of whom nobody was told"),
        ({"load", "a"}, ["load"], 0, "were told of"),
    ],
    ids=["sound", "its answer was lost", "lost", "invented", "not told"],
)
def test_what_is_wrong_with_accounts_is_found(there: set[str], opened: list[str], perhaps: int, words: str) -> None:
    found = evidence(people.compared(there, opened, Journal(accounts={"a"}, perhaps_accounts=perhaps), {"x": "load"}))
    assert bool(found) == bool(words)
    assert words in found
