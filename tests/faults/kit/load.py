"""The load: people of every role who go about their business through the gateway, seeded, whatever breaks meanwhile."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.faults.kit.caller import Answer, Caller
from tests.faults.kit.journal import Journal

SCARCE_PRODUCE = "strawberry"
PRODUCE = ("potato", "cabbage", "carrot", SCARCE_PRODUCE)
ORIGINS = ("321323", "320722", "341222")
DESTINATIONS = ("320102", "320106", "340104")
PARCEL_G = 500
FEW = 10
RATE_FEN = 100


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


ACCOUNTS_OF_ROLE = {"producer": "producers", "platform": "buyers", "carrier": "carriers"}


def accounts(scale: Scale) -> dict[str, str]:
    """By name: the role."""
    people = {f"{role} {n}": role for role, field_ in ACCOUNTS_OF_ROLE.items() for n in range(getattr(scale, field_))}
    return {**people, "officer": "programme_officer", "admin": "admin"}


@dataclass(slots=True)
class Load:
    """One load. `run` works until `stop` is set, and every outcome that was unknown by then is known."""

    caller: Caller
    journal: Journal
    seed: int
    scale: Scale = field(default_factory=Scale)
    code_of: Callable[[str], str | None] | None = None
    """The last code that was sent to a phone, as it is masked."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    registered: int = 0
    _began_s: float = field(default_factory=time.monotonic)
    _keys: int = 0
    _phones: int = 0

    async def run(self) -> None:
        await self.open_programmes()
        async with asyncio.TaskGroup() as group:
            for role, do in {"producer": self.produce, "platform": self.buy, "carrier": self.carry}.items():
                for number in range(getattr(self.scale, ACCOUNTS_OF_ROLE[role])):
                    group.create_task(self._repeat(f"{role} {number}", do))
                    if role != "carrier":
                        group.create_task(self._repeat(f"{role} {number}", self.read_feed, faster=2))
                        group.create_task(self._repeat(f"{role} {number}", self.answer_matches, faster=0.4))
            group.create_task(self._repeat("officer", self.read_balances, faster=3))
            for number in range(self.scale.visitors if self.code_of else 0):
                group.create_task(self._repeat(f"visitor {number}", self.sign_in))
        await asyncio.gather(*(self._read_to_the_end(who) for who in sorted(self.journal.feeds)))

    async def _repeat(self, who: str, do: Callable[[str, Random], Awaitable[None]], faster: float = 1) -> None:
        chance = Random(f"{self.seed}/{who}/{do.__name__}")
        while not self.stop.is_set():
            await do(who, chance)
            try:
                async with asyncio.timeout(self.scale.pause_s / faster * chance.uniform(0.5, 1.5)):
                    await self.stop.wait()
            except TimeoutError:
                continue

    def key(self) -> str:
        self._keys += 1
        return f"faults-{self.seed}-{self._keys}"

    def _note_told(self, what: str, told: dict[str, Any], meant: dict[str, Any]) -> None:
        """What was acknowledged is what was asked for."""
        unlike = {name: told[name] for name in meant if told[name] != meant[name]}
        self.journal.seen("acknowledged", not unlike, f"{what} {told['id']}: {unlike}, meant {meant}")

    def _note_refusal(self, what: str, answer: Answer, *expected: int) -> None:
        """A refusal that nothing explains is as wrong as a lost row."""
        self.journal.seen(
            "answers", answer.ok or answer.status in expected, f"{what}: {answer.status} {answer.body[:400]!r}"
        )

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
        self._note_refusal("programme", answer)
        if answer.ok:
            now = answer.json()
            parts = sum(now[f"{name}_fen"] for name in ("available", "reserved", "posted", "paid"))
            self.journal.seen("I1", parts == now["budget_fen"] == programme["budget_fen"], f"read {now}")

    # Visitors

    async def sign_in(self, who: str, chance: Random) -> None:
        """All that is written through the gateway into its own database: a code, and an account when it is used."""
        phone = self._new_phone()
        answer = await self.caller.send("/v1/auth/otp", {"phone": phone})
        self._note_refusal("code", answer)
        code = await self._code_for(f"{phone[:3]}****{phone[-4:]}")
        if code is None:  # it died between its commit and the sending; a person would ask again in a minute
            return
        form = {"grant_type": "otp", "phone": phone, "code": code}
        answer = await self.caller.fill_in("/v1/auth/token", form)
        if not answer.ok:  # a code is good once, so one that was used without an answer is refused
            self._note_refusal("token", answer, *((400,) if answer.tries > 1 else ()))
            self.journal.perhaps_accounts += 1
            return
        self.caller.admit(phone, "", answer.json()["access_token"])
        me = await self.caller.get(phone, "/v1/me")
        self._note_refusal("me", me)
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
        self._note_refusal("listing", answer, *((422,) if spoils_soon and answer.tries > 1 else ()))
        if answer.ok:
            listing = answer.json()
            self._note_told("listing", listing, meant)
            # of what spoils soon a refusal would be as right as an answer, so nobody touches it
            self.journal.listings[listing["id"]] = {**listing, "by": who, "closed": spoils_soon}
        return answer

    async def _withdraw(self, who: str, listing: dict[str, Any]) -> None:
        listing["closed"] = True
        answer = await self.caller.post(who, f"/v1/listings/{listing['id']}/withdraw", key=self.key())
        self._note_refusal("withdraw", answer)
        if answer.ok:
            self.journal.withdrawn.add(listing["id"])

    async def _patch_listing(self, who: str, listing: dict[str, Any], chance: Random) -> None:
        read = await self.caller.get(who, f"/v1/listings/{listing['id']}")
        self._note_refusal("read listing", read)
        if read.ok:
            now = read.json()
            changes = {"quantity_kg": max(1, int(now["quantity_kg"] * chance.uniform(0.5, 1.3)))}
            answer = await self.caller.patch(who, f"/v1/listings/{listing['id']}", changes, now["version"])
            self._note_refusal("patch listing", answer, 409, 412)
            if answer.ok:
                self._note_told("patch", answer.json(), changes)
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
        self._note_refusal("order", answer)
        if answer.ok:
            order = answer.json()
            self._note_told("order", order, meant)
            self.journal.orders[order["id"]] = {**order, "by": who, "closed": False}
        return answer

    async def _cancel(self, who: str, order: dict[str, Any]) -> None:
        order["closed"] = True
        answer = await self.caller.post(who, f"/v1/orders/{order['id']}/cancel", key=self.key())
        self._note_refusal("cancel", answer, 409)
        if answer.ok:
            self.journal.cancelled.add(order["id"])

    # Both sides

    async def answer_matches(self, who: str, chance: Random) -> None:
        found = await self.caller.get(who, "/v1/matches", status="proposed", limit=20)
        self._note_refusal("matches", found)
        for match in found.json()["items"] if found.ok else ():
            side = "producer" if who.startswith("producer") else "buyer"
            if self.stop.is_set() or match["consents"][side]:
                continue
            no = chance.random() < 0.2
            path = f"/v1/matches/{match['id']}/{'decline' if no else 'agree'}"
            answer = await self.caller.post(who, path, key=f"{self.seed}-{who}-{match['id']}-{no}")
            self._note_refusal("answer to a match", answer, 409)
            if answer.ok and no:
                self.journal.declined.add(match["id"])
            elif answer.ok:
                self.journal.agreed.add((match["id"], self.caller.id_of(who)))

    async def read_feed(self, who: str, chance: Random) -> None:
        """The next page from where this account stands; now and then an old page again, which must be the same."""
        read = self.journal.feeds[who]
        after, limit = len(read), chance.randrange(1, 60)
        answer = await self.caller.get(who, "/v1/feed/matches", after=after, limit=limit)
        self._note_refusal("feed", answer)
        if not answer.ok:
            return
        page = answer.json()
        seqs = [item["seq"] for item in page["items"]]
        right = seqs == list(range(after + 1, after + 1 + len(seqs))) and page["next"] == after + len(seqs)
        self.journal.seen("I11", right, f"{who} read {seqs} behind {after}, next {page['next']}")
        read += page["items"]
        if right and len(seqs) == limit and chance.random() < 0.3:
            again = await self.caller.get(who, "/v1/feed/matches", after=after, limit=limit)
            self.journal.seen("I11", again.body == answer.body, f"{who}: the page behind {after} has changed")

    async def _read_to_the_end(self, who: str) -> None:
        """So that all that was kept by now is compared with what is shown."""
        before, chance = -1, Random(f"{self.seed}/{who}/end")
        while len(self.journal.feeds[who]) > before:
            before = len(self.journal.feeds[who])
            await self.read_feed(who, chance)

    # Carriers

    async def carry(self, who: str, chance: Random) -> None:
        found = await self.caller.get(who, "/v1/shipments", status="open", limit=100)
        self._note_refusal("shipments", found)
        items = found.json()["items"] if found.ok else []
        scarce = self._scarce_first(items)
        others = [each for each in items if each not in scarce]  # who carries one twice sends too much for its match
        for shipment in [*scarce, *chance.sample(others, min(4, len(others)))]:
            if self.stop.is_set():
                return
            answer = await self.caller.post(who, f"/v1/shipments/{shipment['id']}/claim", key=self.key())
            self._note_refusal("claim", answer, 409, 404)
            if not answer.ok:
                continue
            self.journal.claims[shipment["id"]] = self.caller.id_of(who)
            if shipment in scarce or chance.random() < 0.6:
                await self._send_parcels(who, answer.json(), chance, all_of_it=shipment in scarce)
            else:
                await self._deliver(who, shipment["id"])

    def _scarce_first(self, shipments: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One of the scarce produce, as long as its programme still has money: it has to come to the end of that."""
        if any(each["subsidy"] == "fund_exhausted" for each in self.journal.parcels.values()):
            return []
        seen = [item["match"] for read in self.journal.feeds.values() for item in read]
        scarce = {match["id"] for match in seen if match["produce"] == SCARCE_PRODUCE}
        return [each for each in shipments if each["match_id"] in scarce][:1]

    async def _deliver(self, who: str, shipment_id: str) -> None:
        for kind in ("picked_up", "delivered"):
            body = {"type": kind, "at": now_text()}
            answer = await self.caller.post(who, f"/v1/shipments/{shipment_id}/events", body, key=self.key())
            self._note_refusal(f"shipment {kind}", answer, 409)
            if answer.ok and kind == "delivered":
                self.journal.delivered_shipments.add(shipment_id)

    async def _send_parcels(
        self, who: str, shipment: dict[str, Any], chance: Random, *, all_of_it: bool = False
    ) -> None:
        """Registered in one array; then scanned, some of it twice, some of it late, some never."""
        most = self.scale.array if all_of_it or self.registered < self.scale.parcels else FEW
        count = min(most, int(shipment["quantity_kg"] * 1000) // PARCEL_G)
        prefix = f"f{self.seed}x{len(self.journal.parcels):06d}"
        parcels = [
            {
                "waybill": f"{prefix}-{shipment['id'][-6:]}-{number:04d}",
                "match_id": shipment["match_id"],
                "weight_g": PARCEL_G,
                "recipient_adcode": shipment["destination"]["adcode"],
                "order_ref": f"{shipment['id']}-{number}",
            }
            for number in range(count)
        ]
        self.registered += count
        answer = await self.caller.post(who, "/v1/parcels", parcels, key=self.key())
        self._note_refusal("parcels", answer)
        if not answer.ok:
            return
        for parcel, item in zip(parcels, answer.json()["items"], strict=True):
            self.journal.parcels[parcel["waybill"]] = {**parcel, **item, "by": who, "waybill": parcel["waybill"]}
        await self._register_again(who, chance.sample(parcels, min(20, count)), chance)
        keep = self._is_scarce(parcels[0]["waybill"])
        fates = {each["waybill"]: chance.randrange(100) for each in parcels}
        waves: list[tuple[str, Callable[[int], bool]]] = [
            ("accepted", lambda fate: True),
            ("delivered", lambda fate: fate < 92),
            ("returned", lambda fate: not keep and 88 <= fate < 95),
        ]
        for kind, falls in waves:
            await self._scan(who, kind, [each for each in parcels if falls(fates[each["waybill"]])], chance)

    def _is_scarce(self, waybill: str) -> bool:
        """Whether this parcel asked the scarce programme, from which nothing comes back."""
        return self.journal.parcels[waybill]["subsidy"] == "fund_exhausted" or (
            self.journal.parcels[waybill].get("programme_id") == self.journal.programmes["scarce"]["id"]
        )

    async def _register_again(self, who: str, parcels: list[dict[str, Any]], chance: Random) -> None:
        """The same waybills, written otherwise: the first answers."""
        again = [{**each, "waybill": written_otherwise(each["waybill"], chance)} for each in parcels]
        answer = await self.caller.post(who, "/v1/parcels", again, key=self.key())
        self._note_refusal("parcels again", answer)
        for parcel, item in zip(parcels, answer.json()["items"] if answer.ok else (), strict=False):
            first = self.journal.parcels[parcel["waybill"]]
            same = all(item.get(name) == first.get(name) for name in ("parcel_id", "subsidy", "programme_id"))
            self.journal.seen("I3", same, f"{parcel['waybill']} written otherwise: {item}, first {first}")

    async def _scan(self, who: str, kind: str, parcels: list[dict[str, Any]], chance: Random) -> None:
        if not parcels:
            return
        scans = [
            {"waybill": each["waybill"], "type": kind, "at": now_text(), "adcode": each["recipient_adcode"]}
            for each in parcels
        ]
        chance.shuffle(scans)
        answer = await self.caller.post(who, "/v1/parcels/scans", scans, key=self.key())
        self._note_refusal("scans", answer)
        if answer.ok:
            for each in scans:
                self.journal.scans[each["waybill"]].add(kind)


def now_text(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).isoformat()


def written_otherwise(waybill: str, chance: Random) -> str:
    """The same waybill to a person: full width, other case, blanks."""
    kind = chance.randrange(4)
    if kind == 0:
        return waybill.upper()
    if kind == 1:
        return "".join(chr(ord(c) + 0xFEE0) if 0x21 <= ord(c) <= 0x7E else c for c in waybill)
    if kind == 2:
        return f"  {waybill[:5]} {waybill[5:]} "
    return waybill.upper()[:9] + "\u3000" + waybill[9:]


async def fifty_at_once(load: Load, who: str = "producer 0") -> None:
    """I13: 50 at once with one key, each tried again while its outcome is unknown: one effect, equal bytes."""
    body = {
        "produce": "potato",
        "quantity_kg": 777,
        "min_price_fen_per_kg": 100,
        "origin": {"adcode": ORIGINS[0]},
        "story": f"fifty at once {load.key()}",
    }
    key = load.key()
    answers = await asyncio.gather(*(load.caller.post(who, "/v1/listings", body, key=key) for _ in range(50)))
    bodies = {answer.body for answer in answers}
    right = all(answer.ok for answer in answers) and len(bodies) == 1
    load.journal.seen("I13", right, f"{len(bodies)} different answers, statuses {sorted({a.status for a in answers})}")
    for each in bodies:
        listing = json.loads(each)
        if "id" in listing:
            load.journal.listings[listing["id"]] = {**listing, "by": who, "closed": False}
