"""The carriers of the load: they claim shipments, register parcels, scan some of them twice, late or never."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.faults.kit.asking import SCARCE_PRODUCE, Asking, now_text

PARCEL_G = 500
FEW = 10


class Carriers:
    """What carriers do, one after the other or at once."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self.registered = 0
        """Parcels that were sent, whatever was answered."""

    async def carry(self, who: str, chance: Random) -> None:
        found = await self._asking.caller.get(who, "/v1/shipments", status="open", limit=100)
        self._asking.note_refusal("shipments", found)
        items = found.json()["items"] if found.ok else []
        scarce = self._scarce_first(items)
        others = [each for each in items if each not in scarce]  # who carries one twice sends too much for its match
        for shipment in [*scarce, *chance.sample(others, min(4, len(others)))]:
            if self._asking.stop.is_set():
                return
            answer = await self._asking.caller.post(
                who, f"/v1/shipments/{shipment['id']}/claim", key=self._asking.key()
            )
            self._asking.note_refusal("claim", answer, 409, 404)
            if not answer.ok:
                continue
            self._asking.journal.claims[shipment["id"]] = self._asking.caller.id_of(who)
            if shipment in scarce or chance.random() < 0.6:
                await self._send_parcels(who, answer.json(), chance, all_of_it=shipment in scarce)
            else:
                await self._deliver(who, shipment, chance)

    def _scarce_first(self, shipments: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One of the scarce produce, as long as its programme still has money: it has to come to the end of that."""
        if any(each["subsidy"] == "fund_exhausted" for each in self._asking.journal.parcels.values()):
            return []
        seen = [
            item["match"] for (of, _), read in self._asking.journal.feeds.items() if of == "matches" for item in read
        ]
        scarce = {match["id"] for match in seen if match["produce"] == SCARCE_PRODUCE}
        return [each for each in shipments if each["match_id"] in scarce][:1]

    async def _deliver(self, who: str, shipment: dict[str, Any], chance: Random) -> None:
        """Of some less is fetched than was agreed: what they lack goes back to the market."""
        shipment_id, part = shipment["id"], chance.choice((1.0, 1.0, 1.02, 0.9))
        for kind in ("picked_up", "delivered"):
            body: dict[str, Any] = {"type": kind, "at": now_text()}
            if kind == "picked_up":
                body["weight_kg"] = max(0.001, round(part * shipment["quantity_kg"], 3))
            answer = await self._asking.caller.post(
                who, f"/v1/shipments/{shipment_id}/events", body, key=self._asking.key()
            )
            self._asking.note_refusal(f"shipment {kind}", answer, 409)
            if answer.ok and kind == "delivered":
                self._asking.journal.delivered_shipments.add(shipment_id)

    async def _send_parcels(
        self, who: str, shipment: dict[str, Any], chance: Random, *, all_of_it: bool = False
    ) -> None:
        """Registered in one array; then scanned, some of it twice, some of it late, some never."""
        most = self._asking.scale.array if all_of_it or self.registered < self._asking.scale.parcels else FEW
        count = min(most, int(shipment["quantity_kg"] * 1000) // PARCEL_G)
        prefix = f"f{self._asking.seed}x{len(self._asking.journal.parcels):06d}"
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
        answer = await self._asking.caller.post(who, "/v1/parcels", parcels, key=self._asking.key())
        self._asking.note_refusal("parcels", answer)
        if not answer.ok:
            return
        for parcel, item in zip(parcels, answer.json()["items"], strict=True):
            self._asking.journal.parcels[parcel["waybill"]] = {
                **parcel,
                **item,
                "by": who,
                "waybill": parcel["waybill"],
            }
        await self._register_again(who, chance.sample(parcels, min(20, count)), chance)
        keep = self._is_scarce(parcels[0]["waybill"])
        fates = {each["waybill"]: chance.randrange(100) for each in parcels}
        waves: list[tuple[str, Callable[[int], bool]]] = [
            ("accepted", lambda fate: True),
            ("delivered", lambda fate: fate < 92),
            ("returned", lambda fate: not keep and 88 <= fate < 95),
        ]
        for kind, falls in waves:
            if self._asking.stop.is_set():
                return
            await self._scan(who, kind, [each for each in parcels if falls(fates[each["waybill"]])], chance)

    def _is_scarce(self, waybill: str) -> bool:
        """Whether this parcel asked the scarce programme, from which nothing comes back."""
        return self._asking.journal.parcels[waybill]["subsidy"] == "fund_exhausted" or (
            self._asking.journal.parcels[waybill].get("programme_id") == self._asking.journal.programmes["scarce"]["id"]
        )

    async def _register_again(self, who: str, parcels: list[dict[str, Any]], chance: Random) -> None:
        """The same waybills, written otherwise: the first answers."""
        again = [{**each, "waybill": written_otherwise(each["waybill"], chance)} for each in parcels]
        answer = await self._asking.caller.post(who, "/v1/parcels", again, key=self._asking.key())
        self._asking.note_refusal("parcels again", answer)
        for parcel, item in zip(parcels, answer.json()["items"] if answer.ok else (), strict=False):
            first = self._asking.journal.parcels[parcel["waybill"]]
            same = all(item.get(name) == first.get(name) for name in ("parcel_id", "subsidy", "programme_id"))
            self._asking.journal.seen("I3", same, f"{parcel['waybill']} written otherwise: {item}, first {first}")

    async def _scan(self, who: str, kind: str, parcels: list[dict[str, Any]], chance: Random) -> None:
        if not parcels:
            return
        scans = [
            {"waybill": each["waybill"], "type": kind, "at": now_text(), "adcode": each["recipient_adcode"]}
            for each in parcels
        ]
        chance.shuffle(scans)
        answer = await self._asking.caller.post(who, "/v1/parcels/scans", scans, key=self._asking.key())
        self._asking.note_refusal("scans", answer)
        if answer.ok:
            for each in scans:
                self._asking.journal.scans[each["waybill"]].add(kind)


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
