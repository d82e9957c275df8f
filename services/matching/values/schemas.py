"""The value of a match on the public surface, with a sentence beside each part."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, PlainSerializer, WithJsonSchema

from catalogue import places
from chassis.fields import KgOut, kg_of
from chassis.problems import Language, Text
from services.matching.matches.models import Match
from services.matching.values.models import Code, Part, Valued

FenOut = Annotated[int, PlainSerializer(kg_of, return_type=int | float), WithJsonSchema({"type": "number"})]
"""Thousandths of a fen inside, fen in the answer."""

SENTENCES: dict[tuple[Code, str], Text] = {
    ("ceiling", "delivered"): Text(
        "买方到货价最高每公斤 {each} 分。", "The buyer pays at most {each} fen per kg, delivered."
    ),
    ("ceiling", "farm_gate"): Text(
        "买方产地价最高每公斤 {each} 分。", "The buyer pays at most {each} fen per kg at the farm gate."
    ),
    ("freight", "delivered"): Text(
        "运输 {km} 公里，每公斤 {each} 分，从最高价中扣除。",
        "Freight over {km} km is {each} fen per kg; the ceiling includes it.",
    ),
    ("freight", "farm_gate"): Text(
        "运输 {km} 公里，每公斤 {each} 分，由买方另付，不从最高价中扣除。",
        "Freight over {km} km is {each} fen per kg; the buyer bears it beside the price, so nothing is subtracted.",
    ),
    ("floor", ""): Text("供应方底价每公斤 {each} 分。", "The producer takes no less than {each} fen per kg."),
    ("surplus", "delivered"): Text(
        "最高价减去运费和底价，每公斤余 {each} 分。",
        "{each} fen per kg are left of the buyer's ceiling after freight and floor.",
    ),
    ("surplus", "farm_gate"): Text(
        "最高价减去底价，每公斤余 {each} 分。", "{each} fen per kg are left of the buyer's ceiling after the floor."
    ),
    ("rescue", "some"): Text(
        "这批货保鲜期将尽，每公斤加 {each} 分。", "The lot's life was running out: {each} fen per kg more."
    ),
    ("rescue", "none"): Text("保鲜期方面未加分。", "Nothing was added for its life running out."),
    ("priority_watch_52", "some"): Text(
        "{county}属 52 个挂牌督战县，每公斤加 {each} 分。",
        "{county} is one of the 52 counties under special supervision: {each} fen per kg more.",
    ),
    ("priority_watch_52", "none"): Text(
        "{county}不享受 52 个挂牌督战县加分。",
        "{county} earns no bonus of the 52 counties under special supervision.",
    ),
    ("priority_watch_52", "unknown"): Text(
        "{county}是否属 52 个挂牌督战县尚不清楚，因此未加分。",
        "Whether {county} is one of the 52 counties under special supervision is unknown, so nothing was added.",
    ),
    ("priority_poverty_832", "some"): Text(
        "{county}属 832 个贫困县，每公斤加 {each} 分。",
        "{county} is one of the 832 poverty counties: {each} fen per kg more.",
    ),
    ("priority_poverty_832", "none"): Text(
        "{county}不享受 832 个贫困县加分。", "{county} earns no bonus of the 832 poverty counties."
    ),
    ("priority_poverty_832", "unknown"): Text(
        "{county}是否属 832 个贫困县尚不清楚，因此未加分。",
        "Whether {county} is one of the 832 poverty counties is unknown, so nothing was added.",
    ),
    ("spread", "some"): Text(
        "为使邻近农户同样卖得出，每批货先售出的部分加分；本轮所得按重量分摊，此匹配每公斤约 {each} 分。",
        "What a lot sells first counts more, so that neighbours sell alike; by weight, {each} fen per kg fall to this.",
    ),
    ("spread", "none"): Text("均衡方面未加分。", "Nothing was added for neighbours selling alike."),
}
KEPT = Text(
    "此匹配在其撮合轮中的价值为 {fen} 分，即下列盈余与各项加分之和。",
    "This match added {fen} fen to the value of its round: the sum of the surplus and the bonuses below.",
)
NOT_KEPT = Text(
    "此匹配成立时尚未记录价值构成。",
    "This match was made before the parts of its value were kept; nobody can tell them now.",
)
WITHHELD = Text(
    "双方同意后才显示此匹配的价值。",
    "What this match is worth is told once both sides have agreed.",
)


class PartOut(BaseModel):
    """One part of the value. `fen` is exact to a thousandth, over the whole match; `fen_per_kg` is rounded to one."""

    code: Code
    fen_per_kg: float
    fen: FenOut
    text: str

    @classmethod
    def of(cls, part: Part, match: Match, language: Language) -> Self:
        each = _number(part.mfen / match.quantity_g)
        place = places.get(match.origin_adcode)
        told = {
            "each": each,
            "km": _number(match.distance_m / 1000),
            "county": place.name if place else match.origin_adcode,
        }
        text = SENTENCES[part.code, _variant(part, match)].in_language(language, told)
        return cls(code=part.code, fen_per_kg=each, fen=part.mfen, text=text)


class ValueOut(BaseModel):
    """What a match added to the value of its round, under that round's policy and proof; `value` in fen, exact to a
    thousandth, and null with no parts where they were not kept.

    surplus = ceiling − freight − floor (`farm_gate`: ceiling − floor), value = surplus + rescue + both priorities +
    spread. The producer is not told the ceiling, which is the buyer's own.
    """

    match_id: UUID
    round_id: UUID
    policy: int | None
    quantity_kg: KgOut
    value: FenOut | None
    parts: list[PartOut]
    certified_gap: float | None
    text: str

    @classmethod
    def of(cls, valued: Valued, language: Language) -> Self:
        match, value_mfen = valued.match, valued.value_mfen
        sentence = KEPT if value_mfen is not None else WITHHELD if valued.parts else NOT_KEPT
        return cls(
            match_id=match.id,
            round_id=match.round_id,
            policy=valued.policy,
            quantity_kg=match.quantity_g,
            value=value_mfen,
            parts=[PartOut.of(each, match, language) for each in valued.parts],
            certified_gap=valued.certified_gap,
            text=sentence.in_language(language, {"fen": kg_of(value_mfen or 0)}),
        )


def _variant(part: Part, match: Match) -> str:
    if part.code in {"ceiling", "freight", "surplus"}:
        return match.price_basis or ""
    if part.code == "floor":
        return ""
    if not part.known:
        return "unknown"
    return "some" if part.mfen else "none"


def _number(value: float) -> int | float:
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded
