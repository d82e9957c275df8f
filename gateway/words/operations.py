"""What every operation of the public surface does, in both languages, by its id.

One place for the whole surface: the services' own docstrings speak to who reads their code, these to who calls them.
"""

from chassis.problems import Text
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
        "end_sessions",
        "read_feed",
        "follow_feed",
        "read_policy",
    }
)
"""Operations that refuse no role."""

OAUTH: dict[int, tuple[str, ...]] = {
    400: ("invalid-request", "invalid-grant", "invalid-refresh-token", "unsupported-grant-type"),
    401: ("invalid-client",),
}


def _by_file(nested: str) -> Text:
    return Text(
        "正文为 NDJSON，或 CSV：UTF-8 或 GB18030（可由 `charset` 写明），首行为字段名或其中文名（内层字段如 "
        f'`{nested}`），空单元格即不填；至多 50,000 行。应答为 NDJSON，每行数据一行：`{{"row": 1, "id": …}}` 或 '
        '`{"row": 2, "problem": {…}}`；正确的行保留，有误的行逐一说明。用同一个键重发不会重复添加。',
        "NDJSON, or CSV in UTF-8 or GB18030 (`charset` may say which), with the names of the fields, or their Chinese "
        f"names, in its first row (`{nested}` for one within another); an empty cell leaves its field out. At most "
        '50,000 rows. The answer is NDJSON, one line a row: `{"row": 1, "id": …}` or `{"row": 2, "problem": {…}}`; '
        "good rows are kept, bad ones explained. Sent again under the same key it adds nothing.",
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
            "按行政区划代码（或其开头）或名称查找；后缀可省略，旧名也可用。",
            "By adcode (or how it begins) or name; suffixes may be left out, and former names count.",
        ),
    ),
    "read_board": Told(
        Text("看公益供应榜", "Read the public board"),
        Text(
            "在售货批，最紧急的在前；`adcode` 可以是省、市代码的开头。",
            "Open lots, the most urgent first; `adcode` may be how a province's or prefecture's begins.",
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
            "JPEG 图片，货批在榜时人人可看；`size=thumbnail` 为小图。",
            "A JPEG, for everyone while the lot is on the board; `size=thumbnail` is a small one.",
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
    "send_code": Told(
        Text("发送验证码", "Send a one-time code"),
        Text(
            "发到手机。无论该号码有没有账户，应答都一样。",
            "To a phone. The answer is the same whether or not the phone has an account.",
        ),
    ),
    "issue_token": Told(
        Text("换取访问令牌", "Get an access token"),
        Text(
            "个人用 `grant_type=otp`，程序用 `client_credentials`；用 `refresh_token` 续期，刷新令牌每次都换新的，"
            "程序续期时也须带客户端的标识与密钥。应答丢失时，30 秒内可用同一个旧令牌再取；此外重复使用会结束整个登录。",
            "`grant_type=otp` for people, `client_credentials` for machines; `refresh_token` renews it, and comes anew "
            "each time; a client sends its id and secret with it, too. Where the answer was lost, the same old one is "
            "good for 30 s; used again otherwise it ends the whole session.",
        ),
        OAUTH | {403: ("forbidden",), 409: ("another-role",)},
    ),
    "revoke_token": Told(
        Text("撤销刷新令牌", "Revoke a refresh token"),
        Text(
            "结束它所属的登录；无论是什么令牌，都应答 200（RFC 7009）。已发出的访问令牌到期前仍有效。",
            "Ends its session; 200 whatever the token is (RFC 7009). Access tokens that are out stay good until they "
            "expire.",
        ),
        {400: ("invalid-request",)},
    ),
    "read_me": Told(
        Text("看自己的账户", "Read your own account"),
        Text("账户、角色与名称；版本在 `ETag` 中。", "Account, role and name; its version comes as `ETag`."),
    ),
    "change_me": Told(
        Text("更改自己的名称", "Change your own name"),
        Text("加密保存。", "It is kept sealed."),
        {409: ("name-taken",)},
    ),
    "export_me": Told(
        Text("导出自己的数据", "Export your own data"),
        Text(
            "账户（手机号完整）、登录、授权、供应、求购、匹配、运单、车辆、路线与结算，一个 JSON 文件。",
            "Account (the phone in full), sessions, consents, listings, orders, matches, shipments, vehicles, routes "
            "and settlements, as one JSON file.",
        ),
    ),
    "erase_me": Told(
        Text("删除自己的数据", "Erase your own data"),
        Text(
            "须附新发到该手机的验证码，或客户端的标识与密钥。姓名、手机号、登录与客户端即被删除，在售的撤回，求购取消；"
            "已达成的匹配与账目以账户标识保留。不可撤销。应答丢失后再次发送，未到期的令牌得到 401，即已删除。",
            "Takes the code of a fresh OTP to this phone, or a client's id and secret. Name, phone, sessions and "
            "clients are gone, open listings are withdrawn and orders cancelled; agreed matches and the ledger keep "
            "the account id. It can't be undone. Where the answer was lost, a 401 to the same again, with a token "
            "that has not expired, says that it is done.",
        ),
        {409: ("not-proven",)},
    ),
    "list_sessions": Told(
        Text("列出自己的登录", "List your sessions"),
        Text(
            "仍可续期的登录，最新的在前；不含令牌。", "Those that still renew tokens, newest first, without any token."
        ),
    ),
    "end_sessions": Told(
        Text("在所有设备上退出", "Sign out everywhere"),
        Text(
            "结束自己的所有登录；已发出的访问令牌到期前仍有效。",
            "Ends all your sessions; access tokens that are out stay good until they expire.",
        ),
    ),
    "read_keys": Told(
        Text("取验证令牌的公钥", "Get the keys that verify tokens"), Text("JWK 集合。", "A JWK set (RFC 7517).")
    ),
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
        Text("用文件发布供应信息", "Post listings by the file"),
        _by_file("origin.adcode"),
        {403: ("no-consent",), 413: ("too-many-rows",)},
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
            "同一张再传不会重复。",
            "A form with `photo`: JPEG, PNG or WebP of at most 8 MiB, one a request, 8 a lot; where it was taken is "
            "taken out of it. The same picture sent again is the one that is there.",
        ),
        {409: ("listing-closed", "too-many-photos")},
    ),
    "list_listing_photos": Told(
        Text("列出货批的照片", "List a lot's photos"), Text("按上传先后。", "In the order of their coming.")
    ),
    "read_listing_photo": Told(
        Text("看自己货批的一张照片", "See a photo of your lot"),
        Text("JPEG 图片；`size=thumbnail` 为小图。", "A JPEG; `size=thumbnail` is a small one."),
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
    "list_consents": Told(Text("列出授权", "List consents"), Text("谁可以替您办理。", "Who may act for you.")),
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
        Text("用文件发布求购", "Place orders by the file"),
        _by_file("destination.adcode"),
        {413: ("too-many-rows",)},
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
            "此后推送流中的事件逐条以 POST 发到该网址，按 Standard Webhooks 1.0 签名。不写 `types` 即全部种类。"
            "密钥只显示这一次。",
            "From now on each event of your feed is posted to that URL, signed by Standard Webhooks 1.0; without "
            "`types` all of them. The secret is shown this once.",
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
            "可改网址与种类；停用后以 `enabled: true` 重新启用，从停下之处继续，没有事件遗漏。",
            "Its URL and types; `enabled: true` enables it again after it was disabled: it goes on where it stopped, "
            "and loses no event.",
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
            "`after_seq` 之后的事件全部重新发送，`webhook-id` 与先前相同。",
            "Everything behind `after_seq` of your feed is sent again, with the `webhook-id` it had.",
        ),
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
}
