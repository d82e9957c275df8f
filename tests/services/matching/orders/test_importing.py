"""Orders by the file, as a platform's purchasing sends them."""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from services.matching.orders.importing import HEADINGS, IMPORTS
from services.matching.orders.schemas import NewOrder
from tests.services.matching.orders.test_api import markets_that_changed
from tests.services.matching.scene import Scene, wanted

CSV = {"Content-Type": "text/csv"}
HEADER = "produce,quantity_kg,max_price_fen_per_kg,destination.adcode,reference"


async def imported(scene: Scene, content: str | bytes, **headers: str) -> list[dict[str, Any]]:
    answer = await scene.client.post("/v1/orders/import", content=content, headers=scene.buyer | CSV | headers)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_each_row_becomes_an_order_and_its_market_has_changed(scene: Scene) -> None:
    file = f"{HEADER}\nstrawberry,500,2600,320102,PO-1\ngarlic,1.5,300,320102,PO-2\n"
    first, second = await imported(scene, file)
    one, other = [await scene.read_order(row["id"]) for row in (first, second)]
    assert (one["produce"], one["quantity_kg"], one["reference"], one["kind"]) == ("strawberry", 500, "PO-1", "bulk")
    assert (other["produce"], other["quantity_kg"], other["reference"]) == ("garlic", 1.5, "PO-2")
    assert await markets_that_changed(scene) == ["strawberry", "garlic"]


async def test_a_row_makes_what_a_post_of_it_would(scene: Scene) -> None:
    row = wanted(min_fill_kg=100, min_grade="A", deliver_by="2099-01-01T00:00:00Z", reference="PO-1")
    posted = await scene.order(**row)
    (line,) = await imported(scene, json.dumps(row), **{"Content-Type": "application/x-ndjson"})
    found = await scene.read_order(line["id"])
    own = {"id", "created_at", "deliver_from"}
    assert {name: value for name, value in found.items() if name not in own} == {
        name: value for name, value in posted.items() if name not in own
    }
    assert found["deliver_from"] == found["created_at"]


async def test_sent_again_it_adds_nothing_and_no_market_changes(scene: Scene) -> None:
    file = f"{HEADER}\n" + "strawberry,500,2600,320102,\n" * 3
    first = await imported(scene, file, **{"Idempotency-Key": "k"})
    assert await imported(scene, file, **{"Idempotency-Key": "k"}) == first
    assert len((await scene.client.get("/v1/orders", headers=scene.buyer)).json()["items"]) == 3
    assert len(await markets_that_changed(scene)) == 3


async def test_an_import_that_is_gone_on_with_later_judges_by_when_it_began(scene: Scene) -> None:
    """Else its answers would change: what could be delivered then may be too late now."""
    begun_at = await _moment(scene) - timedelta(hours=5)
    file = f"{HEADER},deliver_by\n" + "".join(
        f"strawberry,500,2600,320102,,{begun_at + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}\n" for hours in (-1, 1)
    )
    early, late = await imported(scene, file, **{"Idempotency-Key": "k"})
    assert [each["problem"]["errors"][0]["pointer"] for each in (early, late)] == ["#/deliver_by"] * 2
    async with scene.db.transaction() as session:
        await session.execute(update(IMPORTS).values(created_at=begun_at))
    early, late = await imported(scene, file, **{"Idempotency-Key": "k"})
    assert "problem" in early
    order = await scene.read_order(late["id"])
    assert datetime.fromisoformat(order["created_at"]) == begun_at


async def test_a_least_fill_over_the_quantity_is_that_rows_problem(scene: Scene) -> None:
    (row,) = await imported(scene, f"{HEADER},min_fill_kg\nstrawberry,500,2600,320102,,501\n")
    assert row["problem"]["errors"][0]["pointer"] == "#/min_fill_kg"


def test_each_chinese_heading_names_a_field_and_each_field_has_one() -> None:
    fields = set(NewOrder.model_fields) - {"destination"}
    assert set(HEADINGS.values()) == fields | {f"destination.{name}" for name in ("adcode", "lon", "lat", "crs")}


async def _moment(scene: Scene) -> datetime:
    return datetime.fromisoformat((await scene.order())["created_at"])
