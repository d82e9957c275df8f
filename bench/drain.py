"""The whole of the CNY 500 million fund, drained in the ledger's own model to the last fen: 250,000,000 parcels.

`python -m bench.drain` (`make drain`, an hour or two) offers parcels in batches as the API does, until nothing is left:
each is reserved if there is money, two in a hundred are lost and give theirs back, the others are delivered, and one in
a hundred of those comes back after it was posted. Beside the ledger stands a model of a few sums, which has to agree
after every batch; one batch in a hundred is walked again by `ledger.verify`. In the end 250,000,000 parcels are posted
for good, nothing is reserved, and not a fen is left, or there is no result. It is written to `docs/drain.md`.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import uuid4

from services.logistics.subsidy import ledger
from services.logistics.subsidy.ledger import Batch, Head, Posting, Subject

PAGE = Path(__file__).parent.parent / "docs" / "drain.md"
BUDGET_FEN = 50_000_000_000
RATE_FEN = 200
BATCH = 10_000
LOST, CAME_BACK = 0.02, 0.01
VERIFIED_EVERY = 100
TOLD_EVERY = 500
BEGAN = datetime(2026, 12, 1, tzinfo=UTC)
MATCH = "0190a1b2-0000-7000-8000-000000000001"


@dataclass(slots=True)
class Sums:
    """What the ledger has to come to, counted without it: parcels by what became of them."""

    budget_fen: int
    reserved: int = 0
    kept: int = 0
    lost: int = 0
    came_back: int = 0
    refused: int = 0

    def agree(self, head: Head) -> bool:
        stood = head.balances
        out_fen, kept_fen = self.reserved * RATE_FEN, self.kept * RATE_FEN
        parts = (stood.available, stood.reserved, stood.posted, stood.paid)
        return parts == (self.budget_fen - out_fen - kept_fen, out_fen, kept_fen, 0) and stood.sound


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain came to."""

    sums: Sums
    head: Head
    seconds: float

    @property
    def postings(self) -> int:
        return self.head.seq


class Drain:
    """The fund on its way down."""

    def __init__(self, budget_fen: int, seed: int) -> None:
        self._chance = Random(seed)
        self.sums = Sums(budget_fen)
        opening = Posting("fund", "opening", BEGAN, budget_fen, 1)
        self.head = ledger.apply(Head.genesis(str(uuid4())), [opening], {}).head
        self._offered = 0
        self._batches = 0

    def run(self, told: Callable[[Sums, Head], None]) -> Sums:
        """Until nothing is under way and nothing is left. AssertionError where a fen is elsewhere."""
        under_way: dict[str, Subject] = {}
        delivered: dict[str, Subject] = {}
        while under_way or self.head.balances.available >= RATE_FEN:
            under_way, delivered = self._step(under_way, delivered)
            if self._batches % TOLD_EVERY == 0:
                told(self.sums, self.head)
        assert self.sums.kept == self.sums.budget_fen // RATE_FEN
        return self.sums

    def _step(
        self, under_way: dict[str, Subject], delivered: dict[str, Subject]
    ) -> tuple[dict[str, Subject], dict[str, Subject]]:
        """Offer a batch; those of the batch before are delivered or lost, some of those before that come back."""
        at = BEGAN + timedelta(seconds=self._batches)
        chance = self._chance.random
        # once nothing is left to offer nothing comes back either, or it would never end
        came_back, lost = (CAME_BACK, LOST) if self.head.balances.available >= RATE_FEN else (0, 0)
        postings = [Posting("reverse", each, at) for each in delivered if chance() < came_back]
        postings += [Posting("void" if chance() < lost else "post", each, at) for each in under_way]
        reserves = [
            Posting("reserve", f"YT{number}", at, RATE_FEN, 1, f"YT{number}", MATCH)
            for number in range(self._offered, self._offered + BATCH)
        ]
        self._offered += BATCH
        batch = ledger.apply(self.head, [*postings, *reserves], under_way | delivered)
        self._count(batch, len(postings))
        self.head = batch.head
        self._batches += 1
        changed = batch.subjects
        return (
            {each: subject for each, subject in changed.items() if subject.status == "reserved"},
            {each: subject for each, subject in changed.items() if subject.status == "posted"},
        )

    def _count(self, batch: Batch, steps: int) -> None:
        sums, done = self.sums, Counter(transfer.kind for transfer in batch.transfers)
        refused = [outcome.refused for outcome in batch.outcomes if outcome.transfer is None]
        assert len(batch.transfers) == steps + done["reserve"]
        assert set(refused) <= {"fund_exhausted"}
        sums.reserved += done["reserve"] - done["post"] - done["void"]
        sums.kept += done["post"] - done["reverse"]
        sums.lost, sums.came_back = sums.lost + done["void"], sums.came_back + done["reverse"]
        sums.refused += len(refused)
        assert sums.agree(batch.head), f"{sums}, and the ledger has {batch.head.balances}"
        if self._batches % VERIFIED_EVERY == 0:
            walked = ledger.verify(batch.transfers, self.head)
            assert (walked.ok, walked.head) == (True, batch.head), f"the chain breaks at {walked.first_bad_seq}"


def drained(budget_fen: int, seed: int, told: Callable[[Sums, Head], None]) -> Drained:
    """Drain a fund of so much. AssertionError where a fen is elsewhere."""
    drain = Drain(budget_fen, seed)
    gc.disable()  # nothing here is a cycle, and looking for some takes a tenth of the time
    try:
        began_s = time.perf_counter()
        sums = drain.run(told)
        return Drained(sums, drain.head, time.perf_counter() - began_s)
    finally:
        gc.enable()


def page(result: Drained, seed: int) -> str:
    sums, stood = result.sums, result.head.balances
    return f"""# The drain

Written by `make drain` on {datetime.now(UTC).date().isoformat()}; `bench/drain.py` says what it does.

| | |
|---|---|
| fund | {stood.budget_fen:,} fen, {RATE_FEN} fen a parcel |
| posted for good | **{sums.kept:,} parcels, {stood.posted:,} fen** |
| left, reserved | **{stood.available} fen, {stood.reserved} fen** |
| lost on the way, came back after it was posted | {sums.lost:,}, {sums.came_back:,} |
| refused, for nothing was left | {sums.refused:,} |
| transfers in the chain | {result.postings:,} |
| time, a posting | {result.seconds:,.0f} s, {result.seconds / result.postings * 1e6:.2f} µs |
| last hash | `{result.head.hash}` (seed {seed}) |
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--budget-fen", type=int, default=BUDGET_FEN, help="another fund; nothing is written then")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    def told(sums: Sums, head: Head) -> None:
        left = head.balances.available / arguments.budget_fen
        print(f"{sums.kept:,} posted, {left:.1%} left, {head.seq:,} transfers", file=sys.stderr, flush=True)

    result = drained(arguments.budget_fen, arguments.seed, told)
    text = page(result, arguments.seed)
    print(text)
    if arguments.budget_fen == BUDGET_FEN:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
