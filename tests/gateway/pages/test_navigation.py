"""Where a reader may go, and which of those ways leads to where they are."""

import httpx
import pytest

from gateway.pages.navigation import current_way, role_at, ways_of


@pytest.mark.parametrize(
    ("role", "path", "current"),
    [
        ("producer", "/farm", {"/farm": "page"}),
        ("producer", "/farm/new", {"/farm/new": "page"}),
        ("producer", "/farm/listings/1", {"/farm": "true"}),
        ("producer", "/farmers", {}),
        ("citizen", "/board/1", {"/board": "true"}),
        ("citizen", "/counties/321323", {"/board": "true"}),
        ("citizen", "/orders/new", {"/orders": "true"}),
        ("carrier", "/carrier/routes/1/sheet", {"/carrier": "true"}),
        ("programme_officer", "/programmes/settlements/1", {"/programmes": "true"}),
        (None, "/problems/not-found", {"/docs": "true"}),
        (None, "/farm", {}),
        (None, "/", {}),
    ],
)
def test_the_way_that_is_marked_leads_to_the_page_or_to_the_nearest_section_around_it(
    role: str | None, path: str, current: dict[str, str]
) -> None:
    assert current_way(path, ways_of(role)) == current


async def test_the_frame_marks_the_page_and_the_section(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    below = (await client.get("/problems/stale-version")).text
    assert '<a href="/docs" aria-current="page">' in page
    assert '<a href="/docs" aria-current="true">' in below
    assert below.count("aria-current") == page.count("aria-current") == 1


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/farm/new", "producer"),
        ("/farm?x=/carrier", "producer"),
        ("/board/1", "citizen"),
        ("/orders/new", "citizen"),
        ("/", "citizen"),
        ("/partner", "group_leader"),
        ("/carrier/routes/1", None),
        ("/programmes", None),
        ("/farmers", "citizen"),
    ],
)
def test_who_is_new_is_proposed_the_role_of_where_they_go(path: str, role: str | None) -> None:
    assert role_at(path) == role
