"""The service's whole surface at once: who may call what, what can't be an id or a cursor, and nothing answers 5xx."""

from typing import Any, get_args
from uuid import uuid4

import pytest

from contracts.accounts import Role
from tests.services.matching.scene import Scene, wanted

BUYERS = {"platform", "group_leader", "citizen", "admin"}
PARTIES = BUYERS | {"producer", "agent"}
OVERSEERS = {"auditor", "supervisor", "admin"}
EVERYONE = set(get_args(Role))
NOBODYS = "00000000-0000-7000-8000-000000000000"

OPERATIONS: list[tuple[str, str, Any, set[str], int]] = [
    ("POST", "/v1/orders", wanted(), BUYERS, 201),
    ("POST", "/v1/orders/import", wanted(), BUYERS, 415),
    ("GET", "/v1/orders", None, BUYERS, 200),
    ("GET", f"/v1/orders/{NOBODYS}", None, BUYERS, 404),
    ("PATCH", f"/v1/orders/{NOBODYS}", {"quantity_kg": 1}, BUYERS, 404),
    ("POST", f"/v1/orders/{NOBODYS}/cancel", None, BUYERS, 404),
    ("GET", "/v1/matches", None, PARTIES, 200),
    ("GET", f"/v1/matches/{NOBODYS}", None, PARTIES, 404),
    ("POST", f"/v1/matches/{NOBODYS}/agree", None, PARTIES, 404),
    ("POST", f"/v1/matches/{NOBODYS}/decline", {"reason": "no"}, PARTIES, 404),
    ("POST", "/v1/rounds", {"produce": "garlic"}, {"admin"}, 201),
    ("GET", "/v1/rounds", None, OVERSEERS, 200),
    ("GET", f"/v1/rounds/{NOBODYS}", None, OVERSEERS, 404),
    ("GET", "/v1/rounds/interval", None, OVERSEERS, 200),
    ("PUT", "/v1/rounds/interval", {"seconds": 1}, {"admin"}, 200),
    ("GET", "/v1/policy", None, EVERYONE, 200),
    ("GET", f"/v1/listings/{NOBODYS}/explanation", None, {"producer", "agent", "admin"}, 404),
    ("GET", f"/v1/orders/{NOBODYS}/explanation", None, BUYERS, 404),
    ("GET", f"/v1/matches/{NOBODYS}/explanation", None, PARTIES, 404),
    ("GET", "/v1/prices", None, EVERYONE, 200),
    ("GET", "/v1/feed/matches", None, PARTIES, 200),
    ("GET", "/v1/feed/matches/stream", None, PARTIES, 422),
    ("POST", "/v1/webhooks", {"url": "https://partner.example/"}, BUYERS, 201),
    ("GET", "/v1/webhooks", None, BUYERS, 200),
    ("GET", f"/v1/webhooks/{NOBODYS}", None, BUYERS, 404),
    ("PATCH", f"/v1/webhooks/{NOBODYS}", {"enabled": True}, BUYERS, 404),
    ("DELETE", f"/v1/webhooks/{NOBODYS}", None, BUYERS, 404),
    ("GET", f"/v1/webhooks/{NOBODYS}/deliveries", None, BUYERS, 404),
    ("POST", f"/v1/webhooks/{NOBODYS}/redeliver", {"after_seq": 0}, BUYERS, 404),
    ("POST", f"/v1/webhooks/{NOBODYS}/rotate", None, BUYERS, 404),
    ("GET", f"/v1/webhooks/{NOBODYS}/deliveries/0", None, BUYERS, 404),
    ("POST", f"/v1/webhooks/{NOBODYS}/deliveries/0/redeliver", None, BUYERS, 404),
    ("POST", f"/v1/webhooks/{NOBODYS}/ping", None, BUYERS, 404),
]
PUBLIC = {("GET", "/v1/policy/freight")}
"""What needs no token."""
WITH_ID = [operation for operation in OPERATIONS if NOBODYS in operation[1]]


def named(operation: tuple[str, str, Any, set[str], int]) -> str:
    return f"{operation[0]} {operation[1].replace(NOBODYS, 'id')}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
async def test_each_role_may_what_the_table_says_and_nobody_without_a_token(
    scene: Scene, operation: tuple[str, str, Any, set[str], int]
) -> None:
    method, path, body, allowed, status = operation
    for role in get_args(Role):
        # with what is no id of an event, for a stream that is let in has no end
        headers = scene.issuer.caller(role) | {"If-Match": "1", "Last-Event-ID": "x"}
        answer = await scene.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == (status if role in allowed else 403), (role, answer.text)
    if method == "PATCH":  # who may not is told so before what is missing
        without_version = await scene.client.request(method, path, json=body, headers=scene.issuer.caller("carrier"))
        assert without_version.status_code == 403
    nobody = await scene.client.request(method, path, json=body)
    assert (nobody.status_code, nobody.json()["type"]) == (401, "/problems/unauthenticated")
    assert "www-authenticate" in nobody.headers


async def test_every_operation_of_the_service_is_in_that_table(scene: Scene) -> None:
    documented = (await scene.client.get("/openapi.json")).json()["paths"]
    offered = {
        (method.upper(), path)
        for path, operations in documented.items()
        for method in operations
        if path.startswith("/v1/")
    }
    ids = {
        "orders": "{order_id}",
        "matches": "{match_id}",
        "rounds": "{round_id}",
        "listings": "{listing_id}",
        "webhooks": "{webhook_id}",
    }
    listed = {
        (method, path.replace(NOBODYS, ids.get(path.split("/")[2], "")).replace("/deliveries/0", "/deliveries/{seq}"))
        for method, path, *_ in OPERATIONS
    }
    assert offered == listed | PUBLIC


@pytest.mark.parametrize("operation", WITH_ID, ids=named)
async def test_what_is_no_id_answers_as_a_missing_one(
    scene: Scene, operation: tuple[str, str, Any, set[str], int]
) -> None:
    method, path, body, *_ = operation
    headers = scene.issuer.caller("admin") | {"If-Match": "1"}
    missing = await scene.client.request(method, path, json=body, headers=headers)
    for no_id in ("1", "x" * 300, "%00", "名"):
        answer = await scene.client.request(method, path.replace(NOBODYS, no_id), json=body, headers=headers)
        assert (answer.status_code, answer.json()) == (404, missing.json()), no_id


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/matches", "/v1/rounds", "/v1/webhooks"])
@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "after=x", "after=%00", "after=1"])
async def test_a_list_refuses_a_limit_or_cursor_that_can_not_be(scene: Scene, path: str, query: str) -> None:
    answer = await scene.client.get(f"{path}?{query}", headers=scene.issuer.caller("admin"))
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == f"#/query/{query.split('=', maxsplit=1)[0]}"


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/rounds"])
async def test_a_filter_with_a_character_that_no_text_holds_is_invalid_and_not_our_failure(
    scene: Scene, path: str
) -> None:
    answer = await scene.client.get(f"{path}?produce=a%00b", headers=scene.issuer.caller("admin"))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
    unknown = await scene.client.get(f"{path}?produce=unobtainium", headers=scene.issuer.caller("admin"))
    assert unknown.json()["errors"] == [
        {"pointer": "#/query/produce", "detail": "The catalogue has no such produce; see /v1/produce."}
    ]
    known = await scene.client.get(f"{path}?produce=garlic", headers=scene.issuer.caller("admin"))
    assert (known.status_code, known.json()["items"]) == (200, [])


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"produce": NaN}', b'{"produce": "\xff"}', b'{"produce": "garlic", "produce": "onion"}', b"[" * 40],
    ids=["cut off", "NaN", "not UTF-8", "a name twice", "too deep"],
)
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/rounds"])
async def test_a_body_that_is_no_json_is_refused_and_nothing_is_done(scene: Scene, path: str, body: bytes) -> None:
    headers = scene.issuer.caller("admin") | {"Content-Type": "application/json"}
    answer = await scene.client.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed-json")
    assert (await scene.client.get(path, headers=headers)).json()["items"] == []


@pytest.mark.parametrize("method_and_path", ["PATCH /v1/orders/{id}", "POST /v1/matches/{id}/decline"])
async def test_what_the_server_alone_decides_can_not_be_sent(scene: Scene, method_and_path: str) -> None:
    match = await scene.matched(auto_agree=False)
    method, path = method_and_path.split()
    path = path.format(id=match.order_id if "orders" in path else match.id)
    for injected in ("id", "version", "status", "held_kg", "agreed_kg", "buyer_id", "consents", "agree_by", "kind"):
        headers = scene.buyer | {"If-Match": "1"}
        answer = await scene.client.request(method, path, json={injected: None}, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/{injected}")
    assert (await scene.match(match.id)).version == 1


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_every_problem_of_the_service_speaks_the_callers_language(scene: Scene, language: str) -> None:
    spoken = {
        "match-not-open": ("匹配已不可更改", "The match is not open"),
        "order-closed": ("求购已结束", "The order is closed"),
        "quantity-promised": ("数量已被占用", "More is promised already"),
        "stale-version": ("版本已过期", "The version is stale"),
        "version-required": ("需要 If-Match", "If-Match is required"),
        "not-found": ("未找到", "Not found"),
        "too-many-webhooks": ("推送地址过多", "Too many webhooks"),
        "webhook-disabled": ("推送地址已停用", "The webhook is disabled"),
    }
    match = await scene.matched(auto_agree=False, quantity_kg=100)
    ended = await scene.order(quantity_kg=1)
    buyer = scene.buyer | {"Accept-Language": language}
    path = f"/v1/orders/{match.order_id}"
    less = {"quantity_kg": 99}
    await scene.client.post(f"/v1/orders/{ended['id']}/cancel", headers=buyer)
    refused = [
        await scene.client.patch(path, json=less, headers=buyer),
        await scene.client.patch(path, json=less, headers=buyer | {"If-Match": "7"}),
        await scene.client.patch(path, json=less, headers=buyer | {"If-Match": "1"}),
        await scene.client.patch(f"/v1/orders/{ended['id']}", json=less, headers=buyer | {"If-Match": "2"}),
        await scene.client.get(f"/v1/orders/{uuid4()}", headers=buyer),
    ]
    await scene.answer(match, "buyer", "decline")
    refused.append(await scene.client.post(f"/v1/matches/{match.id}/agree", headers=buyer))
    hooks = [await scene.client.post("/v1/webhooks", json={"url": "http://a.b"}, headers=buyer) for _ in range(11)]
    refused.append(hooks[-1])
    hook = f"/v1/webhooks/{hooks[0].json()['id']}"
    await scene.client.patch(hook, json={"enabled": False}, headers=buyer | {"If-Match": "1"})
    refused.append(await scene.client.post(f"{hook}/ping", headers=buyer))
    for answer in refused:
        problem = answer.json()
        slug = problem["type"].removeprefix("/problems/")
        assert problem["title"] == spoken.pop(slug)[language == "en"]
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-language"] == language
        assert problem["status"] == answer.status_code
        if slug == "quantity-promised":
            assert "100" in problem["detail"]
    assert spoken == {}
