"""An agent writes for a producer who lets them, and for nobody else."""

from uuid import uuid4

import httpx

from tests.services.listing.listings.test_api import strawberries
from tests.support.services import Issuer


async def test_an_agent_writes_for_a_producer_after_consent_and_no_more_when_it_is_withdrawn(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    producer_id, agent_id = uuid4(), uuid4()
    producer, agent = issuer.caller("producer", producer_id), issuer.caller("agent", agent_id)
    body = strawberries(producer_id=str(producer_id))
    refused = await client.post("/v1/listings", json=body, headers=agent)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/no-consent")
    given = await client.post("/v1/consents", json={"agent_id": str(agent_id)}, headers=producer)
    assert given.status_code == 201
    posted = await client.post("/v1/listings", json=body, headers=agent)
    assert (posted.status_code, posted.json()["producer_id"]) == (201, str(producer_id))
    path = f"/v1/listings/{posted.json()['id']}"
    assert (await client.get(path, headers=agent)).status_code == 200
    assert (await client.get(path, headers=producer)).status_code == 200
    assert (await client.delete(f"/v1/consents/{agent_id}", headers=producer)).status_code == 200
    assert (await client.post("/v1/listings", json=body, headers=agent)).status_code == 403
    assert (await client.get(path, headers=agent)).status_code == 404


async def test_an_agent_says_for_whom_and_a_producer_names_nobody_else(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    for role, body in (("agent", strawberries()), ("producer", strawberries(producer_id=str(uuid4())))):
        answer = await client.post("/v1/listings", json=body, headers=issuer.caller(role))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/producer_id")


async def test_consent_given_twice_is_one_and_others_may_not_give_it(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer, body = issuer.caller("producer"), {"agent_id": str(uuid4())}
    first = await client.post("/v1/consents", json=body, headers=producer)
    assert (await client.post("/v1/consents", json=body, headers=producer)).json() == first.json()
    assert len((await client.get("/v1/consents", headers=producer)).json()["items"]) == 1
    assert (await client.post("/v1/consents", json=body, headers=issuer.caller("carrier"))).status_code == 403
