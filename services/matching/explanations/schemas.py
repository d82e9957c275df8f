"""Explanations on the public surface, with a sentence beside each code."""

from typing import Self
from uuid import UUID

from pydantic import BaseModel

from chassis.fields import KgOut, kg_of
from chassis.problems import Language, Text
from services.matching.explanations.models import Explained, State
from services.matching.optimiser.explain import Change, Code, Fix, Reason
from services.matching.optimiser.sides import Side

OF_LISTINGS: dict[Code, Text] = {
    "price_gap": Text(
        "{kg} 公斤：{count} 个求购的最高价低于您的底价。",
        "{kg} kg: your floor price is above what {others} would pay.",
    ),
    "too_far": Text(
        "{kg} 公斤：离 {count} 个求购太远，运费超出差价，或无法按时送达。",
        "{kg} kg: too far for {others}; freight would cost more than is left for it, or it would come too late.",
    ),
    "spoils_before_arrival": Text(
        "{kg} 公斤：{count} 个求购要求送达时更新鲜。",
        "{kg} kg: it would not be fresh enough on arrival for {others}.",
    ),
    "grade": Text("{kg} 公斤：{count} 个求购要求更高等级。", "{kg} kg: the grade is too low for {others}."),
    "window": Text(
        "{kg} 公斤：{count} 个求购要求的时间与供货时间不符。",
        "{kg} kg: it is there at another time than suits {others}.",
    ),
    "outbid": Text("{kg} 公斤：{count} 个求购由其他供应满足。", "{kg} kg: {others} took it from other lots."),
    "no_demand": Text("{kg} 公斤：目前没有求购。", "{kg} kg: nobody is asking for it now."),
    "min_fill": Text(
        "{kg} 公斤：{count} 个求购的整批或最低数量要求无法满足。",
        "{kg} kg: a whole lot, or the least quantity of {others}, can't be met.",
    ),
    "declined": Text(
        "{kg} 公斤：与 {count} 个求购此前已被拒绝或过期；改变价格、数量或时间后可再次撮合。",
        "{kg} kg: declined or lapsed with {others}; a change of price, quantity or time offers it again.",
    ),
}
"""Of so much of the lot, which the orders may exceed by far."""
OF_ORDERS: dict[Code, Text] = {
    "price_gap": Text(
        "{kg} 公斤：您的最高价低于 {count} 个供应的底价。",
        "{kg} kg: you pay less than the floor price of {others}.",
    ),
    "too_far": Text(
        "{kg} 公斤：{count} 个供应太远，运费超出差价，或无法按时送达。",
        "{kg} kg: too far from {others}; freight would cost more than is left for it, or it would come too late.",
    ),
    "spoils_before_arrival": Text(
        "{kg} 公斤：{count} 个供应送达时达不到您要求的新鲜度。",
        "{kg} kg: {others} would be less fresh on arrival than you want.",
    ),
    "grade": Text(
        "{kg} 公斤：{count} 个供应的等级低于您的要求。",
        "{kg} kg: the grade of {others} is lower than you want.",
    ),
    "window": Text(
        "{kg} 公斤：{count} 个供应的供货时间与您要求的时间不符。",
        "{kg} kg: the dates of {others} don't suit yours.",
    ),
    "outbid": Text("{kg} 公斤：{count} 个供应由其他求购买走。", "{kg} kg: {others} went to other orders."),
    "no_supply": Text("{kg} 公斤：目前没有可供的货源。", "{kg} kg: nobody offers it now."),
    "min_fill": Text(
        "{kg} 公斤：您的最低数量，或 {count} 个供应的整批要求无法满足。",
        "{kg} kg: your least quantity, or {others} sold only as a whole, can't be met.",
    ),
    "declined": Text(
        "{kg} 公斤：与 {count} 个供应此前已被拒绝或过期；改变价格、数量或时间后可再次撮合。",
        "{kg} kg: declined or lapsed with {others}; a change of price, quantity or time offers it again.",
    ),
}
"""Of so much of what the order wants, which the lots may exceed by far."""
SENTENCES: dict[Side, dict[Code, Text]] = {"listing": OF_LISTINGS, "order": OF_ORDERS}
OTHER_SIDE: dict[Side, str] = {"listing": "order", "order": "lot"}
"""What English calls one of the other side."""


class ReasonOut(BaseModel):
    """Why so much of it is not matched, with how many of the other side; `text` says it in the language asked for."""

    code: Code
    quantity_kg: KgOut
    count: int
    text: str

    @classmethod
    def of(cls, reason: Reason, side: Side, language: Language) -> Self:
        told = {
            "count": reason.count,
            "others": _counted(reason.count, OTHER_SIDE[side]),
            "kg": kg_of(reason.quantity_g),
        }
        text = SENTENCES[side][reason.code].in_language(language, told)
        return cls(code=reason.code, quantity_kg=reason.quantity_g, count=reason.count, text=text)


def _counted(count: int, one: str) -> str:
    return f"{count} {one}" if count == 1 else f"{count:,} {one}s"


class FixOut(BaseModel):
    """The least change of the listing or order that would match more of it now: a second plan has confirmed it."""

    change: Change
    to: int
    would_match_kg: KgOut

    @classmethod
    def of(cls, fix: Fix) -> Self:
        return cls(change=fix.change, to=fix.to, would_match_kg=fix.would_match_g)


class ExplanationOut(BaseModel):
    """Why a listing is not sold or an order not met, with the last round it was in. Reasons and fix are of the market
    as it stands now."""

    state: State
    reasons: list[ReasonOut]
    cheapest_fix: FixOut | None
    round_id: UUID | None
    certified_gap: float | None

    @classmethod
    def of(cls, explained: Explained, side: Side, language: Language) -> Self:
        standing = explained.standing
        return cls(
            state=standing.state,
            reasons=[ReasonOut.of(each, side, language) for each in explained.reasons],
            cheapest_fix=None if explained.fix is None else FixOut.of(explained.fix),
            round_id=standing.round_id,
            certified_gap=standing.certified_gap,
        )
