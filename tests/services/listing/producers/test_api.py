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


async def test_consents_come_page_by_page_without_gap_or_repeat(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer = issuer.caller("producer")
    agents = {str(uuid4()) for _ in range(5)}
    for agent_id in agents:
        assert (await client.post("/v1/consents", json={"agent_id": agent_id}, headers=producer)).status_code == 201
    await client.post("/v1/consents", json={"agent_id": str(uuid4())}, headers=issuer.caller("producer"))
    seen: list[str] = []
    query = "?limit=2"
    while query:
        page = (await client.get(f"/v1/consents{query}", headers=producer)).json()
        assert len(page["items"]) <= 2
        seen += [each["agent_id"] for each in page["items"]]
        query = f"?limit=2&after={page['next']}" if page["next"] else ""
    assert seen == sorted(agents)


async def test_an_agent_reads_for_whom_they_may_act_page_by_page(client: httpx.AsyncClient, issuer: Issuer) -> None:
    agent_id, producers = uuid4(), sorted((uuid4() for _ in range(3)), key=str)
    for producer_id in producers:
        for given_to in (agent_id, uuid4()):
            body = {"agent_id": str(given_to)}
            await client.post("/v1/consents", json=body, headers=issuer.caller("producer", producer_id))
    agent = issuer.caller("agent", agent_id)
    first = (await client.get("/v1/consents?limit=2", headers=agent)).json()
    rest = (await client.get(f"/v1/consents?limit=2&after={first['next']}", headers=agent)).json()
    assert [each["producer_id"] for each in first["items"] + rest["items"]] == [str(each) for each in producers]
    assert {each["agent_id"] for each in first["items"] + rest["items"]} == {str(agent_id)}
    assert rest["next"] is None


async def test_a_consent_says_who_whom_and_since_when(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer_id, agent_id = uuid4(), uuid4()
    producer = issuer.caller("producer", producer_id)
    given = (await client.post("/v1/consents", json={"agent_id": str(agent_id)}, headers=producer)).json()
    assert given.keys() == {"producer_id", "agent_id", "given_at"}
    assert (given["producer_id"], given["agent_id"]) == (str(producer_id), str(agent_id))


async def test_a_consent_that_was_never_given_or_is_anothers_is_not_found(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    producer, agent_id = issuer.caller("producer"), str(uuid4())
    await client.post("/v1/consents", json={"agent_id": agent_id}, headers=producer)
    for headers, path in ((issuer.caller("producer"), agent_id), (producer, uuid4()), (producer, "x")):
        answer = await client.delete(f"/v1/consents/{path}", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert (await client.delete(f"/v1/consents/{agent_id}", headers=producer)).json() == {"agent_id": agent_id}


async def test_an_agent_sees_every_producers_lots_that_let_it_and_may_keep_them(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    agent_id = uuid4()
    agent, lots = issuer.caller("agent", agent_id), []
    for _ in range(2):
        producer = issuer.caller("producer")
        await client.post("/v1/consents", json={"agent_id": str(agent_id)}, headers=producer)
        lots.append((await client.post("/v1/listings", json=strawberries(), headers=producer)).json()["id"])
    await client.post("/v1/listings", json=strawberries(), headers=issuer.caller("producer"))
    seen = (await client.get("/v1/listings", headers=agent)).json()["items"]
    assert [each["id"] for each in seen] == lots[::-1]
    path = f"/v1/listings/{lots[0]}"
    changed = await client.patch(path, json={"auto_agree": False}, headers=agent | {"If-Match": "1"})
    assert (changed.status_code, changed.json()["auto_agree"]) == (200, False)
    assert (await client.post(f"{path}/withdraw", headers=agent)).json()["status"] == "withdrawn"


async def test_one_key_gives_one_consent_and_another_agent_under_it_is_refused(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    keyed = issuer.caller("producer") | {"Idempotency-Key": "k"}
    body = {"agent_id": str(uuid4())}
    first = await client.post("/v1/consents", json=body, headers=keyed)
    assert (await client.post("/v1/consents", json=body, headers=keyed)).content == first.content
    other = await client.post("/v1/consents", json={"agent_id": str(uuid4())}, headers=keyed)
    assert other.json()["type"] == "/problems/idempotency-key-reused"


async def test_an_agent_reads_for_whom_it_may_write_page_by_page(client: httpx.AsyncClient, issuer: Issuer) -> None:
    agent_id, producers = uuid4(), sorted(uuid4() for _ in range(3))
    for producer_id in producers:
        body = {"agent_id": str(agent_id)}
        await client.post("/v1/consents", json=body, headers=issuer.caller("producer", producer_id))
    await client.post("/v1/consents", json={"agent_id": str(uuid4())}, headers=issuer.caller("producer", producers[0]))
    agent, found, after = issuer.caller("agent", agent_id), [], ""
    while after is not None:
        page = (await client.get(f"/v1/consents?limit=2{after and f'&after={after}'}", headers=agent)).json()
        found += [(each["producer_id"], each["agent_id"]) for each in page["items"]]
        after = page["next"]
    assert found == [(str(producer_id), str(agent_id)) for producer_id in producers]
