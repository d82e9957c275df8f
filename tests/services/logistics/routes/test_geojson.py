"""When GeoJSON is wanted."""

import pytest

from services.logistics.routes.geojson import is_wanted


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("application/geo+json", True),
        ("Application/GEO+JSON; charset=utf-8", True),
        ("application/geo+json, application/json;q=0.5", True),
        ("application/geo+json;q=0.5, application/json", False),
        ("application/geo+json;q=0", False),
        ("application/geo+json;q=x", False),
        ("application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_geojson_is_given_where_it_is_named_and_json_not_preferred(accept: str, wanted: bool) -> None:
    assert is_wanted(accept) is wanted
