"""docs/events/README.md: one table for people."""

from contracts.topics import DAY_MS
from duijie.docs.told import Told, all_told, file_of, key_of

HEAD = """\
<!-- Written by `make docs` from contracts/; edit there. -->
# Events · 事件

What the services tell each other. [asyncapi.json](asyncapi.json) is all of it for tools (AsyncAPI 3.0);
[schemas](schemas) holds a JSON Schema (2020-12) for each type.

- An event is a fact in the past tense: the whole state of one thing and its version. Its value is JSON; money is
  integer fen, mass integer grams, distance integer metres, time RFC 3339.
- Its envelope is CloudEvents 1.0 in Kafka's binary mode: headers `ce_id`, `ce_source`, `ce_type`, `ce_subject`,
  `ce_time`, and `traceparent`.
- It comes at least once, in order within a key. Pass over an id that you had, a version older than yours, and types
  and fields that you don't know.
- What a listener can't handle goes to `<topic>.dlq` with the reason in `dlq_consumer` and `dlq_error`, is kept
  {dead_days} days, and comes back by `duijie dlq redrive`.
- Optional fields may be added. Anything else is a new topic that ends in `.v2`, beside the old one until nobody
  reads that.

各服务之间传递的事实。[asyncapi.json](asyncapi.json) 供工具使用（AsyncAPI 3.0），\
[schemas](schemas) 中每种事件各有一份 JSON Schema（2020-12）。

- 事件是已经发生的事实：一个对象的完整状态及其版本。内容为 JSON；\
金额为整数分，质量为整数克，距离为整数米，时间为 RFC 3339。
- 信封为 CloudEvents 1.0（Kafka 二进制模式）：消息头 `ce_id`、`ce_source`、`ce_type`、`ce_subject`、`ce_time`，\
以及 `traceparent`。
- 每条至少送达一次，同一个键内有序。收到过的标识、比已知更旧的版本、不认识的种类和字段，请略过。
- 无法处理的消息进入 `<topic>.dlq`（死信），原因在 `dlq_consumer` 与 `dlq_error` 中，保留 {dead_days} 天，\
可用 `duijie dlq redrive` 重新投递。
- 只可增加可选字段；其他任何改动都要用以 `.v2` 结尾的新主题，与旧主题并存到无人再读为止。

| topic 主题 | key 键 | partitions 分区 | kept, days 保留天数 | told by 发布者 | heard by 订阅者 | types 事件 |
|---|---|---|---|---|---|---|
"""


def readme() -> str:
    dead_days = all_told()[0].topic.dead_letters.retention_ms // DAY_MS
    return HEAD.format(dead_days=dead_days) + "".join(_row(told) for told in all_told())


def _row(told: Told) -> str:
    topic = told.topic
    keys = sorted({key_of(kind) for kind in told.kinds})
    types = "<br>".join(f"[{kind.TYPE}](schemas/{file_of(kind)})" for kind in told.kinds)
    cells = [
        f"`{topic.name}`",
        *(f"`{key}`" for key in keys),
        str(topic.partitions),
        str(topic.retention_ms // DAY_MS),
        told.teller,
        ", ".join(told.listeners) or "–",
        types,
    ]
    return f"| {' | '.join(cells)} |\n"
