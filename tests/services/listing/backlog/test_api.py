"""What a supervisor sees of the backlog: the figures, that they add up, and the lots behind them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert

from chassis.db import Database
from services.listing.backlog import hazard, service
from services.listing.backlog.models import Hazard
from services.listing.listings.models import Listing
from tests.services.listing.listings.test_service import age, hear, posted, supply
from tests.support.services import Issuer

SIYANG, SUYU, NANJING = "321323", "321311", "320102"


@pytest.fixture
def supervisor(issuer: Issuer) -> dict[str, str]:
    return issuer.caller("supervisor")


async def read(client: httpx.AsyncClient, supervisor: dict[str, str], path: str = "", **query: Any) -> dict[str, Any]:
    answer = await client.get(f"/v1/backlog{path}", params=query, headers=supervisor)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def lie(
    db: Database, produce: str = "strawberry", adcode: str = SIYANG, kg: float = 100, hours: float = 72, **more: Any
) -> UUID:
    """An open lot of so much, with so many hours left, posted two days ago."""
    now, grams, listing_id = datetime.now(UTC), round(kg * 1000), uuid4()
    row = {
        "id": listing_id,
        "producer_id": uuid4(),
        "lifecycle": "open",
        "version": 1,
        "produce": produce,
        "grade": "B",
        "quantity_g": grams,
        "min_price_fen_per_kg": 1600,
        "origin_adcode": adcode,
        "harvested_at": now,
        "created_at": now - timedelta(days=2),
        "available_from": now,
        "temperature_class": "chilled",
        "spoils_at": now + timedelta(hours=hours),
        "shelf_life_source": "catalogue",
        "divisible": True,
        "auto_agree": True,
        "remaining_g": grams,
    }
    async with db.transaction() as session:
        await session.execute(insert(Listing).values(row | more))
    return listing_id


async def believe(db: Database, produce: str, adcode: str, per_h: float) -> None:
    row = {"produce": produce, "adcode": adcode, "rates": [per_h] * 6, "fitted_at": datetime.now(UTC)}
    async with db.transaction() as session:
        await session.execute(insert(Hazard).values(row))


async def test_before_there_is_any_history_the_forecast_says_that_it_is_the_stated_default(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    await lie(db, hours=hazard.HALF_LIFE_H)
    (item,) = (await read(client, supervisor))["items"]
    assert item["forecast"] == "prior"
    assert item["open_kg"] == 100
    assert item["at_risk_kg"] == pytest.approx(50, abs=0.6), "half is left after the half-life, but for the minute"
    assert item["area"] == {
        "adcode": "320000",
        "name": "江苏省",
        "province": "江苏省",
        "poverty_832": False,
        "watch_52": False,
    }
    assert (item["produce"], item["name_zh"], item["name_en"]) == ("strawberry", "草莓", "Strawberry")
    assert item["hours_left_median"] == pytest.approx(72, abs=0.1)
    assert item["listings"] == 1


@pytest.mark.parametrize(
    ("cells", "forecast", "share"),
    [
        ([("", "")], "borrowed", 1),
        ([("", ""), ("strawberry", "")], "fitted", 2),
        ([("", ""), ("strawberry", ""), ("strawberry", "32")], "fitted", 3),
        ([("", ""), ("strawberry", ""), ("strawberry", "32"), ("strawberry", SIYANG)], "fitted", 4),
        ([("", ""), ("strawberry", ""), ("strawberry", "53"), ("cabbage", SIYANG)], "fitted", 2),
    ],
)
async def test_the_narrowest_cell_with_something_to_say_makes_the_forecast_and_sql_says_what_the_model_says(
    client: httpx.AsyncClient,
    supervisor: dict[str, str],
    db: Database,
    cells: list[tuple[str, str]],
    forecast: str,
    share: int,
) -> None:
    await lie(db, kg=1000, hours=50)
    for number, (produce, adcode) in enumerate(cells, 1):
        await believe(db, produce, adcode, number / 100)
    (lot,) = (await read(client, supervisor, "/lots"))["items"]
    assert lot["forecast"] == forecast
    assert lot["unsold_share"] == pytest.approx(hazard.unsold((share / 100,) * 6, 50), abs=0.01)


@pytest.mark.parametrize("hours", [0.5, 12, 20, 24, 47, 48, 95, 240, 1000, 90_000])
async def test_sql_and_the_model_agree_in_every_band(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database, hours: float
) -> None:
    rates = (0.001, 0.003, 0.01, 0.02, 0.005, 0.04)
    async with db.transaction() as session:
        row = {"produce": "strawberry", "adcode": "", "rates": list(rates), "fitted_at": datetime.now(UTC)}
        await session.execute(insert(Hazard).values(row))
    await lie(db, kg=10_000, hours=hours)
    page = await read(client, supervisor, "/lots")
    (lot,) = page["items"]
    left = datetime.fromisoformat(lot["spoils_at"]) - datetime.fromisoformat(page["as_of"])
    share = hazard.unsold(rates, left / timedelta(hours=1))
    assert lot["unsold_share"] == pytest.approx(share, abs=1e-4)
    assert lot["at_risk_kg"] == pytest.approx(10_000 * share, abs=0.001)


async def test_counties_prefectures_and_provinces_add_up_to_the_gram(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    for number in range(40):
        place = (SIYANG, SUYU, NANJING, "530103")[number % 4]
        produce = ("strawberry", "cabbage")[number % 3 % 2]
        await lie(db, produce, place, kg=10.001 * (number + 1), hours=3 + 7 * number)

    async def sums(level: str) -> dict[str, tuple[int, int, int]]:
        found: dict[str, list[int]] = {}
        items = (await read(client, supervisor, level=level, limit=500))["items"]
        for item in items:
            entry = found.setdefault(item["produce"] + item["area"]["adcode"][:2], [0, 0, 0])
            for place, figure in enumerate((item["open_kg"] * 1000, item["at_risk_kg"] * 1000, item["listings"])):
                entry[place] += round(figure)
        return {key: (figures[0], figures[1], figures[2]) for key, figures in found.items()}

    for _ in range(2):  # a full minute may pass between two of the three: then once more
        by_county, by_prefecture, by_province = await sums("county"), await sums("prefecture"), await sums("province")
        if by_county == by_prefecture == by_province:
            break
    assert by_county == by_prefecture == by_province
    assert sum(figures[0] for figures in by_county.values()) == (10_001 * 820)
    assert sum(figures[2] for figures in by_county.values()) == 40


async def test_half_of_the_kilograms_have_at_most_the_median_hours(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    for kg, hours in ((10, 5), (10, 6), (100, 50), (30, 200)):
        await lie(db, kg=kg, hours=hours)
    (item,) = (await read(client, supervisor))["items"]
    assert item["hours_left_median"] == pytest.approx(50, abs=0.1)


async def test_the_end_of_the_window_counts_as_the_end_and_what_is_not_on_the_market_does_not_count(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    await lie(db, hours=72, available_until=datetime.now(UTC) + timedelta(hours=10))
    await lie(db, lifecycle="withdrawn")
    await lie(db, lifecycle="expired")
    await lie(db, remaining_g=0, agreed_g=100_000)
    await lie(db, hours=-2)
    (item,) = (await read(client, supervisor, level="county"))["items"]
    assert (item["listings"], item["open_kg"]) == (1, 100)
    assert item["hours_left_median"] == pytest.approx(10, abs=0.1)


async def test_the_worst_come_first_and_pages_join_without_gap_or_repeat(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    for number in range(7):
        await lie(db, kg=100 if number < 4 else 50 * number, hours=24, adcode=(SIYANG, SUYU, NANJING)[number % 3])
    for path, query in (("", {"level": "county"}), ("/lots", {})):
        whole = await read(client, supervisor, path, **query)
        risks = [item["at_risk_kg"] for item in whole["items"]]
        assert risks == sorted(risks, reverse=True)
        seen, after = [], None
        while True:
            page = await read(client, supervisor, path, **query, limit=2, **({"after": after} if after else {}))
            seen += page["items"]
            after = page["next"]
            if after is None:
                break
        key = "id" if path else "area"
        assert [item[key] for item in seen] == [item[key] for item in whole["items"]]


async def test_filters_narrow_by_area_produce_and_the_counties_under_supervision(
    client: httpx.AsyncClient, supervisor: dict[str, str], db: Database
) -> None:
    watched = "520526"  # 威宁
    await lie(db, "strawberry", SIYANG)
    await lie(db, "cabbage", NANJING)
    await lie(db, "cabbage", watched)

    async def found(**query: Any) -> list[str]:
        areas = await read(client, supervisor, level="county", **query)
        lots = await read(client, supervisor, "/lots", **query)
        of_areas = sorted(item["area"]["adcode"] for item in areas["items"])
        assert sorted(item["origin"]["adcode"] for item in lots["items"]) == of_areas
        return of_areas

    assert await found(adcode="32") == await found(adcode="320000") == [NANJING, SIYANG]
    assert await found(adcode="3213") == [SIYANG]
    assert await found(produce="cabbage") == [NANJING, watched]
    assert await found(watch_52="true") == [watched]
    assert await found(watch_52="false", produce="cabbage") == [NANJING]
    (item,) = (await read(client, supervisor, level="county", watch_52="true"))["items"]
    assert (item["area"]["watch_52"], item["area"]["poverty_832"]) == (True, True)


async def test_a_lot_shows_what_helps_to_sell_it_and_nobody_s_name(
    client: httpx.AsyncClient, issuer: Issuer, supervisor: dict[str, str]
) -> None:
    secret = {"adcode": SIYANG, "village": "暗号村", "lon": 118.123456, "lat": 33.654321}
    listing = await posted(client, issuer.caller("producer"), origin=secret, variety="红颜")
    answer = await client.get("/v1/backlog/lots", headers=supervisor)
    (lot,) = answer.json()["items"]
    assert (lot["id"], lot["variety"], lot["remaining_kg"]) == (listing["id"], "红颜", 1200)
    assert (lot["grade"], lot["min_price_fen_per_kg"], lot["origin"]["name"]) == ("B", 1600, "泗阳县")
    for private in ("暗号村", "118.123456", listing["producer_id"]):
        assert private not in answer.text


async def test_the_trend_tells_day_by_day_what_stood_was_sold_and_spoiled(
    client: httpx.AsyncClient, issuer: Issuer, supervisor: dict[str, str], db: Database
) -> None:
    lot = await posted(client, issuer.caller("producer"))
    await hear(db, supply(lot, 1, remaining_g=700_000, agreed_g=500_000))
    await service.refit(db)
    days = (await read(client, supervisor, "/trend", days=3))["items"]
    assert [day["sold_kg"] for day in days] == [0, 0, 500]
    assert [day["open_kg"] for day in days] == [None, None, 700]
    assert 0 < days[-1]["at_risk_kg"] < 700
    await age(db, lot["id"], lifecycle="expired", spoils_at=datetime.now(UTC))
    assert await service.tally_ended(db) == 1
    await service.refit(db)
    today = (await read(client, supervisor, "/trend", adcode="32", produce="strawberry"))["items"][-1]
    assert (today["sold_kg"], today["spoiled_kg"], today["open_kg"]) == (500, 700, 0)
    elsewhere = (await read(client, supervisor, "/trend", adcode="53"))["items"]
    assert len(elsewhere) == 14
    assert {day["sold_kg"] for day in elsewhere} == {0}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *(("", "after=x"), ("/lots", "after=1.2"), ("", "after=" + "9" * 60 + ".1.k"), ("", "after=1.-5.k")),
        *(("", "level=village"), ("", "adcode=3"), ("/lots", "adcode=x1"), ("/trend", "days=91"), ("", "limit=0")),
        ("/lots", "watch_52=perhaps"),
    ],
)
async def test_a_wrong_query_names_its_parameter_in_both_languages(
    client: httpx.AsyncClient, supervisor: dict[str, str], path: str, query: str
) -> None:
    for language in ("zh-CN", "en"):
        answer = await client.get(f"/v1/backlog{path}?{query}", headers=supervisor | {"Accept-Language": language})
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["pointer"]) == (422, f"#/query/{query.partition('=')[0]}")
        assert error["detail"].isascii() == (language == "en")


@pytest.mark.parametrize("path", ["", "/trend", "/lots"])
@pytest.mark.parametrize(
    ("name", "value", "zh", "en"),
    [
        ("produce", "xyz", "目录中没有此产品，见 /v1/produce。", "The catalogue has no such produce; see /v1/produce."),
        ("adcode", "9999", "没有区划代码以此开头，见 /v1/places。", "No adcode begins so; see /v1/places."),
        ("adcode", "329900", "没有区划代码以此开头，见 /v1/places。", "No adcode begins so; see /v1/places."),
    ],
)
async def test_produce_that_nobody_grows_and_an_area_that_is_none_are_named(
    client: httpx.AsyncClient, supervisor: dict[str, str], path: str, name: str, value: str, zh: str, en: str
) -> None:
    for language, said in (("zh-CN", zh), ("en", en)):
        headers = supervisor | {"Accept-Language": language}
        answer = await client.get(f"/v1/backlog{path}", params={name: value}, headers=headers)
        assert (answer.status_code, answer.json()["errors"]) == (
            422,
            [{"pointer": f"#/query/{name}", "detail": said}],
        )
