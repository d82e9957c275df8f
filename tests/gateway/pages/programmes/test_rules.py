"""The form in which an officer proposes other rules."""

import re

import httpx

from tests.gateway.pages.played import Played
from tests.gateway.pages.programmes.test_programmes import OTHER, PAGE, an_approval, logistics

__all__ = ["logistics"]


async def test_a_condition_is_taken_away_by_its_box_and_what_is_in_force_is_told(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    page = (await client.get(PAGE, headers=officer)).text
    assert set(re.findall(r'name="gone" value="(\w+)"', page)) == {"poverty_832", "produce", "per_carrier_per_day"}
    assert re.search(r"In force now: [^<]*former poverty county", page)
    logistics.say(f"/v1{PAGE}/rules", an_approval(OTHER), method="POST", status=202)
    ticked = {"gone": ["poverty_832", "per_carrier_per_day", "rate_fen"], "watch_52": "true", "key": "k"}
    await client.post(f"{PAGE}/rules", data=ticked, headers=officer)
    (asked,) = logistics.requests("POST", f"/v1{PAGE}/rules")
    assert asked.body == {
        "eligibility": {"poverty_832": None, "watch_52": True},
        "caps": {"per_carrier_per_day": None},
    }
