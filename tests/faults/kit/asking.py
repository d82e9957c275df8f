"""What everyone of the load has: who asks for them, what is written down, how much there is to do, and when it ends."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.kit.caller import Answer, Caller, NeverKnown
from tests.faults.kit.journal import Journal

SCARCE_PRODUCE = "strawberry"
PRODUCE = ("potato", "cabbage", "carrot", SCARCE_PRODUCE)
ORIGINS = ("321323", "320722", "341222")
DESTINATIONS = ("320102", "320106", "340104")
RATE_FEN = 100
ACCOUNTS_OF_ROLE = {"producer": "producers", "platform": "buyers", "carrier": "carriers"}


@dataclass(frozen=True, slots=True)
class Scale:
    """How many people, how fast, how much at once."""

    producers: int = 5
    buyers: int = 4
    carriers: int = 3
    visitors: int = 2
    """People who sign in by phone, each time with another; only where the codes can be read."""
    pause_s: float = 0.8
    """Between two things that one person does."""
    perishable_s: float = 60.0
    """For how long, from the beginning, lots are offered that spoil meanwhile. All have to be gone when the load ends:
    the oracles read one database after the other, and nothing may happen in between."""
    array: int = 1000
    scarce: int = 400
    """For how many parcels the scarce programme has money."""
    parcels: int = 14_000
    """About how many are registered in full arrays; then they are few at a time."""


def accounts(scale: Scale) -> dict[str, str]:
    """By name: the role."""
    people = {f"{role} {n}": role for role, field_ in ACCOUNTS_OF_ROLE.items() for n in range(getattr(scale, field_))}
    return {**people, "officer": "programme_officer", "admin": "admin"}


@dataclass(slots=True)
class Asking:
    """Asks through the gateway, and writes down what was answered."""

    caller: Caller
    journal: Journal
    seed: int
    scale: Scale = field(default_factory=Scale)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _keys: int = 0

    def key(self) -> str:
        self._keys += 1
        return f"faults-{self.seed}-{self._keys}"

    @contextmanager
    def as_far_as_known(self) -> Iterator[None]:
        """What never becomes known is a finding and ends the load; what others have begun they end themselves, or the
        oracles would meet what the journal was never told."""
        try:
            yield
        except NeverKnown as never:
            self.journal.seen("answers", False, f"never known: {never}")
            self.stop.set()

    def note_told(self, what: str, told: dict[str, Any], meant: dict[str, Any]) -> None:
        """What was acknowledged is what was asked for."""
        unlike = {name: told[name] for name in meant if told[name] != meant[name]}
        self.journal.seen("acknowledged", not unlike, f"{what} {told['id']}: {unlike}, meant {meant}")

    def note_refusal(self, what: str, answer: Answer, *expected: int) -> None:
        """A refusal that nothing explains is as wrong as a lost row."""
        self.journal.seen(
            "answers", answer.ok or answer.status in expected, f"{what}: {answer.status} {answer.body[:400]!r}"
        )


def now_text(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).isoformat()


async def fifty_at_once(asking: Asking, who: str = "producer 0") -> None:
    """I13: 50 at once with one key, each tried again while its outcome is unknown: one effect, equal bytes."""
    body = {
        "produce": "potato",
        "quantity_kg": 777,
        "min_price_fen_per_kg": 100,
        "origin": {"adcode": ORIGINS[0]},
        "story": f"fifty at once {asking.key()}",
    }
    key = asking.key()
    answers: list[Answer] = []

    async def ask() -> None:
        with asking.as_far_as_known():
            answers.append(await asking.caller.post(who, "/v1/listings", body, key=key))

    await asyncio.gather(*(ask() for _ in range(50)))
    bodies = {answer.body for answer in answers}
    right = all(answer.ok for answer in answers) and len(bodies) == 1
    asking.journal.seen(
        "I13", right, f"{len(bodies)} different answers, statuses {sorted({a.status for a in answers})}"
    )
    for each in bodies:
        listing = json.loads(each)
        if "id" in listing:
            asking.journal.listings[listing["id"]] = {**listing, "by": who, "closed": False}


async def declined_beside_another(asking: Asking, who: str = "producer 0", buyer: str = "platform 0") -> None:
    """Two matches of one lot are held at once, and one of them is declined: the other's hold stands."""
    body = {
        "produce": "potato",
        "quantity_kg": 3000,
        "min_price_fen_per_kg": 100,
        "origin": {"adcode": ORIGINS[0]},
        "auto_agree": False,
    }
    listing = (await asking.caller.post(who, "/v1/listings", body, key=asking.key())).json()
    asking.journal.listings[listing["id"]] = {**listing, "by": who, "closed": True}  # left to these two
    wanted = {
        "produce": "potato",
        "quantity_kg": 300,
        "max_price_fen_per_kg": 900,
        "auto_agree": False,
        "listing_id": listing["id"],
        "destination": {"adcode": DESTINATIONS[0]},
    }
    for _ in range(2):
        order = (await asking.caller.post(buyer, "/v1/orders", wanted, key=asking.key())).json()
        asking.journal.orders[order["id"]] = {**order, "by": buyer, "closed": True}
    for _ in range(50):
        found = await asking.caller.get(who, "/v1/matches", status="proposed", listing_id=listing["id"])
        held = [each for each in found.json()["items"] if not each["consents"]["buyer"]] if found.ok else []
        if len(held) == 2:
            answer = await asking.caller.post(who, f"/v1/matches/{held[0]['id']}/decline", key=asking.key())
            asking.note_refusal("answer to a match", answer, 409)
            if answer.ok:
                asking.journal.declined.add(held[0]["id"])
            return
        await asyncio.sleep(0.1)
