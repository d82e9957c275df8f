"""Each method of our client against the platform itself: what it sends is taken, what comes back is typed whole."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import BaseModel

from contracts.accounts import Role
from duijie.accounts import tokens_of
from duijie.client import (
    County,
    Duijie,
    ListingChange,
    Match,
    NewListing,
    NewOrder,
    OrderChange,
    Origin,
    Problem,
    Spot,
    WebhookChange,
    fixed,
)
from duijie.datafolder import DataFolder
from tests.system.conftest import Standalone

SELLER, BUYER, CARRIER = "a program that sells", "a program that buys", "a program that carries"
FARM = Origin(adcode="321323", village="众兴镇", lon=118.6912, lat=33.7234)
SHOP = Spot(adcode="320102", lon=118.7912, lat=32.0434)


def nothing_is_untyped(shown: BaseModel) -> None:
    """Every member of the answer has its field, down to the last: none came that only rests in `extra`."""
    assert not (shown.__pydantic_extra__ or {}).keys() - {"crs"}, type(shown)
    for name in type(shown).model_fields:
        for each in value if isinstance(value := getattr(shown, name), list) else [value]:
            assert not isinstance(each, dict), (type(shown), name)
            if isinstance(each, BaseModel):
                nothing_is_untyped(each)


async def listed(items: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in items]


@pytest.fixture
async def callers(standalone: Standalone) -> AsyncIterator[Mapping[str, Duijie]]:
    who: set[tuple[Role, str]] = {("producer", SELLER), ("platform", BUYER), ("carrier", CARRIER)}
    tokens = await tokens_of(DataFolder(standalone.folder), who, timedelta(hours=1))
    made = {name: Duijie(standalone.url, fixed(token), language="en") for name, token in tokens.items()}
    yield made
    for each in made.values():
        await each.caller.aclose()


async def proposed(farmer: Duijie, shop: Duijie) -> Match:
    """A match that its buyer is asked about."""
    lot = await farmer.post_listing(
        NewListing(produce="asparagus", quantity_kg=Decimal(300), min_price_fen_per_kg=1600, origin=FARM)
    )
    order = await shop.post_order(
        NewOrder(
            produce="asparagus",
            quantity_kg=Decimal(100),
            max_price_fen_per_kg=2600,
            destination=SHOP,
            listing_id=lot.id,
            auto_agree=False,
        )
    )
    async for item in shop.feed():
        if item.match.order_id == order.id:
            nothing_is_untyped(item)
            return item.match
    raise AssertionError("a feed that is followed has no end")


async def test_a_lot_is_changed_shown_and_withdrawn(callers: Mapping[str, Duijie], tmp_path: Path) -> None:
    farmer = callers[SELLER]
    new = NewListing(produce="asparagus", quantity_kg=Decimal("12.5"), min_price_fen_per_kg=1600, origin=FARM)
    lot = await farmer.post_listing(new, key="lot")
    nothing_is_untyped(lot)
    assert (lot.quantity_kg, lot.origin.village) == (Decimal("12.5"), "众兴镇")
    changed = await farmer.change_listing(lot.id, ListingChange(min_price_fen_per_kg=1500), version=lot.version)
    assert (changed.min_price_fen_per_kg, changed.story) == (1500, None)
    with pytest.raises(Problem, match="412"):
        await farmer.change_listing(lot.id, ListingChange(min_price_fen_per_kg=1400), version=lot.version)

    picture = BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "PNG")
    photo = await farmer.show_listing(lot.id, picture.getvalue(), key="photo")
    assert (photo.width_px, await farmer.listing_photos(lot.id)) == (40, [photo])
    assert (await farmer.listing_photo(lot.id, photo.id)).startswith(b"\xff\xd8")
    await farmer.remove_photo(lot.id, photo.id)
    assert await farmer.listing_photos(lot.id) == []

    nothing_is_untyped(await farmer.explain_listing(lot.id))
    assert (await farmer.withdraw_listing(lot.id)).status == "withdrawn"
    assert [each.id for each in await listed(farmer.listings(status="withdrawn"))] == [lot.id]
    file = tmp_path / "lots.ndjson"
    file.write_text(new.model_dump_json(exclude_unset=True) + "\n")
    for repeated in (False, True):
        answer = farmer.import_listings(file, key="file")
        (row,) = [each async for each in answer]
        assert (row.problem, answer.repeated) == (None, repeated)


async def test_an_order_is_changed_and_cancelled(callers: Mapping[str, Duijie]) -> None:
    shop = callers[BUYER]
    new = NewOrder(produce="artichoke", quantity_kg=Decimal(5), max_price_fen_per_kg=900, destination=SHOP)
    order = await shop.post_order(new)
    nothing_is_untyped(order)
    assert (order.destination, order.deliver_from.tzinfo) == (County(adcode="320102", lon=118.7912, lat=32.0434), UTC)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    changed = await shop.change_order(order.id, OrderChange(deliver_by=until), version=order.version)
    assert (changed.deliver_by, changed.quantity_kg) == (until, 5)
    nothing_is_untyped(await shop.explain_order(order.id))
    assert (await shop.cancel_order(order.id)).status == "cancelled"
    assert [each.id for each in await listed(shop.orders(produce="artichoke"))] == [order.id]
    assert (await shop.order(order.id)).status == "cancelled"


async def test_a_match_is_listed_agreed_to_and_carried(callers: Mapping[str, Duijie]) -> None:
    farmer, shop, carrier = (callers[name] for name in (SELLER, BUYER, CARRIER))
    match = await proposed(farmer, shop)
    assert match.destination.lon == 118.7912
    assert match.origin.lon != 118.6912, "the buyer sees its own place alone"
    assert [each.id for each in await listed(shop.matches(status="proposed"))] == [match.id]
    agreed = await shop.agree(match.id)
    nothing_is_untyped(agreed)
    assert (agreed.status, agreed.origin.lon) == ("agreed", 118.6912)
    assert await farmer.match(match.id) == agreed
    declined = await proposed(farmer, shop)
    assert (await shop.decline(declined.id, "too late")).words == "too late"

    van = {"name": "苏N·12345", "capacity_kg": 1500, "temperature_classes": ["chilled"], "cost_fen_per_km": 250}
    van |= {"depot": {"lon": 118.7, "lat": 33.73}, "shift": {"start": "06:00", "end": "22:00"}}
    await carrier.caller.post("/v1/vehicles", van)
    (vehicle,) = await listed(carrier.vehicles())
    assert (vehicle.name, vehicle.shift.start) == ("苏N·12345", "06:00")
    shipments: list[Any] = []
    while not shipments:
        shipments = [each async for each in carrier.shipments(status="open") if each.match_id == match.id]
    (shipment,) = shipments
    nothing_is_untyped(shipment)
    assert await carrier.shipment(shipment.id) == shipment


async def test_a_webhook_lives_from_its_post_to_its_end(callers: Mapping[str, Duijie]) -> None:
    farmer, shop = callers[SELLER], callers[BUYER]
    made = await shop.post_webhook("http://127.0.0.1:9/nobody", ["match.proposed"])
    nothing_is_untyped(made)
    assert (made.secret or "").startswith("whsec_")
    assert [(each.id, each.secret) for each in await listed(shop.webhooks())] == [(made.id, None)]
    await proposed(farmer, shop)
    deliveries: list[Any] = []
    while not (deliveries and deliveries[0].attempts):
        deliveries = await listed(shop.deliveries(made.id))
    nothing_is_untyped(deliveries[0])
    assert deliveries[0].type == "match.proposed"
    assert deliveries[0].match_id is not None
    assert await shop.delivery(made.id, deliveries[0].seq) == deliveries[0]
    assert (await shop.redeliver_one(made.id, deliveries[0].seq)).webhook_id == deliveries[0].webhook_id
    ping = await shop.ping_webhook(made.id)
    nothing_is_untyped(ping)
    assert (ping.seq, ping.type, ping.match_id) == (0, "webhook.ping", None)
    again = await shop.redeliver(made.id, 0)
    assert (again.id, again.after_seq) == (made.id, 0)
    rotated = await shop.rotate_webhook(made.id)
    assert rotated.secret not in {None, made.secret}
    read = await shop.webhook(made.id)
    changed = await shop.change_webhook(made.id, WebhookChange(types=[]), version=read.version)
    assert (changed.types, changed.url) == ([], made.url)
    await shop.delete_webhook(made.id)
    assert await listed(shop.webhooks()) == []


async def test_names_of_produce_and_places_are_looked_up(callers: Mapping[str, Duijie]) -> None:
    anyone = callers[SELLER]
    assert "strawberry" in {each["slug"] for each in await anyone.produce("草莓")}
    assert "321323" in {each["adcode"] for each in await anyone.places("泗阳县")}


async def test_all_that_is_held_of_one_is_exported(callers: Mapping[str, Duijie]) -> None:
    shop = callers[BUYER]
    held, me = await shop.export(), await shop.me()
    assert held["account"]["account_id"] == me["account_id"]
    assert {"orders", "matches", "webhooks"} <= held.keys()
