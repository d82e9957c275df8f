"""Problems that speak to programs, of keys and headers, said to people."""

from collections.abc import Mapping
from typing import Any

from chassis.fields import PRICE_MAX_FEN_PER_KG
from chassis.problems import Language, Text
from gateway.pages.shown import BLANK, FEN_PER_YUAN, clock, day, filled, yuan
from gateway.pages.texts import TEXTS

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


IN_WORDS: Mapping[str, Text] = {
    "objection-period": Text(
        "对方在 {until} 之前可以申诉；收到申诉或期满之后才能决定。",
        "The payee may object until {until}; it is decided after that, or once an objection has come.",
    ),
    "no-objection": Text(
        "已有申诉或决定，或申诉期已过。", "There is an objection or a decision already, or the time to object is over."
    ),
    "clawback-decided": Text("此案现为“{state}”。", "The clawback is “{state}” now."),
    "not-recoverable": Text(
        "此案现为“{state}”，尚余 {left_fen} 元待收回。",
        "The clawback is “{state}”, with {left_fen} CNY left to recover.",
    ),
    "repaid-otherwise": Text(
        "此凭证号已登记过 {amount_fen} 元的退还。",
        "A repayment of {amount_fen} CNY is recorded with this reference already.",
    ),
    "reviewed-already": Text("此疑点现为“{state}”。", "This flag is “{state}” now."),
    "nothing-to-change": Text("项目现为“{standing}”。", "The programme is “{standing}” already."),
    "budget-too-large": Text("最多还可追加 {most_fen} 元。", "At most {most_fen} CNY more can be added."),
    "already-decided": Text("此申请现为“{state}”。", "What was asked for is “{state}” now."),
}
"""By the problem's slug: of the members that it carries amounts are told in yuan, instants by the clocks of China, and
states by their names on the pages."""
STATES: Mapping[str, str] = {
    "clawback-decided": "clawbacks.status",
    "not-recoverable": "clawbacks.status",
    "reviewed-already": "flags",
    "nothing-to-change": "programmes.status",
    "already-decided": "programmes.decision",
}
"""Where the names of its states stand."""

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


def _members(slug: str, problem: Mapping[str, Any], language: Language) -> dict[str, str]:
    """What the problem carries, as people are told it."""
    told = {name: yuan(value) for name, value in problem.items() if name.endswith("_fen")}
    for name in {"state", "standing"} & problem.keys():
        known = TEXTS.get(f"{STATES[slug]}.{problem[name]}")
        told[name] = str(problem[name]) if known is None else known.in_language(language)
    if "until" in problem:
        told["until"] = f"{day(problem['until'])} {clock(problem['until'])[6:]}"
    return told


def _plain(problem: dict[str, Any], language: Language) -> dict[str, Any]:
    slug = str(problem.get("type", "")).rpartition("/")[2]
    if slug in IN_WORDS:
        said = filled(IN_WORDS[slug].in_language(language), _members(slug, problem, language))
        return problem if BLANK.search(said) else {**problem, "detail": said}
    if slug not in SAID:
        return problem
    title = {"title": TITLES[slug].in_language(language)} if slug in TITLES else {}
    return {**problem, **title, "detail": SAID[slug].in_language(language)}
