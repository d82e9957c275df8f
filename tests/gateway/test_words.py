"""The words of the surface: everything in it is told, in both languages, and truly."""

import json
import re
from collections.abc import Iterator
from typing import Any

from chassis.problems import Problem
from chassis.validation import PATTERNS
from gateway.openapi import Document
from gateway.pages import api
from gateway.pages.operations import read_reference
from gateway.pages.texts import TEXTS
from gateway.words.headers import WITH_ETAG, WITH_LOCATION
from gateway.words.operations import FOR_ANY_ROLE, OPERATIONS
from gateway.words.problems import BY_SLUG
from gateway.words.telling import ZH
from services.logistics.programmes.models import SecondOfficerNeeded
from tests.gateway.surface import LANGUAGES, is_chinese, operations


def test_what_is_sent_to_webhooks_stands_in_the_document_type_by_type_in_both_languages(whole: Document) -> None:
    kinds = whole["components"]["schemas"]["NewWebhook"]["properties"]["types"]["items"]["enum"]
    assert sorted(whole["webhooks"]) == sorted([*kinds, "webhook.ping"])
    for kind, item in whole["webhooks"].items():
        operation = item["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        if kind == "webhook.ping":
            assert schema["properties"]["type"] == {"type": "string", "const": "webhook.ping"}
        else:
            assert schema == {"$ref": "#/components/schemas/FeedItem"}, kind
        names = [each["name"] for each in operation["parameters"]]
        assert names == ["webhook-id", "webhook-timestamp", "webhook-signature"]
        assert operation["summary"]
        assert operation["x-zh-CN"]["summary"]
    assert len({item["post"]["operationId"] for item in whole["webhooks"].values()}) == len(kinds) + 1


def test_the_headers_of_answers_are_told_with_their_words(whole: Document) -> None:
    assert whole["servers"][0]["url"] == "/"
    headers = whole["components"]["headers"]
    assert all(is_chinese(told[ZH]["description"]) and told["description"] for told in headers.values())
    known = {operation["operationId"] for *_, operation in operations(whole)}
    assert known >= WITH_ETAG | WITH_LOCATION
    for _, path, operation in operations(whole):
        named = {name for response in operation["responses"].values() for name in response["headers"]}
        assert {"RateLimit", "RateLimit-Policy", "Retry-After", "Content-Language"} <= named <= headers.keys(), path
        assert "Retry-After" in operation["responses"]["429"]["headers"]
        assert "overloaded" in operation["responses"]["503"]["x-problems"]
    posted = whole["paths"]["/v1/orders"]["post"]["responses"]["201"]["headers"]
    assert {"ETag", "Location", "Idempotent-Replayed"} <= posted.keys()


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


def test_every_tag_is_named_and_belongs_to_one_kind_of_user(whole: Document) -> None:
    used = {tag for _, _, operation in operations(whole) for tag in operation["tags"]}
    assert [tag["name"] for tag in whole["tags"]] == [tag for group in whole["x-tagGroups"] for tag in group["tags"]]
    assert used == {tag["name"] for tag in whole["tags"]}
    assert all(is_chinese(tag[ZH]["description"]) for tag in whole["tags"])


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


def test_an_officer_is_called_by_one_word_on_pages_in_problems_and_in_the_reference(whole: Document) -> None:
    assert api.router.routes, "the areas of the pages have brought their texts in"
    problems = [text for kind in Problem.known().values() for text in (kind.title, kind.detail)]
    said = [text.zh for text in (*TEXTS.values(), *problems, *BY_SLUG.values())]
    assert SecondOfficerNeeded.title.zh in said
    assert [each for each in (*said, json.dumps(whole, ensure_ascii=False)) if "官员" in each] == []


def test_every_pattern_of_the_surface_has_its_words(whole: Document) -> None:
    asked = list(patterns_of([operation.get("parameters") for *_, operation in operations(whole)]))
    for name in ("NewVehicle", "VehicleChange", "NewProgramme", "NewRules"):
        asked += patterns_of(whole["components"]["schemas"][name])
    assert "^[0-9]{2,6}$" in asked
    assert set(asked) <= PATTERNS.keys()


def patterns_of(told: Any) -> Iterator[str]:
    """Those anywhere in it."""
    for key, value in told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ():
        if key == "pattern" and isinstance(value, str):
            yield value
        else:
            yield from patterns_of(value)
