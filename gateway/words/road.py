"""Vehicles, shipments, routes and parcels in both languages: what carriers read."""

from chassis.problems import Text
from gateway.words.told import FOLLOWING, Told

OPERATIONS: dict[str, Told] = {
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
    "follow_shipment_feed": Told(
        Text("持续接收自己的运单事件", "Follow your shipments' events"),
        Text(
            "服务器推送事件，与推送流相同；断线后带 `Last-Event-ID` 再连。",
            "Server-sent events, as of the feed of matches; connect again with `Last-Event-ID`.",
        ),
        FOLLOWING,
    ),
    "follow_open_shipments_feed": Told(
        Text("持续接收可承接的运单", "Follow what there is to claim"),
        Text(
            "服务器推送事件；每家承运商收到的相同。",
            "Server-sent events; the same for every carrier.",
        ),
        FOLLOWING,
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
        {404: ("not-found",)},
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
        {404: ("not-found",), 409: ("waybill-taken",)},
    ),
    "scan_parcels": Told(
        Text("上报包裹扫描", "Report parcel scans"),
        Text("次序不限，可重复上报，一次至多 1,000 条。", "In any order, as often as you like, at most 1,000 at once."),
        {404: ("not-found",)},
    ),
    "read_parcel": Told(
        Text("看一个包裹", "Read a parcel"),
        Text("现在的状态与补贴；面单号写法不限。", "As it is now, however its waybill is written."),
    ),
}
