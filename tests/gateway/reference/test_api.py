"""Looking up produce and places."""

import httpx
import pytest

from catalogue import places, produce


async def test_produce_is_found_by_its_chinese_and_english_name(client: httpx.AsyncClient) -> None:
    for q in ("草莓", "strawberry", "Strawb"):
        items = (await client.get("/v1/produce", params={"q": q})).json()["items"]
        assert items[0]["slug"] == "strawberry"
        assert items[0]["names"]["zh"] == "草莓"
        assert items[0]["shelf_life_h"] == {"ambient": None, "chilled": 48, "frozen": None}
        assert items[0]["default_temperature_class"] == "chilled"


async def test_a_place_is_found_without_its_suffix_and_by_a_former_name(client: httpx.AsyncClient) -> None:
    (siyang,) = (await client.get("/v1/places", params={"q": "江苏泗阳"})).json()["items"][:1]
    assert (siyang["adcode"], siyang["full_name"]) == ("321323", "江苏省宿迁市泗阳县")
    assert 118 < siyang["point"]["lon"] < 119
    assert siyang["revision"] == places.REVISION
    xunyang = (await client.get("/v1/places", params={"q": "旬阳县"})).json()["items"][0]
    assert xunyang["name"] == "旬阳市"


async def test_unknown_poverty_status_is_null_and_not_no(client: httpx.AsyncClient) -> None:
    unknown = next(place for place in places.all_places() if place.poverty_832 is None)
    (item,) = (await client.get("/v1/places", params={"q": unknown.adcode})).json()["items"]
    assert item["poverty_832"] is None
    assert item["watch_52"] is False


async def test_neither_needs_a_token_and_both_may_be_kept(client: httpx.AsyncClient) -> None:
    for path in ("/v1/produce", "/v1/places"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "max-age" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "q", "key", "count"),
    [
        ("/v1/produce", "", "slug", len(produce.all_produce())),
        ("/v1/places", "江苏省", "adcode", len(places.search("江苏省", limit=4000))),
        ("/v1/places", "", "adcode", len(places.all_places())),
    ],
)
async def test_the_pages_joined_are_the_whole_without_a_repeat(
    client: httpx.AsyncClient, path: str, q: str, key: str, count: int
) -> None:
    limit = 500 if count > 1000 else 40
    keys: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await client.get(path, params={"q": q, "limit": limit, **after})).json()
        keys += [item[key] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert len(keys) == len(set(keys)) == count


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "after=nowhere", "q=" + "x" * 101])
async def test_a_query_that_is_wrong_names_its_parameter(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/places?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"#/query/{query.partition('=')[0]}"


async def test_nothing_found_is_an_empty_list(client: httpx.AsyncClient) -> None:
    for path in ("/v1/produce", "/v1/places"):
        assert (await client.get(path, params={"q": "没有的东西"})).json() == {"items": [], "next": None}
