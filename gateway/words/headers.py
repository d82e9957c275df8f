"""The headers of answers, as the document tells of them."""

from typing import Any

from chassis.problems import Text

HEADERS: dict[str, tuple[dict[str, Any], Text]] = {
    "ETag": (
        {"type": "string", "examples": ['"3"']},
        Text("版本，放入 `If-Match` 或 `If-None-Match`", "The version, for `If-Match` or `If-None-Match`"),
    ),
    "Location": ({"type": "string"}, Text("所创建或所申请之物的地址", "The address of what was made, or asked for")),
    "Idempotent-Replayed": (
        {"type": "string", "enum": ["true"]},
        Text("此键的第一次应答，重复给出", "It is the first answer to this key, given again"),
    ),
    "RateLimit": (
        {"type": "string", "examples": ['"writes";r=999;t=1']},
        Text(
            "还剩多少，几秒后再有；带令牌的读取不限",
            "What is left, and in how many seconds more; reads with a token are free",
        ),
    ),
    "RateLimit-Policy": (
        {"type": "string", "examples": ['"writes";q=1000;w=10']},
        Text("哪一条限额", "Of which limit"),
    ),
    "Retry-After": ({"type": "string", "pattern": "^[0-9]+$"}, Text("几秒后再试", "In how many seconds to try again")),
    "Content-Language": (
        {"type": "string", "enum": ["zh-CN", "en"]},
        Text("文字的语言", "The language of its texts"),
    ),
}

WITH_ETAG = frozenset(
    [
        "read_me",
        "change_me",
        "publish_listing",
        "read_listing",
        "change_listing",
        "withdraw_listing",
        "place_order",
        "read_order",
        "change_order",
        "cancel_order",
        "read_match",
        "agree_to_match",
        "decline_match",
        "register_webhook",
        "read_webhook",
        "change_webhook",
        "rotate_secret",
        "register_vehicle",
        "read_vehicle",
        "change_vehicle",
        "read_shipment",
        "claim_shipment",
        "release_shipment",
        "report_on_shipment",
    ]
)
WITH_LOCATION = frozenset(
    [
        "publish_listing",
        "show_listing",
        "place_order",
        "register_webhook",
        "ping_webhook",
        "register_vehicle",
        "show_shipment",
        "ask_for_routes",
        "open_programme",
        "change_rules",
        "top_up",
        "pause_programme",
        "resume_programme",
        "close_programme",
        "freeze_settlement",
        "open_clawback",
    ]
)


def headers_of(operation: dict[str, Any], status: str) -> dict[str, Any]:
    """References to those that an answer of this status may have."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS if _has(name, operation, status)}


def _has(name: str, operation: dict[str, Any], status: str) -> bool:
    told, is_good = operation.get("operationId", ""), status[0] in "23"
    takes = {each.get("name") for each in operation.get("parameters", ())}
    return {
        "ETag": is_good and told in WITH_ETAG,
        "Location": is_good and told in WITH_LOCATION,
        "Idempotent-Replayed": is_good and "Idempotency-Key" in takes,
        "RateLimit": True,
        "RateLimit-Policy": True,
        "Retry-After": status in {"409", "429", "503"},
        "Content-Language": not is_good,
    }[name]
