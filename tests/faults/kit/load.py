"""The load: people of every role who go about their business through the gateway, seeded, whatever breaks meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.faults.kit.asking import (
    ACCOUNTS_OF_ROLE,
    DESTINATIONS,
    ORIGINS,
    PRODUCE,
    RATE_FEN,
    SCARCE_PRODUCE,
    Asking,
    now_text,
)
from tests.faults.kit.caller import Answer
from tests.faults.kit.carriers import Carriers
from tests.faults.kit.journal import Feed


@dataclass(slots=True)
class Load(Asking):
    """One load. `run` works until `stop` is set, and every outcome that was unknown by then is known."""

    code_of: Callable[[str], str | None] | None = None
    """The last code that was sent to a phone, as it is masked."""
    carriers: Carriers = field(init=False)
    _began_s: float = field(default_factory=time.monotonic)
    _phones: int = 0

    def __post_init__(self) -> None:
        self.carriers = Carriers(self)

    async def run(self) -> None:
        await self.open_programmes()
        async with asyncio.TaskGroup() as group:
            for role, do in {"producer": self.produce, "platform": self.buy, "carrier": self.carriers.carry}.items():
                for number in range(getattr(self.scale, ACCOUNTS_OF_ROLE[role])):
                    group.create_task(self._repeat(f"{role} {number}", do))
                    if role == "carrier":
                        group.create_task(self._repeat(f"{role} {number}", self.read_what_can_be_claimed))
                    else:
                        group.create_task(self._repeat(f"{role} {number}", self.read_matches, faster=2))
                        group.create_task(self._repeat(f"{role} {number}", self.answer_matches, faster=0.4))
                    group.create_task(self._repeat(f"{role} {number}", self.read_shipments))
            group.create_task(self._repeat("officer", self.read_balances, faster=3))
            for number in range(self.scale.visitors if self.code_of else 0):
                group.create_task(self._repeat(f"visitor {number}", self.sign_in))

    async def _repeat(self, who: str, do: Callable[[str, Random], Awaitable[None]], faster: float = 1) -> None:
        chance = Random(f"{self.seed}/{who}/{do.__name__}")
        while not self.stop.is_set():
            with self.as_far_as_known():
                await do(who, chance)
            try:
                async with asyncio.timeout(self.scale.pause_s / faster * chance.uniform(0.5, 1.5)):
                    await self.stop.wait()
            except TimeoutError:
                continue

    # Officers

    async def open_programmes(self) -> None:
        today = datetime.now(UTC).date()
        common = {
            "funder": "faults",
            "starts_at": f"{today - timedelta(days=1)}T00:00:00Z",
            "ends_at": f"{today + timedelta(days=90)}T00:00:00Z",
        }
        others = [each for each in PRODUCE if each != SCARCE_PRODUCE]
        courier = {"kind": "courier_parcel", "rate_fen": RATE_FEN}
        programmes: list[dict[str, Any]] = [
            {
                "name": "scarce",
                "budget_fen": self.scale.scarce * RATE_FEN,
                "eligibility": {"produce": [SCARCE_PRODUCE]},
                **courier,
            },
            {"name": "courier", "budget_fen": 10**10, "eligibility": {"produce": others}, **courier},
            {"name": "support", "budget_fen": 10**12, "kind": "produce_support", "rate_fen": 30},
        ]
        for body in programmes:
            answer = await self.caller.post("officer", "/v1/programmes", body | common, key=self.key())
            assert answer.ok, answer.body
            self.journal.programmes[body["name"]] = answer.json()

    async def read_balances(self, who: str, chance: Random) -> None:
        programme = chance.choice(list(self.journal.programmes.values()))
        answer = await self.caller.get(who, f"/v1/programmes/{programme['id']}")
        self.note_refusal("programme", answer)
        if answer.ok:
            now = answer.json()
            parts = sum(now[f"{name}_fen"] for name in ("available", "reserved", "posted", "paid"))
            self.journal.seen("I1", parts == now["budget_fen"] == programme["budget_fen"], f"read {now}")

    # Visitors

    async def sign_in(self, who: str, chance: Random) -> None:
        """All that is written through the gateway into its own database: a code, and an account when it is used."""
        phone = self._new_phone()
        answer = await self.caller.send("/v1/auth/otp", {"phone": phone})
        self.note_refusal("code", answer, *((429,) if answer.tries > 1 else ()))  # the first may have sent one
        code = await self._code_for(f"{phone[:3]}****{phone[-4:]}")
        if code is None:  # it died between its commit and the sending; a person would ask again in a minute
            return
        form = {"grant_type": "otp", "phone": phone, "code": code}
        answer = await self.caller.fill_in("/v1/auth/token", form)
        if not answer.ok:  # a code is good once, so one that was used without an answer is refused
            self.note_refusal("token", answer, *((400,) if answer.tries > 1 else ()))
            self.journal.perhaps_accounts += 1
            return
        self.caller.admit(phone, "", answer.json()["access_token"])
        me = await self.caller.get(phone, "/v1/me")
        self.note_refusal("me", me)
        if me.ok:
            self.journal.accounts.add(me.json()["account_id"])

    def _new_phone(self) -> str:
        self._phones += 1
        return f"1{39 - self._phones // 10_000}{self.seed % 10_000:04}{self._phones % 10_000:04}"

    async def _code_for(self, masked: str) -> str | None:
        assert self.code_of is not None
        for _ in range(5):
            if code := await asyncio.to_thread(self.code_of, masked):
                return code
            await asyncio.sleep(0.1)
        return None

    # Producers

    async def produce(self, who: str, chance: Random) -> None:
        mine = [each for each in self.journal.listings.values() if each["by"] == who and not each["closed"]]
        draw = chance.random()
        if draw < 0.08 and mine:
            await self._withdraw(who, chance.choice(mine))
        elif draw < 0.2 and mine:
            await self._patch_listing(who, chance.choice(mine), chance)
        else:
            await self.offer(who, chance)

    async def offer(self, who: str, chance: Random) -> Answer:
        meant = {
            "produce": chance.choices(PRODUCE, weights=(4, 4, 4, 1))[0],
            "quantity_kg": chance.randrange(400, 3000),
            "min_price_fen_per_kg": chance.randrange(60, 200),
        }
        body = {
            **meant,
            "origin": {"adcode": chance.choice(ORIGINS)},
            "auto_agree": chance.random() < 0.85,
            # not for long: who went by a clock that is a day fast would close these
            **({"best_before": now_text(timedelta(hours=20))} if chance.random() < 0.2 else {}),
        }
        meant |= {"auto_agree": body["auto_agree"], "producer_id": self.caller.id_of(who)}
        spoils_soon = chance.random() < 0.1 and time.monotonic() - self._began_s < self.scale.perishable_s
        if spoils_soon:
            body["best_before"] = now_text(timedelta(seconds=chance.uniform(20, 30)))
        answer = await self.caller.post(who, "/v1/listings", body, key=self.key())
        # asked again until it had spoiled
        self.note_refusal("listing", answer, *((422,) if spoils_soon and answer.tries > 1 else ()))
        if answer.ok:
            listing = answer.json()
            self.note_told("listing", listing, meant)
            # of what spoils soon a refusal would be as right as an answer, so nobody touches it
            self.journal.listings[listing["id"]] = {**listing, "by": who, "closed": spoils_soon}
        return answer

    async def _withdraw(self, who: str, listing: dict[str, Any]) -> None:
        listing["closed"] = True
        answer = await self.caller.post(who, f"/v1/listings/{listing['id']}/withdraw", key=self.key())
        self.note_refusal("withdraw", answer)
        if answer.ok:
            self.journal.withdrawn.add(listing["id"])

    async def _patch_listing(self, who: str, listing: dict[str, Any], chance: Random) -> None:
        read = await self.caller.get(who, f"/v1/listings/{listing['id']}")
        self.note_refusal("read listing", read)
        if read.ok:
            now = read.json()
            changes = {"quantity_kg": max(1, int(now["quantity_kg"] * chance.uniform(0.5, 1.3)))}
            answer = await self.caller.patch(who, f"/v1/listings/{listing['id']}", changes, now["version"])
            self.note_refusal("patch listing", answer, 409, 412)
            if answer.ok:
                self.note_told("patch", answer.json(), changes)
                self.journal.patched[listing["id"]] = answer.json()

    # Buyers

    async def buy(self, who: str, chance: Random) -> None:
        mine = [each for each in self.journal.orders.values() if each["by"] == who and not each["closed"]]
        if chance.random() < 0.08 and mine:
            await self._cancel(who, chance.choice(mine))
        else:
            await self.order(who, chance)

    async def order(self, who: str, chance: Random) -> Answer:
        body = {
            "produce": chance.choices(PRODUCE, weights=(4, 4, 4, 1))[0],
            "quantity_kg": chance.randrange(300, 1500),
            "max_price_fen_per_kg": chance.randrange(500, 1200),
            "auto_agree": chance.random() < 0.85,
            "min_remaining_life_h": 6,
        }
        meant = body | {"buyer_id": self.caller.id_of(who)}
        body["destination"] = {"adcode": chance.choice(DESTINATIONS)}
        answer = await self.caller.post(who, "/v1/orders", body, key=self.key())
        self.note_refusal("order", answer)
        if answer.ok:
            order = answer.json()
            self.note_told("order", order, meant)
            self.journal.orders[order["id"]] = {**order, "by": who, "closed": False}
        return answer

    async def _cancel(self, who: str, order: dict[str, Any]) -> None:
        order["closed"] = True
        answer = await self.caller.post(who, f"/v1/orders/{order['id']}/cancel", key=self.key())
        self.note_refusal("cancel", answer, 409)
        if answer.ok:
            self.journal.cancelled.add(order["id"])

    # Both sides

    async def answer_matches(self, who: str, chance: Random) -> None:
        found = await self.caller.get(who, "/v1/matches", status="proposed", limit=20)
        self.note_refusal("matches", found)
        for match in found.json()["items"] if found.ok else ():
            side = "producer" if who.startswith("producer") else "buyer"
            if self.stop.is_set() or match["consents"][side]:
                continue
            no = chance.random() < 0.2
            path = f"/v1/matches/{match['id']}/{'decline' if no else 'agree'}"
            answer = await self.caller.post(who, path, key=f"{self.seed}-{who}-{match['id']}-{no}")
            self.note_refusal("answer to a match", answer, 409)
            if answer.ok and no:
                self.journal.declined.add(match["id"])
            elif answer.ok:
                self.journal.agreed.add((match["id"], self.caller.id_of(who)))

    async def read_matches(self, who: str, chance: Random) -> None:
        await self._read_feed("matches", who, chance)

    async def read_shipments(self, who: str, chance: Random) -> None:
        await self._read_feed("shipments", who, chance)

    async def read_what_can_be_claimed(self, who: str, chance: Random) -> None:
        await self._read_feed("shipments/open", who, chance)

    async def _read_feed(self, feed: Feed, who: str, chance: Random) -> None:
        """The next page from where this account stands; now and then an old page again, which must be the same."""
        read = self.journal.feeds[feed, who]
        after, limit = len(read), chance.randrange(1, 60)
        answer = await self.caller.get(who, f"/v1/feed/{feed}", after=after, limit=limit)
        self.note_refusal("feed", answer)
        if not answer.ok:
            return
        page = answer.json()
        seqs = [item["seq"] for item in page["items"]]
        right = seqs == list(range(after + 1, after + 1 + len(seqs))) and page["next"] == after + len(seqs)
        self.journal.seen("I11", right, f"{who} read {seqs} of {feed} behind {after}, next {page['next']}")
        read += page["items"]
        if right and len(seqs) == limit and chance.random() < 0.3:
            again = await self.caller.get(who, f"/v1/feed/{feed}", after=after, limit=limit)
            same = again.body == answer.body
            self.journal.seen("I11", same, f"{who}: the page of {feed} behind {after} has changed")

    async def read_feeds_to_the_end(self) -> None:
        """So that all that was kept by now is compared with what is shown."""
        await asyncio.gather(*(self._read_to_the_end(feed, who) for feed, who in sorted(self.journal.feeds)))

    async def _read_to_the_end(self, feed: Feed, who: str) -> None:
        before, chance = -1, Random(f"{self.seed}/{who}/{feed}/end")
        with self.as_far_as_known():
            while len(self.journal.feeds[feed, who]) > before:
                before = len(self.journal.feeds[feed, who])
                await self._read_feed(feed, who, chance)
