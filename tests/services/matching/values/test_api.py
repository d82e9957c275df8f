"""The parts of a match's value, as its parties and its overseers ask."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from contracts.listings import Place
from services.matching.matches.models import Match
from services.matching.values.schemas import KEPT, NOT_KEPT, SENTENCES, WITHHELD
from tests.services.matching.scene import Scene, soon

ALL = ["ceiling", "freight", "floor", "surplus", "rescue", "priority_watch_52", "priority_poverty_832", "spread"]


async def told(scene: Scene, match: Match, who: str = "buyer", **headers: str) -> dict[str, Any]:
    callers = {
        "buyer": scene.issuer.caller("platform", match.buyer_id),
        "producer": scene.issuer.caller("producer", match.producer_id),
    }
    caller = callers.get(who) or scene.issuer.caller(who)  # type: ignore[arg-type]
    answer = await scene.client.get(f"/v1/matches/{match.id}/explanation", headers=caller | headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def by_code(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {part["code"]: part for part in body["parts"]}


async def test_a_delivered_match_tells_all_its_parts_and_they_add_up(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=500)
    body = await told(scene, match)
    assert [part["code"] for part in body["parts"]] == ALL
    parts = {code: part["fen"] for code, part in by_code(body).items()}
    assert (parts["ceiling"], parts["floor"], parts["freight"]) == (1_300_000, 800_000, match.freight_fen_per_kg * 500)
    assert parts["surplus"] == parts["ceiling"] - parts["freight"] - parts["floor"]
    priority = parts["priority_watch_52"] + parts["priority_poverty_832"]
    assert body["value"] == parts["surplus"] + parts["rescue"] + priority + parts["spread"]
    assert (body["match_id"], body["round_id"]) == (str(match.id), str(match.round_id))
    assert (body["policy"], body["quantity_kg"], body["certified_gap"]) == (1, 500, 0)
    each = by_code(body)["spread"]
    assert (each["fen_per_kg"], each["fen"]) == (32.5, 16_250), "250 kg at 40 and 250 at 25"


async def test_at_the_farm_gate_the_freight_is_told_and_not_subtracted(scene: Scene) -> None:
    body = await told(scene, await scene.matched(quantity_kg=500, price_basis="farm_gate"))
    parts = by_code(body)
    assert parts["surplus"]["fen_per_kg"] == parts["ceiling"]["fen_per_kg"] - parts["floor"]["fen_per_kg"] == 1000
    assert parts["freight"]["fen_per_kg"] > 0
    assert "nothing is subtracted" in parts["freight"]["text"]


async def test_the_matches_of_a_round_are_together_worth_the_round(scene: Scene) -> None:
    for kg, floor in ((300, 1600), (777, 1500), (1000, 1200)):
        await scene.lot(quantity_g=kg * 1000, min_price_fen_per_kg=floor, spoils_at=soon(hours=60))
    for kg, ceiling in ((123.457, 2600), (500, 2400), (333.333, 2500), (900, 2300)):
        await scene.order(quantity_kg=kg, max_price_fen_per_kg=ceiling)
    cleared = await scene.round()
    assert (cleared.skipped, cleared.matches > 4) == (0, True)
    bodies = [await told(scene, match, "admin") for match in await scene.matches()]
    assert sum(round(body["value"] * 1000) for body in bodies) == cleared.value_mfen
    for body in bodies:
        parts = {code: round(part["fen"] * 1000) for code, part in by_code(body).items()}
        assert round(body["value"] * 1000) == sum(
            parts[code] for code in ("surplus", "rescue", "priority_watch_52", "priority_poverty_832", "spread")
        )


async def test_the_producer_is_told_the_surplus_as_one_part_and_not_the_ceiling(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=500)
    body, of_buyer = await told(scene, match, "producer"), await told(scene, match)
    assert [part["code"] for part in body["parts"]] == ALL[1:]
    assert body["value"] == of_buyer["value"]
    assert body["parts"] == of_buyer["parts"][1:]


async def test_until_both_have_agreed_the_producer_is_not_told_what_the_ceiling_follows_from(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=500, lot_agrees=False)
    body, of_buyer = await told(scene, match, "producer"), await told(scene, match)
    assert [part["code"] for part in body["parts"]] == [code for code in ALL if code not in {"ceiling", "surplus"}]
    assert (body["value"], body["text"]) == (None, WITHHELD.en)
    assert of_buyer["value"] is not None
    await scene.answer(match, "producer", "agree")
    assert (await told(scene, match, "producer"))["value"] == of_buyer["value"]


async def test_an_admin_sees_all_of_it_and_strangers_nothing(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=500)
    assert await told(scene, match, "admin") == await told(scene, match)
    for outsider in ("auditor", "supervisor"):
        headers = scene.issuer.caller(outsider)  # type: ignore[arg-type]
        answer = await scene.client.get(f"/v1/matches/{match.id}/explanation", headers=headers)
        assert answer.status_code == 403, "they may not read matches either"
    for stranger in ("producer", "agent", "platform", "citizen"):
        headers = scene.issuer.caller(stranger, uuid4())  # type: ignore[arg-type]
        answer = await scene.client.get(f"/v1/matches/{match.id}/explanation", headers=headers)
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("adcode", "watch", "poverty"),
    [
        ("520526", "威宁县属 52 个挂牌督战县，每公斤加 100 分。", "威宁县属 832 个贫困县，每公斤加 50 分。"),
        ("321323", "不享受 52 个挂牌督战县加分", "不享受 832 个贫困县加分"),
    ],
)
async def test_it_is_told_which_list_a_bonus_is_of(scene: Scene, adcode: str, watch: str, poverty: str) -> None:
    await scene.lot(origin=Place(adcode=adcode), spoils_at=soon(hours=200))
    await scene.order(quantity_kg=500)
    await scene.round()
    (match,) = await scene.matches()
    parts = by_code(await told(scene, match, **{"Accept-Language": "zh-CN"}))
    assert watch.removeprefix("威宁县") in parts["priority_watch_52"]["text"]
    assert poverty.removeprefix("威宁县") in parts["priority_poverty_832"]["text"]


async def test_a_county_of_unknown_status_is_told_as_unknown(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=500)
    async with scene.db.transaction() as session:
        await session.execute(update(Match).values(poverty_832_fen_per_kg=None))
    part = by_code(await told(scene, match))["priority_poverty_832"]
    assert (part["fen"], part["fen_per_kg"]) == (0, 0)
    assert part["text"].endswith("is unknown, so nothing was added.")


async def test_a_ceiling_that_changes_later_changes_nothing_of_it(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=1500)
    before = await told(scene, match)
    headers = scene.buyer | {"If-Match": "1"}
    changed = await scene.client.patch(
        f"/v1/orders/{match.order_id}", json={"max_price_fen_per_kg": 9000}, headers=headers
    )
    assert changed.status_code == 200
    assert await told(scene, match) == before


@pytest.mark.parametrize("who", ["buyer", "producer", "admin"])
async def test_a_match_from_before_says_so_plainly(scene: Scene, who: str) -> None:
    match = await scene.matched(quantity_kg=500)
    names = ("price_basis", "ceiling_fen_per_kg", "floor_fen_per_kg", "rescue_fen_per_kg", "spread_mfen")
    async with scene.db.transaction() as session:
        await session.execute(update(Match).values(dict.fromkeys(names)))
    body = await told(scene, match, who)
    assert (body["parts"], body["value"], body["text"]) == ([], None, NOT_KEPT.en)
    assert (body["policy"], body["round_id"]) == (1, str(match.round_id))


async def test_a_match_without_a_round_has_its_parts_without_a_proof(scene: Scene) -> None:
    match = await scene.matched(quantity_kg=500)
    async with scene.db.transaction() as session:
        await session.execute(update(Match).values(round_id=UUID(int=1)))
    body = await told(scene, match)
    assert (body["policy"], body["certified_gap"], len(body["parts"])) == (None, None, 8)


def test_every_part_has_its_sentences_in_both_languages() -> None:
    assert {code for code, _ in SENTENCES} == set(ALL)
    shown = {"each": 1.5, "km": 2, "county": "X", "fen": 3}
    for text in [*SENTENCES.values(), KEPT, NOT_KEPT, WITHHELD]:
        assert text.in_language("en", shown) != text.in_language("zh-CN", shown)
        assert "{" not in text.in_language("en", shown) + text.in_language("zh-CN", shown)
