"""The document of the whole surface, made of the real services: whole, sound, and true about who may call."""

import json
import re
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import TypeAdapter

from chassis import streams
from chassis.problems import Problem
from gateway.accounts.schemas import CodeRequest, NewName
from gateway.limits import OF_OAUTH
from gateway.oauth import OAUTH_ERRORS, OAuthError
from gateway.openapi import Document
from gateway.personal.schemas import Proof
from gateway.routes import is_public, service_for
from gateway.sessions.schemas import RevokeForm, TokenForm
from services.listing.listings.schemas import ListingChange, NewListing
from services.listing.producers.schemas import NewConsent
from services.logistics.carriers.schemas import NewVehicle, VehicleChange
from services.logistics.clawbacks.schemas import NewClawback, NewClawbackDecision, NewObjection, NewRepayment
from services.logistics.flags.schemas import NewReview
from services.logistics.parcels.schemas import NewParcels, NewScans
from services.logistics.programmes.schemas import NewChange, NewDecision, NewProgramme, NewRules, NewTopUp
from services.logistics.routes.schemas import NewPlan
from services.logistics.routes.vroom import VroomProblem
from services.logistics.settlements.schemas import NewCorrection, NewPayment, NewSettlement
from services.logistics.shipments.schemas import NewReport
from services.matching.matches.schemas import Declined
from services.matching.orders.schemas import NewOrder, OrderChange
from services.matching.rounds.schemas import Interval, RoundRequest
from services.matching.webhooks.schemas import NewWebhook, Rewind, WebhookChange
from tests.gateway.surface import operations
from tests.support.services import client_of

PROMISED = """
POST /v1/listings; GET /v1/listings; GET /v1/listings/{}; PATCH /v1/listings/{}; POST /v1/listings/{}/withdraw
POST /v1/listings/{}/photos; GET /v1/board/{}/photos/{}; GET /v1/backlog
GET /v1/listings/{}/explanation
GET /v1/matches/{}/explanation; GET /v1/prices
GET /v1/orders/{}/explanation
GET /v1/board; GET /v1/board/summary; GET /v1/policy/freight
GET /v1/board/{}; GET /v1/board/{}/stream; GET /v1/feed/matches/stream
POST /v1/consents; GET /v1/me; POST /v1/auth/otp; POST /v1/auth/token
GET /.well-known/jwks.json; POST /v1/auth/revoke; PATCH /v1/me; GET /v1/me/sessions; DELETE /v1/me/sessions
DELETE /v1/me/sessions/{}
GET /v1/me/export; POST /v1/me/erase; GET /v1/produce; GET /v1/places
POST /v1/listings/import; POST /v1/orders/import
POST /v1/orders; GET /v1/orders; GET /v1/orders/{}; PATCH /v1/orders/{}; POST /v1/orders/{}/cancel
GET /v1/policy; PUT /v1/rounds/interval; POST /v1/rounds; GET /v1/matches/{}; POST /v1/matches/{}/agree
POST /v1/matches/{}/decline; GET /v1/feed/matches; POST /v1/vehicles; GET /v1/vehicles; GET /v1/shipments
POST /v1/shipments/{}/claim; POST /v1/shipments/{}/release; POST /v1/shipments/{}/events; POST /v1/routes
POST /v1/routes/solve; GET /v1/routes/{}; POST /v1/parcels; POST /v1/parcels/scans; GET /v1/parcels/{}
GET /v1/parcels
POST /v1/programmes; POST /v1/programmes/{}/rules; POST /v1/programmes/{}/topup; POST /v1/programmes/{}/pause
POST /v1/programmes/{}/close; POST /v1/programmes/{}/approvals/{}
GET /v1/programmes/{}/approvals/{}
GET /v1/programmes/approvals; GET /v1/programmes/{}/rules; POST /v1/clients; GET /v1/clients; DELETE /v1/clients/{}
POST /v1/clients/{}/rotate
POST /v1/settlements; GET /v1/settlements/{}; POST /v1/settlements/{}/pay
GET /v1/programmes/{}; GET /v1/programmes/{}/transfers; GET /v1/programmes/{}/verify
POST /v1/webhooks; GET /v1/webhooks; GET /v1/webhooks/{}; PATCH /v1/webhooks/{}; DELETE /v1/webhooks/{}
GET /v1/webhooks/{}/deliveries; POST /v1/webhooks/{}/redeliver; POST /v1/webhooks/{}/rotate
GET /v1/webhooks/{}/deliveries/{}; POST /v1/webhooks/{}/deliveries/{}/redeliver; POST /v1/webhooks/{}/ping
"""
"""What this release has of the public surface."""

ITEMS = {"FeedItem": "match", "ShipmentFeedItem": "shipment"}
CREATED = {
    "/v1/listings": "201",
    "/v1/listings/{listing_id}/photos": "201",
    "/v1/listings/import": "200",
    "/v1/orders": "201",
    "/v1/orders/import": "200",
    "/v1/consents": "201",
    "/v1/vehicles": "201",
    "/v1/programmes": "201",
    "/v1/routes": "202",
    "/v1/routes/solve": "200",
    "/v1/settlements": "201",
    "/v1/settlements/{settlement_id}/corrections": "201",
    "/v1/clawbacks": "201",
    "/v1/programmes/{programme_id}/rules": "202",
    "/v1/programmes/{programme_id}/topup": "202",
    "/v1/programmes/{programme_id}/pause": "202",
    "/v1/programmes/{programme_id}/resume": "202",
    "/v1/programmes/{programme_id}/close": "202",
    "/v1/webhooks": "201",
    "/v1/clients": "201",
    "/v1/clients/{client_id}/rotate": "200",
    "/v1/webhooks/{webhook_id}/redeliver": "200",
    "/v1/webhooks/{webhook_id}/rotate": "200",
    "/v1/webhooks/{webhook_id}/deliveries/{seq}/redeliver": "200",
    "/v1/webhooks/{webhook_id}/ping": "202",
    "/v1/auth/otp": "202",
    "/v1/parcels": "200",
    "/v1/parcels/scans": "200",
    "/v1/auth/token": "200",
    "/v1/auth/revoke": "200",
    "/v1/me/erase": "200",
}


def bare(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_everything_that_is_promised_is_there(whole: Document) -> None:
    told = {f"{method.upper()} {bare(path)}" for method, path, _ in operations(whole)}
    assert set(re.split(r";\s*|\n", PROMISED.strip())) - told == set()


def test_no_operation_of_a_service_is_lost_behind_the_gateway(apps: dict[str, FastAPI], whole: Document) -> None:
    for name, app in apps.items():
        for method, path, operation in operations(app.openapi()):
            assert method in whole["paths"].get(path, {}), f"{method} {path} of {name} has no way through"
            assert name == "gateway" or service_for(path) == name
            assert operation["summary"]


def test_it_says_that_it_is_openapi_3_1_and_has_what_that_requires(whole: Document) -> None:
    assert whole["openapi"].startswith("3.1.")
    assert whole["info"].keys() >= {"title", "version"}
    for method, path, operation in operations(whole):
        assert operation["responses"], f"{method} {path}"
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d|default", status)
            assert response["description"]
    assert json.loads(json.dumps(whole)) == whole, "it is JSON, with text for names"


def test_every_reference_leads_somewhere_and_no_component_is_left_over_by_the_framework(whole: Document) -> None:
    text = json.dumps(whole)
    for reference in set(re.findall(r'"\$ref": "([^"]+)"', text)):
        found: Any = whole
        for step in reference.removeprefix("#/").split("/"):
            assert step in found, reference
            found = found[step]
    assert "HTTPValidationError" not in text


def test_component_names_are_those_that_openapi_allows(whole: Document) -> None:
    for components in whole["components"].values():
        for name in components:
            assert re.fullmatch(r"[a-zA-Z0-9._-]+", name), name


def test_no_two_operations_share_an_id(whole: Document) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(whole)]
    assert len(ids) == len(set(ids))


def test_every_parameter_of_a_path_is_described_and_required(whole: Document) -> None:
    for method, path, operation in operations(whole):
        told = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert told == set(re.findall(r"\{([^}:]*)", path)), f"{method} {path}"
        assert all(each["required"] for each in operation.get("parameters", ()) if each["in"] == "path")


def test_every_operation_may_answer_with_a_problem_and_says_what_it_takes_to_call(whole: Document) -> None:
    for method, path, operation in operations(whole):
        content = operation["responses"]["default"]["content"]
        name = "OAuthProblem" if path in OF_OAUTH else "Problem"
        assert content["application/problem+json"]["schema"] == {"$ref": f"#/components/schemas/{name}"}
        unsigned = operation["responses"].get("401", {}).get("x-problems", [])
        assert ("unauthenticated" in unsigned) == (operation.get("security") != []), f"{method} {path}"
        assert (operation.get("security") == []) == is_public(path)
        for refused in ("400", "422"):
            response = operation["responses"].get(refused)
            assert response is None or "application/problem+json" in response["content"], f"{method} {path}"


def test_each_post_answers_with_the_status_of_the_surface(whole: Document) -> None:
    for path, status in CREATED.items():
        good = {each for each in whole["paths"][path]["post"]["responses"] if each.startswith("2")}
        assert good == {status}, path


def test_what_never_ends_is_known_by_its_address_and_tells_what_its_events_carry(whole: Document) -> None:
    found = {}
    for method, path, operation in operations(whole):
        content = operation["responses"].get("200", {}).get("content", {})
        assert ("text/event-stream" in content) == path.endswith(streams.SUFFIX), f"{method} {path}"
        if "text/event-stream" in content:
            event = content["text/event-stream"]["schema"]["items"]
            found[path] = event["properties"]["data"]["contentSchema"]["$ref"].rsplit("/", 1)[1]
            assert "streams-full" in operation["responses"]["503"]["x-problems"]
            assert "too-many-streams" in operation["responses"]["429"]["x-problems"]
    assert found == {
        "/v1/board/{listing_id}/stream": "LotCount",
        "/v1/feed/matches/stream": "FeedItem",
        "/v1/feed/shipments/stream": "ShipmentFeedItem",
        "/v1/feed/shipments/open/stream": "ShipmentFeedItem",
    }


def test_an_item_of_a_feed_tells_of_what_it_is_in_full(whole: Document) -> None:
    schemas = whole["components"]["schemas"]
    found = {name: schemas[name]["properties"][member] for name, member in ITEMS.items()}
    assert {name: told["$ref"].rsplit("/", 1)[1] for name, told in found.items()} == {
        "FeedItem": "MatchOut",
        "ShipmentFeedItem": "ShipmentOut",
    }
    one = whole["paths"]["/v1/matches/{match_id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert one == {"$ref": "#/components/schemas/MatchOut"}, "as it is read by itself"


def test_every_produce_that_is_told_of_has_a_name_in_both_languages(whole: Document) -> None:
    schemas: dict[str, Document] = whole["components"]["schemas"]
    named = {name: told["properties"] for name, told in schemas.items() if "name_zh" in told.get("properties", {})}
    assert {"BoardItem", "ProduceFigures", "BacklogItem", "BacklogLot"} <= named.keys()
    for name, fields in named.items():
        assert (fields["name_zh"].get("type"), fields["name_en"].get("type")) == ("string", "string"), name


def test_an_error_of_signing_in_has_a_name_of_oauth(whole: Document) -> None:
    schema = whole["components"]["schemas"]["OAuthProblem"]
    of_oauth = {known.error for known in Problem.known().values() if issubclass(known, OAuthError)}
    assert of_oauth <= set(schema["properties"]["error"]["enum"]) == set(OAUTH_ERRORS)
    assert "error" not in whole["components"]["schemas"]["Problem"]["properties"]


def test_each_patch_says_that_it_takes_a_version(whole: Document) -> None:
    for method, path, operation in operations(whole):
        headers = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
        assert ("If-Match" in headers) == (method == "patch"), path


def test_lists_take_a_limit_of_50_up_to_500(whole: Document) -> None:
    for path in (
        "/v1/listings",
        "/v1/orders",
        "/v1/board",
        "/v1/consents",
        "/v1/vehicles",
        "/v1/me/sessions",
        "/v1/produce",
        "/v1/places",
    ):
        parameters = {each["name"]: each["schema"] for each in whole["paths"][path]["get"].get("parameters", ())}
        limit = parameters["limit"]
        assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 500, 50), path
        assert "after" in parameters, path


def test_an_id_is_a_readable_name_that_no_path_changes(whole: Document) -> None:
    for _, _, operation in operations(whole):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
        assert "v1" not in operation["operationId"]


ONCE_BY_ITSELF = ("/v1/me/erase",)  # its repeat is nobody's
MOVES_NOTHING = ("/v1/auth/", *ONCE_BY_ITSELF, "/v1/routes/solve", "/v1/settlements/reconcile")
BODIES: dict[str, Any] = {
    "send_code": CodeRequest,
    "issue_token": TokenForm,
    "revoke_token": RevokeForm,
    "change_me": NewName,
    "erase_me": Proof,
    "give_consent": NewConsent,
    "publish_listing": NewListing,
    "import_listings": str,
    "change_listing": ListingChange,
    "show_listing": dict[str, str],
    "place_order": NewOrder,
    "import_orders": str,
    "change_order": OrderChange,
    "decline_match": Declined,
    "clear_markets": RoundRequest,
    "set_interval": Interval,
    "register_webhook": NewWebhook,
    "change_webhook": WebhookChange,
    "redeliver_events": Rewind,
    "register_vehicle": NewVehicle,
    "change_vehicle": VehicleChange,
    "show_shipment": dict[str, str],
    "report_on_shipment": NewReport,
    "ask_for_routes": NewPlan,
    "solve_vroom": VroomProblem,
    "register_parcels": NewParcels,
    "scan_parcels": NewScans,
    "open_programme": NewProgramme,
    "change_rules": NewRules,
    "top_up": NewTopUp,
    "pause_programme": NewChange,
    "resume_programme": NewChange,
    "close_programme": NewChange,
    "decide_on_change": NewDecision,
    "freeze_settlement": NewSettlement,
    "pay_settlement": NewPayment,
    "ask_for_correction": NewCorrection,
    "decide_on_correction": NewDecision,
    "review_flag": NewReview,
    "open_clawback": NewClawback,
    "object_to_clawback": NewObjection,
    "decide_on_clawback": NewClawbackDecision,
    "record_repayment": NewRepayment,
    "reconcile_settlements": str,
}


def test_every_body_has_an_example_that_would_be_taken(whole: Document) -> None:
    found = {each["operationId"]: each["requestBody"] for _, _, each in operations(whole) if "requestBody" in each}
    assert found.keys() == BODIES.keys()
    for name, body in found.items():
        for content in body["content"].values():
            TypeAdapter(BODIES[name]).validate_python(json.loads(json.dumps(content["example"])))


def test_every_post_that_does_something_takes_an_idempotency_key(whole: Document) -> None:
    for method, path, operation in operations(whole):
        if method == "post":
            headers = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
            assert ("Idempotency-Key" in headers) == (not path.startswith(MOVES_NOTHING)), path
        if method == "get":
            assert "Idempotency-Key" not in {each["name"] for each in operation.get("parameters", ())}


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "01900000-0000-7000-8000-000000000000", path)


async def test_what_the_document_calls_public_is_and_nothing_else(apps: dict[str, FastAPI]) -> None:
    for app in apps.values():
        async with client_of(app) as client:
            for method, path, operation in operations(app.openapi()):
                answer = await _without_token(client, method, path, operation)
                assert (answer.status_code == 401) == (not is_public(path)), f"{method} {path}: {answer.text}"


async def _without_token(client: httpx.AsyncClient, method: str, path: str, operation: Document) -> httpx.Response:
    taken = operation.get("requestBody", {"content": {}})["content"]
    if "text/csv" in taken:
        return await client.request(method, filled(path), content=b"x", headers={"Content-Type": "text/csv"})
    if "multipart/form-data" in taken:
        return await client.request(method, filled(path), files={"photo": b"x"})
    return await client.request(method, filled(path), json={} if taken else None)
