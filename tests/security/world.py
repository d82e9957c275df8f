"""One thing of every kind behind an id, and the accounts that have them."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from chassis.clock import database_now
from contracts.accounts import Role
from gateway.accounts.models import Client
from gateway.clients.service import create_for
from services.matching.webhooks.models import Delivery
from tests.security.house import House
from tests.security.operations import Operation
from tests.services.logistics.settlements.settling import Settling, today
from tests.services.logistics.test_roles import A_DOT
from tests.services.matching.scene import consume, wanted
from tests.support.logistics import van
from tests.support.services import told
from tests.support.subsidies import RATE_FEN, Courier, Office

STRAWBERRIES = {
    "produce": "strawberry",
    "grade": "A",
    "quantity_kg": 1000,
    "min_price_fen_per_kg": 1600,
    "origin": {"adcode": "321323", "village": "某村"},
    "auto_agree": False,
}


@dataclass(repr=False)
class World:
    """`owners[role]` has what `ids` names; bodies that need more than the document's example are in `bodies`.

    `ids_under` has those of ids whose name means another thing under the path that it begins with.
    """

    house: House
    owners: dict[Role, UUID] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    ids_under: dict[str, dict[str, str]] = field(default_factory=dict)
    bodies: dict[str, Any] = field(default_factory=dict)
    created: list[tuple[Role, str, str | None]] = field(default_factory=list)
    """Who made something, with which path, and where it says that it is."""

    def owner(self, role: Role) -> dict[str, str]:
        return self.house.caller(role, self.owners.setdefault(role, uuid4()))

    def path(self, operation: Operation) -> str:
        """That of the thing of this world."""
        unknown = set(operation.ids) - self.ids.keys()
        assert not unknown, (
            f"tests/security/world.py makes no {unknown} for {operation.id}: make one and put it into `ids`"
        )
        others = next((ids for path, ids in self.ids_under.items() if operation.path.startswith(path)), {})
        return operation.filled(self.ids | others)

    async def made(self, who: Role, path: str, body: Any = None, **sent: Any) -> Any:
        answer = await self.house.client.post(path, json=body, headers=self.owner(who), **sent)
        assert answer.is_success, (path, answer.text)
        if answer.status_code in {201, 202}:
            self.created.append((who, path, answer.headers.get("location")))
        return answer.json()


async def build(house: House) -> World:
    world = World(house)
    await _person(world)
    await _market(world)
    await _road(world)
    await _office(world)
    return world


async def _person(world: World) -> None:
    """Someone who is signed in."""
    phone, client = "13800000001", world.house.client
    await client.post("/v1/auth/otp", json={"phone": phone})
    form = {"grant_type": "otp", "phone": phone, "code": world.house.sms.last_code()}
    token = (await client.post("/v1/auth/token", data=form)).json()["access_token"]
    signed_in = {"Authorization": f"Bearer {token}"}
    world.owners["citizen"] = UUID((await client.get("/v1/me", headers=signed_in)).json()["account_id"])
    (session,) = (await client.get("/v1/me/sessions", headers=signed_in)).json()["items"]
    world.ids["session_id"] = session["id"]
    async with world.house.dbs["gateway"].transaction() as writing:
        for role in ("platform", "group_leader", "carrier"):  # who may have keys must have an account
            client_id, _ = await create_for(writing, world.house.vault, role, f"{role} with a key")
            client = await writing.get(Client, client_id)
            world.owners[role] = client.account_id
            world.ids.setdefault("client_id", client_id)


async def _market(world: World) -> None:
    world.ids["agent_id"] = str(world.owners.setdefault("agent", uuid4()))
    await world.made("producer", "/v1/consents", {"agent_id": world.ids["agent_id"]})
    listing = await world.made("producer", "/v1/listings", STRAWBERRIES)
    await consume(world.house.dbs["matching"], *await told(world.house.dbs["listing"]))
    order = await world.made("platform", "/v1/orders", wanted(listing_id=listing["id"], auto_agree=False))
    (cleared,) = (await world.made("admin", "/v1/rounds", {"produce": "strawberry"}))["items"]
    (match,) = (await world.house.client.get("/v1/matches", headers=world.owner("platform"))).json()["items"]
    files = {"photo": ("photo.png", A_DOT, "image/png")}
    photo = await world.made("producer", f"/v1/listings/{listing['id']}/photos", files=files)
    webhook = await world.made("platform", "/v1/webhooks", {"url": "https://partner.example/"})
    async with world.house.dbs["matching"].transaction() as session:
        event = Delivery(endpoint_id=UUID(webhook["id"]), seq=1, type="match.proposed", status="waiting", tries=0)
        event.next_at = await database_now(session)
        session.add(event)
    world.ids_under["/v1/listings/"] = {"photo_id": photo["id"]}
    world.ids |= {
        "webhook_id": webhook["id"],
        "seq": "1",
        "listing_id": listing["id"],
        "order_id": order["id"],
        "round_id": cleared["id"],
        "match_id": match["id"],
    }


async def _road(world: World) -> None:
    house = world.house
    world.owner("carrier")
    courier = Courier(house.client, house.tokens, house.dbs["logistics"])
    courier.account_id, courier.headers = world.owners["carrier"], world.owner("carrier")
    match = await courier.claimed(producer_id=world.owners["producer"], buyer_id=world.owners["platform"])
    (shipment,) = (await house.client.get("/v1/shipments", headers=courier.headers)).json()["items"]
    vehicle = await world.made("carrier", "/v1/vehicles", van())
    files = {"photo": ("photo.png", A_DOT, "image/png")}
    photo = await world.made("carrier", f"/v1/shipments/{shipment['id']}/photos", files=files)
    asked = {"shipment_ids": [shipment["id"]], "vehicle_ids": [vehicle["id"]], "limit_s": 1}
    plan = await world.made("carrier", "/v1/routes", asked)
    parcel = courier.parcel(match)
    await courier.register(parcel)
    world.ids |= {
        "shipment_id": shipment["id"],
        "vehicle_id": vehicle["id"],
        "photo_id": photo["id"],
        "plan_id": plan["id"],
        "waybill": parcel["waybill"],
    }
    world.bodies |= {
        "ask_for_routes": asked,
        "register_parcels": [courier.parcel(match)],
        "scan_parcels": [
            {"waybill": parcel["waybill"], "type": "accepted", "at": match.ready_at.isoformat(), "adcode": "321323"}
        ],
    }
    world.bodies["report_on_shipment"] = {"type": "failed", "at": match.ready_at.isoformat(), "reason": "a flat tyre"}


async def _office(world: World) -> None:
    house = world.house
    office = Office(house.client, house.tokens)
    office.headers = world.owner("programme_officer")
    courier = Courier(house.client, house.tokens, house.dbs["logistics"])
    courier.account_id, courier.headers = world.owners["carrier"], world.owner("carrier")
    fund = await office.open(budget_fen=1000 * RATE_FEN)
    settling = Settling(office, courier, fund)
    paid = await settling.delivers(2)
    assert (await settling.pays(await settling.freezes())).status_code == 200
    claim = {"programme_id": fund, "waybills": [paid[0]["waybill"]], "cause": "not_delivered", "evidence": "a letter"}
    clawback = await world.made("programme_officer", "/v1/clawbacks", claim)
    flagged = await settling.delivers(25, fetched=True, order_ref=None)
    settlement = await settling.freezes()
    correction = {"waybills": [flagged[0]["waybill"]], "reason": "同一收件人"}
    asked = await world.made("programme_officer", f"/v1/settlements/{settlement['id']}/corrections", correction)
    (flag,) = (await house.client.get("/v1/flags?status=open", headers=office.headers)).json()["items"]
    topup = await world.made("programme_officer", f"/v1/programmes/{fund}/topup", {"amount_fen": 500})
    world.ids |= {
        "programme_id": fund,
        "approval_id": topup["approval_id"],
        "settlement_id": settlement["id"],
        "correction_id": asked["id"],
        "clawback_id": clawback["id"],
        "flag_id": flag["id"],
    }
    await settling.delivers(2)  # owed, and in no statement yet
    world.bodies["freeze_settlement"] = {
        "programme_id": fund,
        "carrier_id": str(courier.account_id),
        "from": today(),
        "to": today(),
    }
    world.bodies["open_clawback"] = claim | {"waybills": [paid[1]["waybill"]]}
    world.bodies["ask_for_correction"] = correction
    world.bodies["record_repayment"] = {"amount_fen": RATE_FEN, "reference": "R-1"}
