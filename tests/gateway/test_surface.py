"""The document of the whole surface, made of the real services: whole, sound, and true about who may call."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

from chassis import streams
from chassis.auth import LocalKeys
from chassis.db import Database
from chassis.problems import Language, Problem
from chassis.vault import Vault
from gateway.accounts.schemas import CodeRequest, NewName
from gateway.app import create_gateway
from gateway.openapi import Document, merged
from gateway.pages.operations import read_reference
from gateway.personal.schemas import Proof
from gateway.routes import is_public, service_for
from gateway.sessions.schemas import RevokeForm, TokenForm
from gateway.tokens import Signer
from gateway.words.operations import FOR_ANY_ROLE, OPERATIONS
from gateway.words.telling import METHODS, ZH
from services.listing.app import create_listing_app
from services.listing.listings.schemas import ListingChange, NewListing
from services.listing.producers.schemas import NewConsent
from services.logistics.app import create_logistics_app
from services.logistics.carriers.schemas import NewVehicle, VehicleChange
from services.logistics.clawbacks.schemas import NewClawback, NewClawbackDecision, NewObjection, NewRepayment
from services.logistics.flags.schemas import NewReview
from services.logistics.parcels.schemas import NewParcels, NewScans
from services.logistics.programmes.schemas import NewChange, NewDecision, NewProgramme, NewRules, NewTopUp
from services.logistics.routes.schemas import NewPlan
from services.logistics.routes.vroom import VroomProblem
from services.logistics.settlements.schemas import NewCorrection, NewPayment, NewSettlement
from services.logistics.shipments.schemas import NewReport
from services.matching.app import create_matching_app
from services.matching.matches.schemas import Declined
from services.matching.orders.schemas import NewOrder, OrderChange
from services.matching.rounds.schemas import Interval, RoundRequest
from services.matching.webhooks.schemas import NewWebhook, Rewind, WebhookChange
from services.matching.webhooks.service import Desk
from tests.support.services import client_of

PROMISED = """
POST /v1/listings; GET /v1/listings; GET /v1/listings/{}; PATCH /v1/listings/{}; POST /v1/listings/{}/withdraw
POST /v1/listings/{}/photos; GET /v1/board/{}/photos/{}; GET /v1/backlog
GET /v1/listings/{}/explanation
GET /v1/matches/{}/explanation
GET /v1/orders/{}/explanation
GET /v1/board; GET /v1/board/{}; GET /v1/board/{}/stream; GET /v1/feed/matches/stream
POST /v1/consents; GET /v1/me; POST /v1/auth/otp; POST /v1/auth/token
GET /.well-known/jwks.json; POST /v1/auth/revoke; PATCH /v1/me; GET /v1/me/sessions; DELETE /v1/me/sessions
GET /v1/me/export; POST /v1/me/erase; GET /v1/produce; GET /v1/places
POST /v1/listings/import; POST /v1/orders/import
POST /v1/orders; GET /v1/orders; GET /v1/orders/{}; PATCH /v1/orders/{}; POST /v1/orders/{}/cancel
GET /v1/policy; PUT /v1/rounds/interval; POST /v1/rounds; GET /v1/matches/{}; POST /v1/matches/{}/agree
POST /v1/matches/{}/decline; GET /v1/feed/matches; POST /v1/vehicles; GET /v1/vehicles; GET /v1/shipments
POST /v1/shipments/{}/claim; POST /v1/shipments/{}/release; POST /v1/shipments/{}/events; POST /v1/routes
POST /v1/routes/solve; GET /v1/routes/{}; POST /v1/parcels; POST /v1/parcels/scans; GET /v1/parcels/{}
POST /v1/programmes; POST /v1/programmes/{}/rules; POST /v1/programmes/{}/topup; POST /v1/programmes/{}/pause
POST /v1/programmes/{}/close; POST /v1/programmes/{}/approvals/{}
POST /v1/settlements; GET /v1/settlements/{}; POST /v1/settlements/{}/pay
GET /v1/programmes/{}; GET /v1/programmes/{}/transfers; GET /v1/programmes/{}/verify
POST /v1/webhooks; GET /v1/webhooks; GET /v1/webhooks/{}; PATCH /v1/webhooks/{}; DELETE /v1/webhooks/{}
GET /v1/webhooks/{}/deliveries; POST /v1/webhooks/{}/redeliver; POST /v1/webhooks/{}/rotate
"""
"""What this release has of the public surface."""

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
    "/v1/webhooks/{webhook_id}/redeliver": "200",
    "/v1/webhooks/{webhook_id}/rotate": "200",
    "/v1/auth/otp": "202",
    "/v1/parcels": "200",
    "/v1/parcels/scans": "200",
    "/v1/auth/token": "200",
    "/v1/auth/revoke": "200",
    "/v1/me/erase": "200",
}


@pytest.fixture(scope="module")
def apps() -> dict[str, FastAPI]:
    """Every application of the house, before a database that is away: what needs no token says so before it asks."""
    nowhere = Database("postgresql+asyncpg://nobody:x@127.0.0.1:1/none", source="/duijie/test")
    keys = LocalKeys(lambda: {"keys": []})
    signer, vault = cast("Signer", _NoKeys()), cast("Vault", None)
    return {
        "gateway": create_gateway(nowhere, signer, vault, {}),
        "listing": create_listing_app(nowhere, keys),
        "matching": create_matching_app(nowhere, keys, cast("Any", None), Desk(Vault(bytes(32)))),
        "logistics": create_logistics_app(nowhere, keys),
    }


class _NoKeys:
    def jwks(self) -> dict[str, Any]:
        return {"keys": []}


@pytest.fixture(scope="module")
def whole(apps: dict[str, FastAPI]) -> Document:
    documents = {name: app.openapi() for name, app in apps.items()}
    return merged(documents.pop("gateway"), documents)


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


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
        assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
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


def test_the_readable_reference_holds_every_operation(whole: Document) -> None:
    for language in LANGUAGES:
        shown = [(each.method, each.path) for each in read_reference(whole, language).operations()]
        assert sorted(shown) == sorted((method, path) for method, path, _ in operations(whole))


def test_every_operation_has_a_summary_in_both_languages_and_no_words_are_left_over(whole: Document) -> None:
    ids = {operation["operationId"] for _, _, operation in operations(whole)}
    assert ids == OPERATIONS.keys(), "gateway/words/operations.py says what each operation does"
    for method, path, operation in operations(whole):
        assert is_chinese(operation[ZH]["summary"]), f"{method} {path}"
        assert operation["summary"]
        assert not is_chinese(operation["summary"])
        assert ("description" in operation) == ("description" in operation[ZH])


def test_an_id_is_a_readable_name_that_no_path_changes(whole: Document) -> None:
    for _, _, operation in operations(whole):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
        assert "v1" not in operation["operationId"]


def test_every_parameter_and_member_is_described_in_both_languages(whole: Document) -> None:
    for method, path, operation in operations(whole):
        for parameter in operation.get("parameters", ()):
            assert is_chinese(parameter[ZH]["description"]), f"{method} {path}: {parameter['name']}"
    for schema, name, told in members(whole):
        assert told.get("description"), f"{schema}.{name}: gateway/words/fields.py says what it means"
        assert is_chinese(told[ZH]["description"]), f"{schema}.{name}"


def members(document: Document) -> Iterator[tuple[str, str, Document]]:
    for schema, told in document["components"]["schemas"].items():
        for name, member in told.get("properties", {}).items():
            yield schema, name, member


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


def test_every_tag_is_named_and_belongs_to_one_kind_of_user(whole: Document) -> None:
    used = {tag for _, _, operation in operations(whole) for tag in operation["tags"]}
    assert [tag["name"] for tag in whole["tags"]] == [tag for group in whole["x-tagGroups"] for tag in group["tags"]]
    assert used == {tag["name"] for tag in whole["tags"]}
    assert all(is_chinese(tag[ZH]["description"]) for tag in whole["tags"])


def test_every_post_that_does_something_takes_an_idempotency_key(whole: Document) -> None:
    for method, path, operation in operations(whole):
        if method == "post":
            headers = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
            assert ("Idempotency-Key" in headers) == (not path.startswith(MOVES_NOTHING)), path
        if method == "get":
            assert "Idempotency-Key" not in {each["name"] for each in operation.get("parameters", ())}


def test_the_problems_to_expect_are_there_and_are_of_that_status(whole: Document) -> None:
    for method, path, operation in operations(whole):
        for status, response in operation["responses"].items():
            for slug in response.get("x-problems", ()):
                assert Problem.known()[slug].status == int(status), f"{method} {path}"
                assert "application/problem+json" in response["content"]
        answers = operation["responses"]
        named = 404 in OPERATIONS[operation["operationId"]].refusals  # a body or a query may name a thing, too
        assert ("404" in answers) == ("{" in path or named)
        assert ("412" in answers) == ("428" in answers) == (method == "patch")
    own = whole["paths"]["/v1/matches/{match_id}/agree"]["post"]["responses"]["409"]
    assert "match-not-open" in own["x-problems"]


async def test_only_what_any_role_may_do_says_nothing_of_a_403(whole: Document) -> None:
    for _, path, operation in operations(whole):
        if operation.get("security") != []:
            assert ("403" in operation["responses"]) == (operation["operationId"] not in FOR_ANY_ROLE), path


def test_the_reference_in_chinese_holds_no_sentence_in_english(whole: Document) -> None:
    reference = read_reference(whole, "zh-CN")
    for audience in reference.audiences:
        assert is_chinese(audience.name)
        assert all(is_chinese(tag.name) for tag in audience.tags)
    for operation in reference.operations():
        told = [operation.summary, operation.about, *(answer.about for answer in operation.answers)]
        rows = [
            *operation.parameters,
            *operation.body,
            *(row for answer in operation.answers for row in answer.members),
        ]
        for text in (*told, *(row.about for row in rows)):
            assert not text or is_chinese(text), f"{operation.path}: {text}"
            assert not re.search(r"([A-Za-z]+ ){3}", re.sub("`[^`]*`", "", text)), text
    assert is_chinese(reference.about[0])


LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")


def is_chinese(text: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", text))


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
