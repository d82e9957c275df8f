"""Writes: what the server alone decides, keys that repeat, and text that breaks naive code."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from tests.security.house import House
from tests.security.naughty import NAUGHTY
from tests.security.operations import JSON, Operation, resolved
from tests.security.test_bodies import caller, takers
from tests.security.world import World

HAN = re.compile(r"[\u4e00-\u9fff]")
SERVER_ONLY = {
    *("id", "producer_id", "buyer_id", "carrier_id", "account_id", "status", "version", "created_at", "updated_at"),
    *("remaining_kg", "agreed_kg", "held_kg", "amount_fen", "spoils_at", "shelf_life_source", "on_market", "paid"),
    *("paid_fen", "posted_fen", "available_fen", "role", "is_admin", "admin", "consents", "agree_by", "round_id"),
    *("created_by", "decided_by", "approved", "hash", "prev", "seq", "match_id", "subsidy", "rule_version"),
}


def answered(house: House) -> set[str]:
    """Every name that some answer has."""
    schemas = house.document["components"]["schemas"]
    return {name for schema in schemas.values() for name in schema.get("properties", {}) if name.isidentifier()}


def objects(value: Any, place: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in an example, with its pointer."""
    if isinstance(value, dict):
        yield place, value
        for name, each in value.items():
            yield from objects(each, f"{place}/{name}")
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from objects(each, f"{place}/{at}")


async def everything(house: House) -> str:
    """A fingerprint of all rows of all tables of all databases."""
    found = []
    for name, db in house.dbs.items():
        async with db.reading() as session:
            tables = (
                await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"))
            ).all()
            for table in tables:
                whole = text(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t")
                found.append(f"{name}.{table} {await session.scalar(whole)}")
    return "\n".join(found)


async def test_what_the_server_alone_decides_is_refused_in_every_body_and_changes_nothing(
    house: House, world: World, surface: list[Operation]
) -> None:
    before, injected = await everything(house), SERVER_ONLY | answered(house)
    wrong = []
    for operation in takers(surface):
        good = world.bodies.get(operation.id, operation.example)
        for place, _ in objects(good):
            body = copy.deepcopy(good)
            (target,) = (each for where, each in objects(body) if where == place)
            schema = at(house.document, operation.schema, place)
            more = injected - schema.get("properties", {}).keys() - target.keys()
            if schema.get("additionalProperties") not in {False, None}:
                continue  # a mapping with names of the caller's own
            target |= dict.fromkeys(sorted(more), 1)
            answer = await operation.ask(house.client, world.path(operation), caller(world, operation), body)
            pointers = {each["pointer"] for each in answer.json().get("errors", ())}
            if answer.status_code != 422 or pointers != {f"{place}/{name}" for name in more}:
                wrong.append((operation.id, place, answer.status_code, sorted(pointers)[:3]))
    assert not wrong, "\n".join(map(str, wrong))
    assert await everything(house) == before


def at(document: dict[str, Any], schema: dict[str, Any], place: str) -> dict[str, Any]:
    """The schema of what stands at that pointer."""
    schema = resolved(document, schema)
    for step in place.split("/")[1:]:
        under = schema["items"] if schema.get("type") == "array" else schema["properties"][step]
        schema = resolved(document, under)
    return schema


def texts(document: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """The members of a body that are free text."""
    found = []
    for name, each in schema.get("properties", {}).items():
        kind = resolved(document, each)
        if kind.get("type") == "string" and not kind.keys() & {"format", "enum", "const", "pattern"}:
            found.append(name)
    return found


def said(value: Any) -> set[str]:
    """Every text in an answer, under whatever name."""
    if isinstance(value, dict):
        return set().union(*map(said, value.values()))
    if isinstance(value, list):
        return set().union(*map(said, value))
    return {value} if isinstance(value, str) else set()


@pytest.mark.parametrize("kind", NAUGHTY)
async def test_strings_that_break_naive_code_come_back_unchanged_or_are_refused_by_name(
    house: House, world: World, surface: list[Operation], kind: str
) -> None:
    """Whatever a field holds: never our failure, and never something else than was sent."""
    wrong = []
    for operation in takers(surface):
        schema = operation.schema if operation.schema.get("type") == "object" else {}
        names = texts(house.document, schema)
        for naughty in NAUGHTY[kind] if names else ():
            body = dict(world.bodies.get(operation.id, operation.example)) | dict.fromkeys(names, naughty)
            headers = caller(world, operation) | {"Content-Type": JSON}
            raw = json.dumps(body).encode()  # lone surrogates travel as escapes
            answer = await house.client.request(operation.method, world.path(operation), content=raw, headers=headers)
            if answer.status_code >= 500:
                wrong.append((operation.id, naughty, answer.status_code))
            elif answer.status_code == 422:
                pointers = [each["pointer"] for each in answer.json().get("errors", ())]
                if not pointers:
                    wrong.append((operation.id, naughty, answer.text))
            elif answer.is_success:
                told = answer.json()
                shown = [name for name in names if isinstance(told, dict) and isinstance(told.get(name), str)]
                if shown and not said(told) & {naughty, naughty.strip()}:
                    wrong.append((operation.id, naughty, {name: told[name] for name in shown}))
    assert not wrong, "\n".join(map(ascii, wrong))


async def test_the_board_shows_text_as_text(house: House, world: World) -> None:
    script = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}${7*7}"
    lot = {
        "produce": "garlic",
        "variety": script[:60],
        "quantity_kg": 10,
        "min_price_fen_per_kg": 100,
        "origin": {"adcode": "321323", "village": script[:60]},
        "story": script,
    }
    await world.made("producer", "/v1/listings", lot)
    for path in (
        "/board?produce=garlic",
        "/board?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/board?q=%22%3E%3Cimg%20src%3Dx%3E",
    ):
        page = await house.client.get(path)
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "49" not in re.sub(r"<[^>]*>|&#\d+;", "", page.text) or "7*7" in page.text
    assert "&lt;script&gt;" in (await house.client.get("/board?produce=garlic")).text
    board = (await house.client.get("/v1/board?produce=garlic")).json()["items"]
    assert board[0]["story"] == script
    assert "village" not in json.dumps(board)


async def test_every_refusal_speaks_both_languages(house: House, world: World, surface: list[Operation]) -> None:
    for operation in surface:
        bodies = [None] if operation.content_type != JSON else [None, {"unknown": 1}]
        for headers in ({}, caller(world, operation), house.caller("supervisor")):
            for body in bodies:
                chinese, english = [
                    await operation.ask(
                        house.client, operation.filled({}), headers | {"Accept-Language": language}, body
                    )
                    for language in ("zh-CN,zh;q=0.9,en;q=0.1", "en")
                ]
                if chinese.status_code < 400 or english.status_code < 400:
                    continue
                for answer, is_chinese in ((chinese, True), (english, False)):
                    problem = answer.json()
                    assert answer.headers["content-language"] == ("zh-CN" if is_chinese else "en"), operation.id
                    told = [
                        problem["title"],
                        problem["detail"],
                        *(each["detail"] for each in problem.get("errors", ())),
                    ]
                    assert all(bool(HAN.search(each)) is is_chinese for each in told), (operation.id, told)
