"""What this platform sends to webhooks, for the document: one operation an event type, with the item of its feed."""

from typing import Any, Final

from chassis.problems import Text

ITEM: Final = "FeedItem"
SUMMARIES: Final = {
    "match.proposed": Text("一个匹配已提出，等待同意", "A match was proposed, and waits for a yes"),
    "match.agreed": Text("一个匹配已达成", "A match was agreed"),
    "match.adjusted": Text("提货少于约定，匹配数量已调整", "Less was fetched than agreed"),
    "match.released": Text("一个匹配已释放", "A match was released"),
    "match.fulfilled": Text("一个匹配已完成", "A match was fulfilled"),
    "webhook.ping": Text("测试推送，不属于推送流", "A ping, which is of no feed"),
}
PING: Final = "webhook.ping"
PING_SCHEMA: Final = {
    "type": "object",
    "required": ["seq", "type", "at", "webhook"],
    "properties": {
        "seq": {"type": "integer", "const": 0},
        "type": {"type": "string", "const": PING},
        "at": {"type": "string", "format": "date-time"},
        "webhook": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string", "format": "uuid"}},
        },
    },
}
ABOUT: Final = Text(
    "按 Standard Webhooks 1.0 签名，发往 `POST /v1/webhooks` 登记的地址；正文即推送流的条目。"
    "同一事件可能再次送达，`webhook-id` 不变。",
    "Signed by Standard Webhooks 1.0, and sent to the addresses of `POST /v1/webhooks`; the body is the feed's item. "
    "The same event may come again, under the same `webhook-id`.",
)
HEADERS: Final = {
    "webhook-id": Text("事件的编号，重发时不变", "Which event; the same for every try"),
    "webhook-timestamp": Text("发送时刻，自 1970 年起的秒数", "When it was sent, in seconds since 1970"),
    "webhook-signature": Text("签名，可能有几个，以空格分开", "The signatures, with blanks between"),
}
ANSWERS: Final = {
    "2XX": Text("已收到", "It was taken"),
    "410": Text("此地址不再使用，不会再发", "The address is gone: nothing is sent there any more"),
    "default": Text("稍后重发", "It is sent again later"),
}


def webhooks_of(schemas: dict[str, Any]) -> dict[str, Any]:
    """The section `webhooks`; nothing while the service that sends them is away."""
    if ITEM not in schemas:
        return {}
    item = {"$ref": f"#/components/schemas/{ITEM}"}
    kinds = dict.fromkeys(schemas[ITEM]["properties"]["type"]["enum"], item) | {PING: PING_SCHEMA}
    return {kind: {"post": _sent(kind, schema)} for kind, schema in kinds.items()}


def _sent(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    headers = [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, **_said("description", text)}
        for name, text in HEADERS.items()
    ]
    return {
        "operationId": f"send_{kind.replace('.', '_')}",
        "tags": ["webhooks"],
        **_said("summary", SUMMARIES[kind]),
        "description": ABOUT.en,
        "x-zh-CN": {"summary": SUMMARIES[kind].zh, "description": ABOUT.zh},
        "parameters": headers,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {status: _said("description", text) for status, text in ANSWERS.items()},
        "security": [],
    }


def _said(key: str, text: Text) -> dict[str, Any]:
    return {key: text.en, "x-zh-CN": {key: text.zh}}
