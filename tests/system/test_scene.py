"""The scene that Duijie was made for, through the front door."""

import time

from tests.system.conftest import Standalone, until

LISTING = {
    "produce": "strawberry",
    "quantity_kg": 1200,
    "min_price_fen_per_kg": 1600,
    "origin": {"adcode": "321323", "lon": 118.69, "lat": 33.72},
}
ORDER = {
    "produce": "strawberry",
    "quantity_kg": 500,
    "max_price_fen_per_kg": 2600,
    "price_basis": "delivered",
    "destination": {"adcode": "320102"},
}


def test_strawberries_from_siyang_reach_nanjing_within_three_seconds_at_the_price_of_policy_1(
    standalone: Standalone,
) -> None:
    farmer, shop = standalone.caller("producer", "Siyang"), standalone.caller("platform", "Nanjing shop")
    listing = farmer.post("/v1/listings", json=LISTING)
    assert listing.status_code == 201, listing.text
    order = shop.post("/v1/orders", json=ORDER)
    assert order.status_code == 201, order.text
    posted_s = time.monotonic()
    item = until(lambda: shop.get("/v1/feed/matches").json()["items"], within_s=3)[0]
    assert time.monotonic() - posted_s < 3
    assert (item["seq"], item["type"]) == (1, "match.agreed")
    match = item["match"]
    assert (match["listing_id"], match["order_id"]) == (listing.json()["id"], order.json()["id"])
    # policy 1 by hand: about 186 km in a straight line, 1.3 times that by road, chilled
    assert 235 < match["distance_km"] < 250
    freight = -(-(20 + 0.06 * match["distance_km"]) * 1.5 // 1)
    assert match["freight_fen_per_kg"] == freight
    assert match["price_fen_per_kg"] == 1600 + (2600 - freight - 1600) // 2
    assert match["delivered_price_fen_per_kg"] == match["price_fen_per_kg"] + freight <= 2600
    assert match["amount_fen"] == 500 * match["price_fen_per_kg"]
    assert farmer.get("/v1/feed/matches").json()["items"] == [item]
    assert shop.get("/v1/feed/matches", params={"after": 1}).json() == {"items": [], "next": 1}
    sold = until(lambda: [row for row in farmer.get("/v1/listings").json()["items"] if row["agreed_kg"]], within_s=3)
    assert (sold[0]["agreed_kg"], sold[0]["remaining_kg"]) == (500, 700)


def test_the_front_door_says_where_to_go(standalone: Standalone) -> None:
    anyone = standalone.caller("citizen", "reader")
    for path in ("/", "/board", "/docs"):
        page = anyone.get(path, headers={"Accept-Language": "zh-CN"})
        assert page.status_code == 200, path
        assert page.headers["content-type"].startswith("text/html")
    document = anyone.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path in ("/v1/listings", "/v1/orders", "/v1/feed/matches", "/v1/shipments", "/v1/routes", "/v1/parcels"):
        assert path in document["paths"], path
    assert anyone.get("/readyz").json() == {"ready": True, "reasons": {}, "late": {}}
