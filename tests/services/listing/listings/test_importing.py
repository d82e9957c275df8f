"""Listings by the file, as a cooperative's spreadsheet or a partner's program sends them."""

import csv
import json
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select

from chassis.db import Database
from contracts.listings import ListingPublished
from services.listing.listings.importing import HEADINGS
from services.listing.listings.models import Listing
from services.listing.listings.schemas import NewListing
from tests.services.listing.listings.test_api import strawberries
from tests.support.services import Issuer, told

CSV = {"Content-Type": "text/csv"}
NDJSON = {"Content-Type": "application/x-ndjson"}
HEADER = "produce,quantity_kg,min_price_fen_per_kg,origin.adcode"
ROW = "strawberry,1200,1600,321323"
NAIVE = [
    '=cmd|"/c calc"!A1',
    "@SUM(1+1)*cmd",
    "'; DROP TABLE listings; --",
    "<script>alert(1)</script>",
    "{en}{0}%s${jndi:ldap://x}",
    "👩‍🌾🍓",
    "\u202eمرحبا\u2066",
    "line\nbreak\ttab",
    "e\u0301 é ＡＢＣ",
    "\ufeff\u200bzero",
]


async def imported(client: httpx.AsyncClient, content: str | bytes, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await client.post("/v1/listings/import", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def listings(client: httpx.AsyncClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    """One's own, the oldest first."""
    return list(reversed((await client.get("/v1/listings", headers=headers)).json()["items"]))


async def test_each_row_becomes_a_listing_and_was_told(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    producer = issuer.caller("producer")
    rows = await imported(client, f"{HEADER}\r\n{ROW}\r\n{ROW}\r\n", producer | CSV)
    found = await listings(client, producer)
    assert [each["id"] for each in found] == [row["id"] for row in rows]
    assert [str(event.listing_id) for event in await told(db) if isinstance(event, ListingPublished)] == [
        row["id"] for row in rows
    ]


async def test_a_row_makes_what_a_post_of_it_would(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer = issuer.caller("producer")
    lot = strawberries(
        variety="红颜",
        households=12,
        story="x",
        divisible=False,
        harvested_at="2099-01-01T08:00:00+08:00",
        available_from="2099-01-02T00:00:00Z",
    )
    posted = (await client.post("/v1/listings", json=lot, headers=producer)).json()
    await imported(client, json.dumps(lot), producer | NDJSON)
    flat = lot | {f"origin.{name}": value for name, value in lot["origin"].items()}
    del flat["origin"]
    await imported(client, ",".join(flat) + "\n" + ",".join(str(value) for value in flat.values()), producer | CSV)
    own = {"id", "created_at"}
    of_post, *of_rows = [
        {name: value for name, value in each.items() if name not in own} for each in await listings(client, producer)
    ]
    assert of_post == {name: value for name, value in posted.items() if name not in own}
    assert of_rows == [of_post] * 2


async def test_a_chinese_spreadsheet_is_read_in_gb18030(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer = issuer.caller("producer")
    file = (
        "农产品,品种,数量（公斤）,底价（分/公斤）,产地,村,可否拆分,货批的故事\r\n"
        'strawberry,红颜,1200.5,1600,321323,卢集村,否,"从前，有个""村""\r\n就这样"\r\n'
    )
    (row,) = await imported(client, file.encode("gb18030"), producer | CSV)
    (found,) = await listings(client, producer)
    assert found["id"] == row["id"]
    assert (found["variety"], found["quantity_kg"], found["min_price_fen_per_kg"]) == ("红颜", 1200.5, 1600)
    assert (found["origin"]["adcode"], found["origin"]["village"]) == ("321323", "卢集村")
    assert (found["divisible"], found["story"]) == (False, '从前，有个"村"\r\n就这样')


def test_each_chinese_heading_names_a_field_and_each_field_has_one() -> None:
    fields = set(NewListing.model_fields) - {"origin"} | {
        f"origin.{name}" for name in ("adcode", "village", "lon", "lat", "crs")
    }
    assert set(HEADINGS.values()) == fields


@pytest.mark.parametrize(
    ("cells", "pointer", "zh", "en"),
    [
        (
            "unobtainium,1,1,321323",
            "#/produce",
            "目录中没有此产品，见 /v1/produce。",
            "The catalogue has no such produce; see /v1/produce.",
        ),
        ("strawberry,many,1,321323", "#/quantity_kg", "必须是数字。", "It must be a number."),
        ("strawberry,1,,321323", "#/min_price_fen_per_kg", "缺少此项。", "Field required."),
        (
            "strawberry,1,1,999999",
            "#/origin/adcode",
            "没有此县级区划代码，见 /v1/places。",
            "There is no county-level area of this code; see /v1/places.",
        ),
        ("strawberry,1,1,321323,x", "#/4", "此单元格没有列名。", "There is no heading over this cell."),
    ],
)
async def test_a_bad_row_is_explained_in_both_languages_and_the_others_are_kept(
    client: httpx.AsyncClient, issuer: Issuer, cells: str, pointer: str, zh: str, en: str
) -> None:
    producer = issuer.caller("producer")
    kept: list[str] = []
    for language, detail in (("zh-CN", zh), ("en", en)):
        headers = producer | CSV | {"Accept-Language": language, "Idempotency-Key": language}
        first, second, third = await imported(client, f"{HEADER}\n{ROW}\n{cells}\n{ROW}\n", headers)
        assert second["problem"]["errors"] == [{"pointer": pointer, "detail": detail}]
        kept += [first["id"], third["id"]]
        assert [each["id"] for each in await listings(client, producer)] == kept


async def test_what_can_not_keep_is_that_rows_problem(client: httpx.AsyncClient, issuer: Issuer) -> None:
    file = f"{HEADER},best_before,temperature_class\n{ROW},2020-01-01T00:00:00Z,\n{ROW},,frozen\n{ROW},,\n"
    first, second, third = await imported(client, file, issuer.caller("producer") | CSV)
    assert [each["problem"]["errors"][0]["pointer"] for each in (first, second)] == ["#/best_before"] * 2
    assert third.keys() == {"row", "line", "id"}


async def test_naive_strings_come_back_unchanged_and_a_nul_is_refused(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    producer = issuer.caller("producer")
    file = StringIO(newline="")
    csv.writer(file).writerows([[*HEADER.split(","), "story"], *([*ROW.split(","), text] for text in NAIVE)])
    await imported(client, file.getvalue(), producer | CSV)
    lines = "\n".join(json.dumps(strawberries(story=text)) for text in [*NAIVE, "a\0b", "\ud800"])
    *_, nul, surrogate = await imported(client, lines, producer | NDJSON)
    assert [each["story"] for each in await listings(client, producer)] == 2 * NAIVE
    for refused in (nul, surrogate):
        assert [each["pointer"] for each in refused["problem"]["errors"]] == ["#/story"]


async def test_an_agent_names_the_producer_of_each_row_who_has_to_have_consented(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    agent_id, mine, strange = uuid4(), uuid4(), uuid4()
    producer, agent = issuer.caller("producer", mine), issuer.caller("agent", agent_id) | CSV
    await client.post("/v1/consents", json={"agent_id": str(agent_id)}, headers=producer)
    file = f"{HEADER},producer_id\n{ROW},{mine}\n{ROW},{strange}\n{ROW},\n{ROW},{mine}\n"
    key = {"Idempotency-Key": "k"}
    first, second, third, fourth = await imported(client, file, agent | key)
    assert second["problem"]["type"] == "/problems/no-consent"
    assert third["problem"]["errors"][0]["pointer"] == "#/producer_id"
    assert [each["id"] for each in await listings(client, producer)] == [first["id"], fourth["id"]]
    await client.delete(f"/v1/consents/{agent_id}", headers=producer)
    again = await imported(client, file, agent | key)
    assert [each.get("id") for each in again] == [first["id"], None, None, fourth["id"]], "what was taken stands"
    assert len(await told(db)) == 2


async def test_many_rows_twice_are_there_once(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    """`tests/faults/test_imports.py` does so with 50,000, through the whole house."""
    count = 3_000
    headers = issuer.caller("producer") | CSV | {"Idempotency-Key": "k"}
    file = f"{HEADER}\n" + f"{ROW}\n" * count
    first, second = [await imported(client, file, headers) for _ in range(2)]
    assert first == second
    assert len({UUID(row["id"]) for row in first}) == count
    async with db.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Listing)) == count
    assert len(await told(db)) == count


async def test_a_row_refused_without_consent_is_refused_again_once_it_is_given(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    producer_id, agent_id = uuid4(), uuid4()
    producer, agent = issuer.caller("producer", producer_id), issuer.caller("agent", agent_id)
    file = json.dumps(strawberries(producer_id=str(producer_id)))
    first = await imported(client, file, agent | NDJSON | {"Idempotency-Key": "1"})
    assert first[0]["problem"]["type"] == "/problems/no-consent"
    await client.post("/v1/consents", json={"agent_id": str(agent_id)}, headers=producer)
    assert await imported(client, file, agent | NDJSON | {"Idempotency-Key": "1"}) == first
    assert await listings(client, producer) == []
    (again,) = await imported(client, file, agent | NDJSON | {"Idempotency-Key": "2"})
    assert [each["id"] for each in await listings(client, producer)] == [again["id"]]
