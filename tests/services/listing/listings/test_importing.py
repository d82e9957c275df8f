"""Listings by the file, as a cooperative's spreadsheet or a partner's program sends them."""

import json
from typing import Any

import httpx

from chassis.db import Database
from tests.support.services import Issuer, told

HEADER = "produce,quantity_kg,min_price_fen_per_kg,origin.adcode,story\r\n"
ROW = "strawberry,1200,1600,321323,"


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_each_row_becomes_a_listing(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    producer = issuer.caller("producer") | {"Content-Type": "text/csv"}
    file = HEADER + (ROW + "x\r\n") * 3
    answer = await client.post("/v1/listings/import", content=file.encode(), headers=producer)
    rows = lines(answer)
    assert [row["row"] for row in rows] == [1, 2, 3]
    own = (await client.get("/v1/listings", headers=producer)).json()["items"]
    assert [each["id"] for each in own] == [row["id"] for row in reversed(rows)]
    assert len(await told(db)) == 3
