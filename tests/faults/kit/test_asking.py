"""An outcome that never becomes known ends the load, but nobody's request: the oracles must know what was asked."""

import asyncio
import json
from typing import Any

from tests.faults.kit.asking import Asking, Scale, fifty_at_once
from tests.faults.kit.caller import Answer, Caller, NeverKnown
from tests.faults.kit.journal import Journal
from tests.faults.kit.load import Load


class Gateway(Caller):
    """Answers in its own way, without a network."""

    def __init__(self) -> None:
        self.asked = 0

    def id_of(self, account: str) -> str:
        return account

    async def post(self, account: str, path: str, body: Any = None, *, key: str) -> Answer:
        self.asked += 1
        number = self.asked
        if number == 3:
            raise NeverKnown("the third")
        await asyncio.sleep(0.01)  # so that the others are asking when the third gives up
        listing = {"id": "one" if "story" in body else f"listing {number}", "producer_id": account, **body}
        return Answer(201, json.dumps(listing).encode(), {}, 1)


def findings_of(asking: Asking) -> list[str]:
    return asking.journal.findings.violations


async def test_of_fifty_at_once_one_that_never_becomes_known_hides_no_other() -> None:
    asking = Asking(Gateway(), Journal(), 1)
    await fifty_at_once(asking)
    assert findings_of(asking) == ["answers: never known: the third"]
    assert list(asking.journal.listings) == ["one"]
    assert asking.stop.is_set()


async def test_when_one_outcome_stays_unknown_the_others_are_still_written_down() -> None:
    gateway = Gateway()
    load = Load(gateway, Journal(), 1, Scale(pause_s=0.01))
    async with asyncio.timeout(5):
        await asyncio.gather(*(load._repeat(f"producer {n}", offer_of(load)) for n in range(8)))
    assert findings_of(load) == ["answers: never known: the third"]
    assert len(load.journal.listings) == gateway.asked - 1


def offer_of(load: Load) -> Any:
    async def offer(who: str, chance: Any) -> None:
        await load.offer(who, chance)

    return offer
