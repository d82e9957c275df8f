"""The feeds of shipments: gapless, in the order of what happened, and to nobody whom it does not concern.

How events are numbered under concurrency is tried with those of matches (tests/services/matching/feed): it is one code.
"""

from datetime import UTC, datetime
from typing import Any

import httpx

from chassis.db import Database
from contracts.matches import MatchReleased
from services.logistics.app import create_logistics_app
from services.logistics.feed.models import FEED
from tests.support.logistics import agreed, hear, later
from tests.support.services import Issuer, kept_app
from tests.support.sse import Listener


async def read(
    client: httpx.AsyncClient, headers: dict[str, str], path: str = "", **query: int
) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/feed/shipments{path}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def told(items: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(item["seq"], item["type"].removeprefix("shipment.")) for item in items]


async def test_each_party_reads_its_own_and_every_carrier_what_there_is_to_claim(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    match = agreed()
    await hear(db, match)
    carrier, rival = issuer.caller("carrier"), issuer.caller("carrier")
    (item,) = (await client.get("/v1/shipments", headers=carrier)).json()["items"]
    path = f"/v1/shipments/{item['id']}"
    for verb in ("claim", "release", "claim"):
        await client.post(f"{path}/{verb}", headers=carrier)
    event = {"type": "picked_up", "at": datetime.now(UTC).isoformat(), "weight_kg": 299}
    assert (await client.post(f"{path}/events", json=event, headers=carrier)).status_code == 200
    while await FEED.append_batch(db):
        pass
    whole = ["opened", "claimed", "released", "claimed", "picked_up"]
    for role, account in (("producer", match.producer_id), ("platform", match.buyer_id)):
        items = await read(client, issuer.caller(role, account))  # type: ignore[arg-type]
        assert told(items) == list(enumerate(whole, 1))
        assert [each["shipment"]["version"] for each in items] == [1, 2, 3, 4, 5]
    assert items[-1]["shipment"]["quantity_kg"] == 299
    assert items[-1]["shipment"] == (await client.get(path, headers=carrier)).json()
    assert told(await read(client, carrier)) == list(enumerate(whole[1:], 1)), "it was not the carrier's before"
    assert await read(client, rival) == []
    for each in (carrier, rival):
        seen = await read(client, each, "/open")
        assert told(seen) == list(enumerate(whole[:4], 1))
        assert {item["shipment"]["carrier_id"] for item in seen} == {None}, "nobody is told who took it"


async def test_who_failed_and_lost_it_to_another_hears_of_that_and_not_of_whom(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    await hear(db, agreed())
    first, second = issuer.caller("carrier"), issuer.caller("carrier")
    (item,) = (await client.get("/v1/shipments", headers=first)).json()["items"]
    path = f"/v1/shipments/{item['id']}"
    await client.post(f"{path}/claim", headers=first)
    failed = {"type": "failed", "at": datetime.now(UTC).isoformat(), "reason": "a flat tyre"}
    await client.post(f"{path}/events", json=failed, headers=first)
    await client.post(f"{path}/claim", headers=second)
    while await FEED.append_batch(db):
        pass
    items = await read(client, first)
    assert told(items) == [(1, "claimed"), (2, "failed"), (3, "claimed")]
    assert [each["shipment"]["carrier_id"] is None for each in items] == [False, False, True]
    assert told(await read(client, second)) == [(1, "claimed")]


async def test_a_page_goes_on_where_the_last_one_ended_and_a_full_one_never_changes(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    carrier, matches = issuer.caller("carrier"), [agreed() for _ in range(5)]
    await hear(db, *matches)
    await FEED.append_batch(db)
    first = await client.get("/v1/feed/shipments/open?limit=3", headers=carrier)
    assert (first.json()["next"], first.headers["cache-control"]) == (3, "private, max-age=31536000, immutable")
    await hear(db, later(matches[0], MatchReleased, status="released", reason="order_cancelled"))
    await FEED.append_batch(db)
    again = await client.get("/v1/feed/shipments/open?limit=3", headers=carrier)
    assert again.content == first.content
    rest = await read(client, carrier, "/open", after=3, limit=500)
    assert told(rest) == [(4, "opened"), (5, "opened"), (6, "cancelled")]
    empty = (await client.get("/v1/feed/shipments/open?after=6", headers=carrier)).json()
    assert empty == {"items": [], "next": 6}


async def test_what_the_feeds_join_to_is_where_every_shipment_stands(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    carrier = issuer.caller("carrier")
    await hear(db, *(agreed() for _ in range(6)))
    shipments = (await client.get("/v1/shipments", headers=carrier)).json()["items"]
    for number, shipment in enumerate(shipments):
        if number % 2:
            await client.post(f"/v1/shipments/{shipment['id']}/claim", headers=carrier)
    while await FEED.append_batch(db):
        pass
    newest = {item["shipment"]["id"]: item["shipment"]["status"] for item in await read(client, carrier, "/open")}
    present = (await client.get("/v1/shipments", headers=carrier)).json()["items"]
    assert newest == {each["id"]: each["status"] for each in present}


async def test_streams_bring_the_same_bytes_as_the_pages(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    app = kept_app(create_logistics_app, db, issuer.keys)
    carrier = issuer.caller("carrier")
    async with (
        Listener(app, "/v1/feed/shipments/stream", carrier) as own,
        Listener(app, "/v1/feed/shipments/open/stream", carrier) as to_claim,
    ):
        await hear(db, agreed())
        (item,) = (await client.get("/v1/shipments", headers=carrier)).json()["items"]
        await client.post(f"/v1/shipments/{item['id']}/claim", headers=carrier)
        while await FEED.append_batch(db):
            pass
        for stream, path, types in ((own, "", ["claimed"]), (to_claim, "/open", ["opened", "claimed"])):
            events = [await stream.next() for _ in types]
            assert [(event.id, event.name) for event in events] == [
                (str(seq), f"shipment.{each}") for seq, each in enumerate(types, 1)
            ]
            page = await client.get(f"/v1/feed/shipments{path}", headers=carrier)
            joined = ",".join(event.data for event in events)
            assert page.text == f'{{"items":[{joined}],"next":{len(types)}}}'
