"""What the second officer reads of a proposal before approving it: all of it, also what it would take away."""

from typing import Any

import httpx
import pytest

from gateway.tokens import Signer
from tests.gateway.pages.played import Played
from tests.gateway.pages.programmes.test_programmes import EN, OTHER, a_programme, an_approval, items
from tests.gateway.support import bearer


@pytest.fixture
def logistics() -> Played:
    played = Played()
    played.say("/v1/programmes", items(a_programme()))
    return played


async def card_of(client: httpx.AsyncClient, signer: Signer, logistics: Played, **wanted: Any) -> str:
    """The card of that proposal, in which a button approves it."""
    logistics.say("/v1/programmes/approvals", items(an_approval(OTHER, kind="rules", wanted=wanted)))
    page = (await client.get("/programmes", headers=bearer(signer, "programme_officer") | EN)).text
    card = page[page.index('<li class="card">') : page.index("</li>", page.index('<li class="card">'))]
    assert 'value="approve"' in card
    return card


async def test_what_would_be_taken_away_is_named(client: httpx.AsyncClient, signer: Signer, logistics: Played) -> None:
    gone = {"poverty_832": None, "adcodes": None, "produce": []}
    card = await card_of(client, signer, logistics, eligibility=gone, caps={"per_carrier_per_day": None})
    assert (
        "<b>No longer demanded or limited</b> former poverty county, Origins, Produce, Most per carrier per day."
        in card
    )


async def test_what_is_demanded_or_not_told_of_is_not_said_to_be_taken_away(
    client: httpx.AsyncClient, signer: Signer, logistics: Played
) -> None:
    kept = {"poverty_832": False, "watch_52": True, "adcodes": ["321323"]}
    card = await card_of(client, signer, logistics, eligibility=kept, caps={"per_producer_per_day": 3})
    assert "No longer" not in card
    for told in ("former poverty county (not)", "江苏省宿迁市泗阳县", "Most per farmer per day 3"):
        assert told in card


async def test_from_when_it_would_be_in_effect_is_told(
    client: httpx.AsyncClient, signer: Signer, logistics: Played
) -> None:
    card = await card_of(client, signer, logistics, rate_fen=150, effective_at="2026-12-31T16:00:00Z")
    assert "1.50" in card
    assert "In effect from 2027-01-01 00:00." in card
