"""Problems that speak to programs, of keys and headers, said to people."""

from collections.abc import Mapping
from typing import Any

from chassis.fields import PRICE_MAX_FEN_PER_KG
from chassis.problems import Language, Text
from gateway.pages.shown import FEN_PER_YUAN

IN_A_WHILE = Text(
    "系统正忙，暂时没有应答。请稍后再试。", "Duijie is busy and does not answer just now. Try again shortly."
)
SLOWER = Text(
    "操作太频繁了，请过一会儿再试。没有任何内容被更改。",
    "That was too often; try again in a while. Nothing was changed.",
)
SENT_BEFORE = Text(
    "这张表单已经提交过，内容却不同。请重新打开页面再填。没有任何内容被更改。",
    "This form was sent before with other content. Open the page again and fill it in anew. Nothing was changed.",
)
UNDER_WAY = Text("已经在处理了，请稍后看结果。", "It is already being done; look again shortly.")
SAID: Mapping[str, Text] = {
    "unavailable": IN_A_WHILE,
    "service-unavailable": IN_A_WHILE,
    "overloaded": IN_A_WHILE,
    "rate-limited": SLOWER,
    "idempotency-key-reused": SENT_BEFORE,
    "still-running": UNDER_WAY,
}
"""By the problem's slug."""
TITLES: Mapping[str, Text] = {"idempotency-key-reused": Text("已经提交过", "Sent before")}


PRICE = Text(
    "请填价格，单位元/公斤：不超过 {most} 元，至多两位小数。",
    "Give a price in CNY/kg: at most {most}, with at most two decimals.",
)
OF_A_PRICE = "price_fen_per_kg"
AMOUNT = Text(
    "请填金额，单位元，至多两位小数；不能过小或过大。",
    "Give an amount in CNY with at most two decimals, neither too small nor too large.",
)
OF_AN_AMOUNT = ("_fen", "_fen_per_km")


def for_people(problem: Any, language: Language) -> Any:
    """The problem as people are told it, for whom prices are in yuan; itself where nothing in it speaks to programs."""
    if not isinstance(problem, dict):
        return problem
    return _plain(_in_yuan(problem, language), language)


def _in_yuan(problem: dict[str, Any], language: Language) -> dict[str, Any]:
    errors = problem.get("errors") or ()
    if not any(each["pointer"].endswith((OF_A_PRICE, *OF_AN_AMOUNT)) for each in errors):
        return problem
    return {**problem, "errors": [_of_money(each, language) for each in errors]}


def _of_money(error: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    if error["pointer"].endswith(OF_A_PRICE):
        said = PRICE.in_language(language, {"most": f"{PRICE_MAX_FEN_PER_KG // FEN_PER_YUAN:,}"})
        return {**error, "detail": said}
    if error["pointer"].endswith(OF_AN_AMOUNT):
        return {**error, "detail": AMOUNT.in_language(language)}
    return error


def _plain(problem: dict[str, Any], language: Language) -> dict[str, Any]:
    slug = str(problem.get("type", "")).rpartition("/")[2]
    if slug not in SAID:
        return problem
    title = {"title": TITLES[slug].in_language(language)} if slug in TITLES else {}
    return {**problem, **title, "detail": SAID[slug].in_language(language)}
