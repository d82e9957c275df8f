"""What an officer looks through: all that waits for a decision, and every version of a programme's rules."""

import httpx

from tests.services.logistics.programmes.officers import Officers
from tests.support.services import Issuer
from tests.support.subsidies import Office


async def test_what_waits_is_listed_of_all_programmes_until_it_is_decided(
    officers: Officers, office: Office, client: httpx.AsyncClient, issuer: Issuer
) -> None:
    first = (await officers.ask("topup", {"amount_fen": 500})).json()
    other = Officers(client, issuer, await office.open())
    second = (await other.ask("pause")).json()
    waiting = "/v1/programmes/approvals?status=pending"
    page = (await client.get(f"{waiting}&limit=1", headers=issuer.caller("auditor"))).json()
    assert page == {"items": [second], "next": second["approval_id"]}
    assert (await client.get(f"{waiting}&after={page['next']}", headers=other.first)).json()["items"] == [first]
    await officers.decide(first["approval_id"], "reject")
    assert (await client.get(waiting, headers=other.first)).json()["items"] == [second]


async def test_every_version_of_the_rules_is_shown_newest_first(officers: Officers, office: Office) -> None:
    await officers.change("rules", {"rate_fen": 150, "eligibility": {"produce": ["strawberry"]}})
    later, first = (await office.read(officers.fund, "/rules"))["items"]
    assert (later["version"], later["rate_fen"], later["eligibility"]["produce"]) == (2, 150, ["strawberry"])
    assert (first["version"], first["rate_fen"], first["eligibility"]["produce"]) == (1, 200, [])
    assert first["effective_at"] < later["effective_at"]
