"""What every operation of the public surface does, in both languages, by its id.

One place for the whole surface: the services' own docstrings speak to who reads their code, these to who calls them.
"""

from chassis.problems import Text
from gateway.words.accounts import OPERATIONS as OF_ACCOUNTS
from gateway.words.office import OPERATIONS as OF_THE_OFFICE
from gateway.words.road import OPERATIONS as OF_THE_ROAD
from gateway.words.told import FOLLOWING, Told

FOR_ANY_ROLE = frozenset(
    {
        "read_me",
        "change_me",
        "export_me",
        "erase_me",
        "list_sessions",
        "end_session",
        "end_sessions",
        "read_policy",
        "list_prices",
    }
)
"""Operations that refuse no role."""


def _by_file(nested: str) -> Text:
    return Text(
        "正文为 NDJSON，或 CSV：UTF-8 或 GB18030（可由 `charset` 写明），首行为字段名或其中文名（内层字段如 "
        f"`{nested}`），空单元格即不填；至多 50,000 行。应答为 NDJSON，每行数据一行："
        '`{"row": 1, "line": 2, "id": …}` 或 `{"row": 2, "line": 3, "problem": {…}}`，`line` 是该行在文件中起始的行号，'
        "列名与空行也计在内；跨多行的另有 `last_line`。正确的行保留，有误的行逐一说明。用同一个键重发不会重复添加，"
        "应答与第一次一字不差。",
        "NDJSON, or CSV in UTF-8 or GB18030 (`charset` may say which), with the names of the fields, or their Chinese "
        f"names, in its first row (`{nested}` for one within another); an empty cell leaves its field out. At most "
        '50,000 rows. The answer is NDJSON, one line a row: `{"row": 1, "line": 2, "id": …}` or '
        '`{"row": 2, "line": 3, "problem": {…}}`, where `line` is that of the file on which the row begins, heading '
        "and blank lines counted; one that goes over several has `last_line`, too. Good rows are kept, bad ones "
        "explained. Sent again under the same key it adds nothing, and the answer is the first one, byte for byte.",
    )


OPERATIONS: dict[str, Told] = {
    # everyone
    "find_produce": Told(
        Text("查找农产品", "Find produce"),
        Text(
            "按代号、中英文名称或其中一部分查找；不带 `q` 则列出全部。",
            "By slug, Chinese or English name, or part of one; all of it without `q`.",
        ),
    ),
    "find_places": Told(
        Text("查找县级行政区", "Find counties"),
        Text(
            "按行政区划代码（或其开头）或中文名称查找；后缀可省略，旧名也可用。不能按拼音查找。",
            "By adcode (or how it begins) or Chinese name; suffixes may be left out, and former names count. Names in "
            "Latin letters (`suqian`) find nothing.",
        ),
    ),
    "read_board": Told(
        Text("看公益供应榜", "Read the public board"),
        Text(
            "在售货批，最紧急的在前；`adcode` 可以是省、市代码的开头；`q` 的每个词是品名、品种或地名。",
            "Open lots, the most urgent first; `adcode` may be how a province's or prefecture's begins; each word of "
            "`q` names produce, a variety or a place.",
        ),
    ),
    "read_board_summary": Told(
        Text("看公益供应榜的合计", "Read the board in figures"),
        Text(
            "在售货批的合计，以及按县、按农产品的分布；至多晚几秒。售罄、下架与变质的不计。",
            "Open lots in all, by county and by produce; a few seconds old at most. What is sold out, withdrawn or "
            "spoiled does not count.",
        ),
    ),
    "read_board_item": Told(Text("看榜上一个货批", "Read one lot of the board")),
    "follow_board_item": Told(
        Text("看一个货批的实时计数", "Follow the counter of one lot"),
        Text(
            "服务器推送事件（SSE）`lot`：先是现在的，之后每有变化一个；状态为 `withdrawn` 或 `expired` 的是最后一个。",
            "Server-sent events `lot`: as it is now, then one at each change; that of status `withdrawn` or `expired` "
            "is the last.",
        ),
        FOLLOWING,
    ),
    "read_board_photo": Told(
        Text("看榜上货批的照片", "See a photo of a lot"),
        Text(
            "JPEG 图片，货批在榜时人人可看；`size=thumbnail` 为小图，`medium` 为中图（长边 640 像素）。",
            "A JPEG, for everyone while the lot is on the board; `size=thumbnail` is a small one, `medium` one of at "
            "most 640 pixels.",
        ),
    ),
    # supervisors
    "read_backlog": Told(
        Text("看积压", "Read the backlog"),
        Text(
            "按地区与农产品：在售、有滞销风险（预计变质前卖不掉）的公斤数，最多的在前。"
            "同一分钟内各级相加一致，精确到克；`after` 翻到的各页与首页同一时刻。",
            "By area and produce: the kilograms that are open, and those not expected to be sold before they spoil; "
            "the most at risk first. Within one minute all levels add up, to the gram; the pages behind the first are "
            "of its moment.",
        ),
    ),
    "list_backlog_lots": Told(
        Text("列出积压的货批", "List the lots of the backlog"),
        Text(
            "数字背后的货批，各有其卖不掉的预计份额；风险公斤最多的在前。",
            "The lots behind the figures, each with the share that is not expected to be sold; the most kilograms at "
            "risk first.",
        ),
    ),
    "read_backlog_trend": Told(
        Text("看积压的变化", "Read how the backlog changes"),
        Text(
            "逐日（北京时间），最早的在前，末项是今天至此。",
            "Day by day (Asia/Shanghai), the oldest first; the last is today, so far.",
        ),
    ),
    **OF_ACCOUNTS,
    # producers and agents
    "publish_listing": Told(
        Text("发布供应信息", "Post a listing"),
        Text(
            "一条供应信息是一个货批。代办员须写明 `producer_id`，并已获该生产者授权。",
            "A listing is one lot. An agent names the `producer_id`, and needs that producer's consent.",
        ),
        {403: ("no-consent",)},
    ),
    "import_listings": Told(
        Text("用文件发布供应信息", "Import listings from a file"),
        _by_file("origin.adcode"),
        {403: ("no-consent",), 413: ("too-many-rows",), 429: ("too-many-imports",)},
    ),
    "list_listings": Told(Text("列出自己的供应信息", "List your listings"), Text("最新的在前。", "Newest first.")),
    "read_listing": Told(
        Text("看一条供应信息", "Read a listing"), Text("版本在 `ETag` 中。", "Its version comes as `ETag`.")
    ),
    "explain_listing": Told(
        Text("看为何未售出", "Read why a listing is not sold"),
        Text(
            "按市场现状逐个求购说明原因，并给出能多卖出的最高底价；代办员暂不能代为查询。",
            "Order by order, as the market stands now, with the highest floor that would sell more of it. "
            "Agents can't ask for a producer yet.",
        ),
        {503: ("solver-unavailable",)},
    ),
    "change_listing": Told(
        Text("修改供应信息", "Change a listing"),
        Text(
            "可改数量、底价、时间、故事与自动同意；`If-Match` 带上读到的版本。数量不会低于已锁定与达成之和。",
            "Quantity, floor, times, story and consent; `If-Match` carries the version that you read. "
            "A quantity never falls below what is held and agreed.",
        ),
        {409: ("listing-closed",)},
    ),
    "show_listing": Told(
        Text("上传货批照片", "Show a photo of a lot"),
        Text(
            "表单字段 `photo`：JPEG、PNG 或 WebP，至多 8 MiB，一次一张，每批至多 8 张；拍摄地点等信息会被去除。"
            "同一张再传不会重复：应答仍为 201，带它原有的 `id`。",
            "A form with `photo`: JPEG, PNG or WebP of at most 8 MiB, one a request, 8 a lot; where it was taken is "
            "taken out of it. The same picture sent again is the one that is there: 201 with the `id` that it has.",
        ),
        {409: ("listing-closed", "too-many-photos")},
    ),
    "list_listing_photos": Told(
        Text("列出货批的照片", "List a lot's photos"), Text("按上传先后。", "In the order of their coming.")
    ),
    "read_listing_photo": Told(
        Text("看自己货批的一张照片", "See a photo of your lot"),
        Text(
            "JPEG 图片；`size=thumbnail` 为小图，`medium` 为中图（长边 640 像素）。",
            "A JPEG; `size=thumbnail` is a small one, `medium` one of at most 640 pixels.",
        ),
    ),
    "remove_listing_photo": Told(
        Text("删除货批的一张照片", "Remove a photo of a lot"), Text("已关闭的货批也可以。", "Of a closed lot, too.")
    ),
    "withdraw_listing": Told(
        Text("撤回供应信息", "Withdraw a listing"),
        Text("此前达成的匹配仍然有效。", "Matches agreed before stand."),
        {409: ("listing-closed",)},
    ),
    "give_consent": Told(
        Text("授权代办员", "Give an agent consent"),
        Text("此后该代办员可替您发布供应信息。", "From then on the agent may post listings for you."),
    ),
    "list_consents": Told(
        Text("列出授权", "List consents"),
        Text("谁可以替您办理；代办员看到的是可替谁办理。", "Who may act for you; an agent reads for whom it may act."),
    ),
    "withdraw_consent": Told(
        Text("收回授权", "Take a consent back"), Text("代办员已发布的仍保留。", "What the agent posted stays.")
    ),
    # buyers
    "place_order": Told(
        Text("发布求购", "Place an order"),
        Text(
            "写明品种、数量、上限价、送达时段与新鲜度。",
            "What produce, how much, up to which price, where, by when, and how fresh.",
        ),
    ),
    "import_orders": Told(
        Text("用文件发布求购", "Import orders from a file"),
        _by_file("destination.adcode"),
        {413: ("too-many-rows",), 429: ("too-many-imports",)},
    ),
    "list_orders": Told(Text("列出自己的求购", "List your orders"), Text("最新的在前。", "Newest first.")),
    "read_order": Told(Text("看一条求购", "Read an order"), Text("版本在 `ETag` 中。", "Its version comes as `ETag`.")),
    "change_order": Told(
        Text("修改求购", "Change an order"),
        Text(
            "可改数量、上限价与送达时段；`If-Match` 带上读到的版本。",
            "Quantity, ceiling and window; `If-Match` carries the version that you read.",
        ),
        {409: ("order-closed", "quantity-promised")},
    ),
    "explain_order": Told(
        Text("看为何未买到", "Read why an order is not met"),
        Text(
            "按市场现状逐批货说明原因，并给出能多买到的最低上限价。",
            "Lot by lot, as the market stands now, with the lowest ceiling that would buy more.",
        ),
        {503: ("solver-unavailable",)},
    ),
    "cancel_order": Told(
        Text("取消求购", "Cancel an order"),
        Text("待答复的匹配被释放，已达成的仍有效。", "Proposed matches are released, agreed ones stand."),
        {409: ("order-closed",)},
    ),
    # both sides
    "list_matches": Told(Text("列出自己的匹配", "List your matches"), Text("最新的在前。", "Newest first.")),
    "read_match": Told(Text("看一个匹配", "Read a match"), Text("版本在 `ETag` 中。", "Its version comes as `ETag`.")),
    "explain_match": Told(
        Text("看匹配的价值构成", "Read what a match is worth"),
        Text(
            "它在撮合轮中的价值由哪些部分构成，按当时的规则与数字；买方的上限价不告知供应方，价值和剩余价值在双方同意后才告知。",
            "The parts of its value in its round, by the policy and the figures of that moment. "
            "The producer is not told the buyer's ceiling, and the surplus and value only when both have agreed.",
        ),
    ),
    "agree_to_match": Told(
        Text("同意匹配", "Agree to a match"),
        Text("重复同意，应答相同。", "Twice is the same."),
        {409: ("match-not-open",)},
    ),
    "decline_match": Told(
        Text("谢绝匹配", "Decline a match"),
        Text(
            "只在待答复时可以；在一方改动价格、数量或时段之前，这一对不再撮合。",
            "Only while it is proposed; the pair waits until one side changes price, quantity or window.",
        ),
        {409: ("match-not-open",)},
    ),
    "list_prices": Told(
        Text("看行情", "Read going prices"),
        Text(
            "近 14 天撮合且已达成的匹配在产地的价格：中位数与上下四分位数，至多迟一分钟。"
            "不足五笔，或卖方、买方不足三家时不告知，以免泄露某一家的价格。",
            "Farm-gate prices of agreed matches that were made within 14 days: the median and the quartiles, up to a "
            "minute old. With fewer than five, or fewer than three producers or three buyers, nothing is told, for it "
            "would be somebody's own price.",
        ),
    ),
    "read_feed": Told(
        Text("读推送流", "Read your feed"),
        Text(
            "`after` 之后的匹配事件，编号连续无缺。同样的 `after` 与 `limit` 若满页，内容永不变化。",
            "Match events behind `after`, numbered without a gap. A full page of the same `after` and `limit` is the "
            "same bytes for ever.",
        ),
    ),
    "follow_feed": Told(
        Text("持续接收推送流", "Follow your feed"),
        Text(
            "服务器推送事件（SSE）：`id` 为编号，`event` 为类型，`data` 为该项的 JSON，一字不差。断线后带 "
            "`Last-Event-ID` 再连，不漏不重。至少每 15 秒有一行注释；令牌到期则结束。",
            "Server-sent events: `id` is the seq, `event` the type, `data` the item's JSON, byte for byte. Connect "
            "again with `Last-Event-ID` and nothing is missed or repeated. A comment comes at least every 15 s; it "
            "ends when the token does.",
        ),
        FOLLOWING,
    ),
    # webhooks
    "register_webhook": Told(
        Text("登记推送地址", "Register a webhook"),
        Text(
            "此后推送流中的事件逐条以 POST 发到该网址，按 Standard Webhooks 1.0 签名。不写 `types` 或写 `[]` "
            "即全部种类，`null` 不行。密钥只显示这一次。",
            "From now on each event of your feed is posted to that URL, signed by Standard Webhooks 1.0. `types` left "
            "out or `[]` means all of them; `null` is refused. The secret is shown this once.",
        ),
        {409: ("too-many-webhooks",)},
    ),
    "list_webhooks": Told(Text("列出自己的推送地址", "List your webhooks"), Text("最新的在前。", "Newest first.")),
    "read_webhook": Told(
        Text("看一个推送地址", "Read a webhook"), Text("版本在 `ETag` 中。", "Its version comes as `ETag`.")
    ),
    "change_webhook": Told(
        Text("修改推送地址", "Change a webhook"),
        Text(
            "可改网址与种类：`types` 不写则不变，`[]` 即全部种类；`enabled: false` 暂停，`true` 再启用，"
            "从停下之处继续，没有事件遗漏。",
            "Its URL and types (left out they stay; `[]` is all of them); `enabled: false` pauses it, `true` "
            "enables it again: it goes on where it stopped, and loses no event.",
        ),
    ),
    "list_deliveries": Told(
        Text("列出推送记录", "List deliveries"),
        Text(
            "每个事件的各次尝试与下次时间，最新的在前；已结束的保留 30 天。",
            "The tries of each event and when the next is due, newest first; what ended is kept for 30 days.",
        ),
    ),
    "redeliver_events": Told(
        Text("重新推送", "Send again"),
        Text(
            "`after_seq` 之后的事件全部重新发送，`webhook-id` 与先前相同；`to_send` 为将发送几个，"
            "只收某些种类且其后超过 5,000 个事件时为 `null`。",
            "Everything behind `after_seq` of your feed is sent again, with the `webhook-id` it had; `to_send` says "
            "how many events that is, or `null` for a webhook of some `types` with more than 5,000 events to look "
            "through.",
        ),
    ),
    "read_delivery": Told(
        Text("看一个推送记录", "Read a delivery"),
        Text("按事件的 `seq`；0 为最近一次测试推送。", "By the event's `seq`; 0 is the last ping."),
    ),
    "redeliver_event": Told(
        Text("重新推送一个事件", "Send one event again"),
        Text("`webhook-id` 与先前相同，次数从头计。", "With the `webhook-id` it had; its tries count anew."),
        {409: ("webhook-disabled",)},
    ),
    "ping_webhook": Told(
        Text("测试推送", "Ping a webhook"),
        Text(
            "发送一个 `webhook.ping` 事件，签名与其他事件相同；只试一次，失败不计入停用。两次之间至少 5 秒，"
            "正在发送的不重复。结果见 `Location`。",
            "Sends an event `webhook.ping`, signed as every other; it is tried once, and failing does not count "
            "towards disabling. One goes out every 5 s at most, and one that is under way is not sent twice. What "
            "became of it is at `Location`.",
        ),
        {409: ("webhook-disabled",)},
    ),
    "rotate_secret": Told(
        Text("更换密钥", "Rotate the secret"),
        Text(
            "新密钥只显示这一次；24 小时内旧密钥同时签名。",
            "The new one is shown this once; for 24 hours the old one signs as well.",
        ),
    ),
    "delete_webhook": Told(
        Text("删除推送地址", "Delete a webhook"),
        Text("待发的不再发送，记录一并删除。", "What waited is not sent any more, and its record goes with it."),
    ),
    **OF_THE_ROAD,
    **OF_THE_OFFICE,
    # administrators
    "clear_markets": Told(
        Text("立即撮合", "Clear markets now"),
        Text("一个市场，或所有两边都有的市场。", "One market, or all that have two sides."),
        {503: ("solver-unavailable",)},
    ),
    "list_rounds": Told(Text("列出撮合轮", "List rounds"), Text("最新的在前。", "Newest first.")),
    "read_round": Told(Text("看一个撮合轮", "Read a round")),
    "read_interval": Told(
        Text("看撮合间隔", "Read the interval of rounds"),
        Text("单位为秒；0 表示只按请求撮合。", "In seconds; 0: only on demand."),
    ),
    "set_interval": Told(
        Text("设定撮合间隔", "Set the interval of rounds"),
        Text("单位为秒；0 表示只按请求撮合。", "In seconds; 0: only on demand."),
    ),
    "read_policy": Told(Text("看撮合规则", "Read the policy"), Text("现行版本。", "The version in force.")),
    "read_freight": Told(
        Text("估算两县之间的运费", "Reckon the freight between two counties"),
        Text(
            "按现行规则，从驻地到驻地；货批自己的坐标不公开，可能略近或略远。",
            "By the policy in force, from seat to seat; a lot's own point, which nobody is told, may lie nearer or "
            "farther.",
        ),
    ),
}
