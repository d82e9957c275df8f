"""Every page there is: who opens it, and where one of its kind is to be seen."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, NamedTuple

from fastapi.routing import APIRoute
from PIL import Image

from contracts.accounts import Role
from gateway.pages.api import routers
from tests.pages.world import agreed, by, delivered, plan_of, programme, shipment_of
from tests.system.conftest import Standalone, until

PRODUCE = "taro"
SIYANG = "321323"
LANGUAGES = ("zh-CN", "en")


@dataclass(frozen=True, slots=True)
class World:
    """Ids of one thing of each kind."""

    lot: str
    order: str
    shipment: str
    plan: str
    programme: str
    settlement: str
    clawback: str
    webhook: str


class Page(NamedTuple):
    """`path` for the world that was made; `role` None for who is not signed in."""

    role: Role | None
    path: Callable[[World], str]
    has_charts: bool = False


PAGES: Mapping[str, Page] = {
    "/": Page(None, lambda _: "/"),
    "/docs": Page(None, lambda _: "/docs"),
    "/problems": Page(None, lambda _: "/problems"),
    "/problems/{slug}": Page(None, lambda _: "/problems/stale-version"),
    "/sign-in": Page(None, lambda _: "/sign-in"),
    "/sign-in/key": Page(None, lambda _: "/sign-in/key"),
    "/board": Page(None, lambda _: "/board"),
    "/board/{listing_id}": Page(None, lambda world: f"/board/{world.lot}"),
    "/counties/{adcode}": Page(None, lambda _: f"/counties/{SIYANG}"),
    "/orders": Page("platform", lambda _: "/orders"),
    "/orders/new": Page("platform", lambda _: "/orders/new"),
    "/orders/{order_id}": Page("platform", lambda world: f"/orders/{world.order}"),
    "/account": Page("citizen", lambda _: "/account"),
    "/farm": Page("producer", lambda _: "/farm"),
    "/farm/new": Page("producer", lambda _: "/farm/new"),
    "/farm/no-signal": Page("producer", lambda _: "/farm/no-signal"),
    "/farm/listings/{listing_id}": Page("producer", lambda world: f"/farm/listings/{world.lot}"),
    "/backlog": Page("supervisor", lambda _: "/backlog", has_charts=True),
    "/backlog/{adcode}": Page("supervisor", lambda _: f"/backlog/{SIYANG}", has_charts=True),
    "/operator": Page("admin", lambda _: "/operator", has_charts=True),
    "/programmes": Page("programme_officer", lambda _: "/programmes"),
    "/programmes/bank": Page("auditor", lambda _: "/programmes/bank"),
    "/programmes/new": Page("programme_officer", lambda _: "/programmes/new"),
    "/programmes/{programme_id}": Page("programme_officer", lambda world: f"/programmes/{world.programme}", True),
    "/programmes/{programme_id}/ledger": Page("auditor", lambda world: f"/programmes/{world.programme}/ledger"),
    "/programmes/{programme_id}/clawbacks": Page(
        "programme_officer", lambda world: f"/programmes/{world.programme}/clawbacks"
    ),
    "/programmes/{programme_id}/verified": Page("auditor", lambda world: f"/programmes/{world.programme}/verified"),
    "/programmes/settlements/{settlement_id}": Page(
        "programme_officer", lambda world: f"/programmes/settlements/{world.settlement}"
    ),
    "/carrier": Page("carrier", lambda _: "/carrier"),
    "/carrier/shipments/{shipment_id}": Page("carrier", lambda world: f"/carrier/shipments/{world.shipment}"),
    "/carrier/routes": Page("carrier", lambda _: "/carrier/routes"),
    "/carrier/routes/{plan_id}": Page("carrier", lambda world: f"/carrier/routes/{world.plan}"),
    "/carrier/routes/{plan_id}/sheet": Page("carrier", lambda world: f"/carrier/routes/{world.plan}/sheet"),
    "/carrier/vehicles": Page("carrier", lambda _: "/carrier/vehicles"),
    "/carrier/parcels": Page("carrier", lambda _: "/carrier/parcels"),
    "/carrier/settlements": Page("carrier", lambda _: "/carrier/settlements"),
    "/carrier/settlements/{settlement_id}": Page("carrier", lambda world: f"/carrier/settlements/{world.settlement}"),
    "/carrier/settlements/clawbacks": Page("carrier", lambda _: "/carrier/settlements/clawbacks"),
    "/carrier/settlements/clawbacks/{clawback_id}": Page(
        "carrier", lambda world: f"/carrier/settlements/clawbacks/{world.clawback}"
    ),
    "/farm/clawbacks": Page("producer", lambda _: "/farm/clawbacks"),
    "/partner": Page("platform", lambda _: "/partner"),
    "/partner/webhooks/{webhook_id}": Page("platform", lambda world: f"/partner/webhooks/{world.webhook}"),
}
"""By route."""

NO_PAGE: Mapping[str, str] = {
    "/welcome": "leads on",
    "/account/sessions": "leads on",
    "/account/erased": "leads on",
    "/account/erase": "leads on",
    "/account/export": "a file",
    "/backlog/table.csv": "a file",
    "/programmes/settlements/{settlement_id}/statement.{kind}": "a file",
    "/carrier/settlements/{settlement_id}/statement.{kind}": "a file",
    "/farm/listings/{listing_id}/photos/{photo_id}": "a photo",
    "/board/{listing_id}/price": "a part of the lot's page",
    "/orders/{order_id}/state": "a part of the order's page",
    "/farm/listings/{listing_id}/live": "a part of the lot's page",
    "/farm/clawbacks/{clawback_id}": "the same as the carrier's page",
    "/farm/queue": "JSON, for the queue",
    "/farm/places.json": "JSON, for the form",
    "/sw.js": "the service worker",
    "/manifest.webmanifest": "the app's manifest",
    "/v1/routes/{plan_id}/sheet": "the API's, the same as the carrier's page",
}


def routes() -> Iterator[str]:
    """Whatever can be read by an address among the pages."""
    yield from ("/problems", "/problems/{slug}")  # the gateway's own routes
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and "GET" in route.methods:
                yield route.path


def a_photo() -> bytes:
    """As hard to compress as one from a field: nothing but grain."""
    written = BytesIO()
    Image.effect_noise((1600, 1200), 64).convert("RGB").save(written, "JPEG", quality=90)
    return written.getvalue()


def world_of(platform: Standalone) -> World:
    """One thing of each kind, with something on its page: a lot with photos, a statement with lines, a route."""
    soon = (datetime.now(UTC) + timedelta(days=5)).isoformat()
    fund = programme(platform, "巡览", ends_at=soon, eligibility={"produce": [PRODUCE]})
    clawback = _clawback(platform, fund["id"])
    match = agreed(platform, PRODUCE)
    shipment = shipment_of(platform, match)
    return World(
        lot=_lot(platform),
        order=match["order_id"],
        shipment=shipment,
        plan=plan_of(platform, shipment_of(platform, agreed(platform, PRODUCE))),
        programme=fund["id"],
        settlement=_settlement(platform, match, shipment, fund["id"]),
        clawback=clawback,
        webhook=_webhook(platform),
    )


def _lot(platform: Standalone) -> str:
    keeps = (datetime.now(UTC) + timedelta(days=4)).isoformat()
    body = {"produce": PRODUCE, "variety": "荔浦", "quantity_kg": 900, "min_price_fen_per_kg": 5000}
    told = {"origin": {"adcode": SIYANG}, "best_before": keeps, "story": "地里的芋头等着出路。", "households": 12}
    with by(platform, "producer") as farmer:
        lot = farmer.post("/v1/listings", json=body | told).json()["id"]
        for _ in range(2):
            added = farmer.post(f"/v1/listings/{lot}/photos", files={"photo": ("a.jpg", a_photo(), "image/jpeg")})
            assert added.status_code == 201, added.text
        until(lambda: farmer.get(f"/v1/listings/{lot}").json()["on_market"], 20)
    return str(lot)


def _settlement(platform: Standalone, match: dict[str, Any], shipment: str, fund: str) -> str:
    with by(platform, "carrier") as carrier, by(platform, "programme_officer") as officer:
        assert carrier.post(f"/v1/shipments/{shipment}/claim").status_code == 200
        payee = carrier.get("/v1/me").json()["account_id"]
        delivered(platform, match, 3)
        until(lambda: officer.get(f"/v1/programmes/{fund}").json()["posted_fen"] == 600, 20)
        now = datetime.now(UTC)
        period = {"from": (now - timedelta(days=1)).isoformat(), "to": now.isoformat()}
        made = officer.post("/v1/settlements", json={"programme_id": fund, "carrier_id": payee, **period})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])


def _clawback(platform: Standalone, fund: str) -> str:
    """Of a statement that was paid, with notice just given."""
    match = agreed(platform, PRODUCE)
    paid = _settlement(platform, match, shipment_of(platform, match), fund)
    with by(platform, "programme_officer") as officer:
        answer = officer.post(f"/v1/settlements/{paid}/pay", json={"reference": "B-TOUR"})
        assert answer.status_code == 200, answer.text
        waybills = [line["waybill"] for line in officer.get(f"/v1/settlements/{paid}").json()["items"]]
        told = {"waybills": waybills, "cause": "not_delivered", "evidence": "收件人称未收到"}
        made = officer.post("/v1/clawbacks", json={"programme_id": fund, **told})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])


def _webhook(platform: Standalone) -> str:
    with by(platform, "platform") as partner:
        return str(partner.post("/v1/webhooks", json={"url": "https://partner.example/"}).json()["id"])
