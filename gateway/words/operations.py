"""What every operation of the public surface does, in both languages, by its id.

One place for the whole surface: the services' own docstrings speak to who reads their code, these to who calls them.
"""

from chassis.problems import Text
from gateway.words.office import OPERATIONS as OF_THE_OFFICE
from gateway.words.told import Told

FOR_ANY_ROLE = frozenset({"read_me", "read_feed", "read_policy"})
"""Operations that refuse no role."""

OAUTH: dict[int, tuple[str, ...]] = {
    400: ("invalid-request", "invalid-grant", "unsupported-grant-type"),
    401: ("invalid-client",),
}

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
            "个人用 `grant_type=otp`，程序用 `client_credentials`。`refresh_token` 尚未提供"
            "（`unsupported_grant_type`），到期后以同样方式再取。",
            "`grant_type=otp` for people, `client_credentials` for machines. `refresh_token` is not offered yet "
            "(`unsupported_grant_type`): ask for a new token the same way.",
        ),
        OAUTH | {403: ("forbidden",), 409: ("another-role",)},
    ),
    "read_me": Told(
        Text("看自己的账户", "Read your own account"), Text("账户、角色与名称。", "Account, role and name.")
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
    # carriers
    "register_vehicle": Told(
        Text("登记车辆", "Register a vehicle"),
        Text(
            "班次按北京时间，可跨到次日。",
            "Its shift is by the clocks of Asia/Shanghai and may end on the next day.",
        ),
    ),
    "list_vehicles": Told(Text("列出自己的车辆", "List your vehicles"), Text("最新的在前。", "Newest first.")),
    "read_vehicle": Told(
        Text("看一辆车", "Read a vehicle"), Text("版本在 `ETag` 中。", "Its version comes as `ETag`.")
    ),
    "change_vehicle": Told(
        Text("更改或停用车辆", "Change or retire a vehicle"),
        Text(
            "`If-Match` 填所读到的版本。已有的方案不变；停用的车不再排路线。",
            "`If-Match` carries the version you read. Plans made with it stay; a retired one gets no more routes.",
        ),
    ),
    "list_shipments": Told(
        Text("列出运单", "List shipments"),
        Text(
            "最新的在前：承运商看自己的与可承接的，买卖双方看自己匹配的；可按状态、起讫地区、可取货之日筛选。",
            "Newest first: a carrier's own and what it may claim; for others, those of their matches. By status, area "
            "of origin or destination, and the day on which they can be fetched.",
        ),
    ),
    "read_shipment": Told(
        Text("看一个运单", "Read a shipment"), Text("版本在 `ETag` 中。", "Its version comes as `ETag`.")
    ),
    "read_shipment_feed": Told(
        Text("按游标读自己的运单事件", "Read your shipments' events by cursor"),
        Text(
            "序号从 1 起，无间断；同一 `after` 与 `limit` 的整页永不改变。",
            "Numbered from 1 without a gap; a full page of the same `after` and `limit` is the same bytes for ever.",
        ),
    ),
    "read_open_shipments_feed": Told(
        Text("按游标读可承接的运单", "Read by cursor what there is to claim"),
        Text(
            "新增的与不再可承接的；每家承运商看到的相同。",
            "What came to be claimed, and what no longer is; the same for every carrier.",
        ),
    ),
    "claim_shipment": Told(
        Text("承接运单", "Claim a shipment"),
        Text(
            "可承接待承接的或曾失败的；只有一家得到，其余得 409。",
            "One that is open, or failed before. One carrier gets it, the others 409.",
        ),
        {409: ("shipment-not-open",)},
    ),
    "release_shipment": Told(
        Text("退回运单", "Give a shipment back"),
        Text("已承接而尚未取货的。", "What you claimed and have not picked up."),
        {409: ("shipment-not-claimed", "wrong-shipment-state")},
    ),
    "list_reports": Told(
        Text("列出运单的事件", "List a shipment's events"),
        Text("按收到的先后。", "What its carriers told, in the order of its coming."),
    ),
    "report_on_shipment": Told(
        Text("报告取货、送达或失败", "Report a pickup, delivery or failure"),
        Text("重复报告同一事件不产生变化。", "The same told again changes nothing."),
        {409: ("shipment-not-claimed", "wrong-shipment-state")},
    ),
    "show_shipment": Told(
        Text("上传凭证照片", "Keep a photo as proof"),
        Text(
            "表单字段 `photo`：JPEG、PNG 或 WebP，至多 8 MiB；拍摄地点等信息会被去除。",
            "A form with `photo`: JPEG, PNG or WebP of at most 8 MiB; where it was taken is taken out of it.",
        ),
        {409: ("shipment-not-claimed", "too-many-photos")},
    ),
    "list_photos": Told(
        Text("列出运单的照片", "List a shipment's photos"), Text("按上传先后。", "In the order of their coming.")
    ),
    "read_photo": Told(Text("看一张照片", "See a photo"), Text("JPEG 图片。", "A JPEG.")),
    "ask_for_routes": Told(
        Text("请求规划路线", "Ask for routes"),
        Text(
            "至多用 `limit_s` 秒规划；凭应答中的 id 读取结果。",
            "Planned in at most `limit_s` seconds; read them under the id of the answer.",
        ),
    ),
    "solve_vroom": Told(
        Text("求解 VROOM 问题", "Solve VROOM's problem"),
        Text(
            "收发 VROOM 的问题与解答 JSON，至多 `limit_s` 秒；每个未安排的都带 `reasons`，不支持的项会被点名拒绝。",
            "VROOM's problem JSON in and its solution JSON out, in at most `limit_s` seconds; each entry of "
            "`unassigned` has `reasons`, and what is not supported is refused by its name.",
        ),
        {503: ("solver-busy", "planner-unavailable")},
    ),
    "list_routes": Told(
        Text("列出自己的路线", "List your routes"),
        Text(
            "最新的在前；可按车辆、运单、地区、状态或出发日（北京时间）筛选。",
            "Newest first; by vehicle, shipment, area, status, or the day of departure (Asia/Shanghai).",
        ),
    ),
    "read_route": Told(
        Text("看一次路线规划", "Read a route plan"),
        Text(
            "`Accept: application/geo+json` 则给出 FeatureCollection。",
            "As a GeoJSON FeatureCollection with `Accept: application/geo+json`.",
        ),
    ),
    "read_sheet": Told(
        Text("打印司机单", "Print the driver's sheet"),
        Text(
            "网页，每车一页：站点、公斤、联系人；电话只显示一部分。`?lang=en` 为英文。",
            "A page a vehicle, as HTML: stops, masses, whom to ask for; phones are masked. `?lang=zh-CN` for Chinese.",
        ),
    ),
    "register_parcels": Told(
        Text("登记包裹", "Register parcels"),
        Text(
            "一次至多 1,000 个，属于您承接的运单；按所发次序逐个告知补贴结果。",
            "At most 1,000, of shipments that you claimed; each hears whether it is subsidised, in the order sent.",
        ),
        {409: ("waybill-taken",)},
    ),
    "scan_parcels": Told(
        Text("上报包裹扫描", "Report parcel scans"),
        Text("次序不限，可重复上报，一次至多 1,000 条。", "In any order, as often as you like, at most 1,000 at once."),
    ),
    "read_parcel": Told(
        Text("看一个包裹", "Read a parcel"),
        Text("现在的状态与补贴；面单号写法不限。", "As it is now, however its waybill is written."),
    ),
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
