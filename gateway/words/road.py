"""Vehicles, shipments, routes and parcels in both languages: what carriers read, and what their fields are called."""

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
    "list_parcels": Told(
        Text("列出包裹", "List parcels"),
        Text(
            "自己的，按登记先后，最新的在最后。每页至多查看 10,000 个（给出 `match_id` 时只看该匹配的）：筛选时可能不满"
            "甚至为空，有 `next` 就还没完。",
            "Your own in the order of their registration, newest last. A page looks at 10,000 at most, with `match_id` "
            "at that match's alone: with a filter it may be short or empty; go on while there is a `next`.",
        ),
    ),
    "read_parcel": Told(
        Text("看一个包裹", "Read a parcel"),
        Text(
            "现在的状态与补贴；面单号写法不限。承运商看自己的；经办与审计看所有的，如疑点所涉的。",
            "As it is now, however its waybill is written: a carrier's own; everyone's for the office, such as a flag "
            "is about.",
        ),
    ),
}

MEMBERS: dict[str, Text] = {
    # vehicles, shipments, routes
    "capacity_kg": Text("载重，公斤", "Capacity, kg"),
    "temperature_classes": Text("可运的温层", "Temperature classes that it can carry"),
    "depot": Text("停车点", "Depot"),
    "shift": Text("每天的班次（北京时间）", "Hours on the road, every day (Asia/Shanghai)"),
    "start": Text("开始", "From"),
    "end": Text("结束；不晚于开始则为次日", "Until; no later than the start is the next day"),
    "cost_fen_per_km": Text("每公里费用，分", "Cost a km, fen"),
    "cost_fen_per_h": Text("出车到返回每小时的费用，分", "Cost an hour, from leaving the depot until it is back, fen"),
    "NewVehicle.breaks": Text(
        "休息：在此期间开始，历时若干分钟", "Breaks: each begins between the two, for so many minutes"
    ),
    "VehicleOut.breaks": Text("休息", "Breaks"),
    "minutes": Text("几分钟", "Minutes"),
    "area": Text("取货地区的代码；空则不限", "Codes of the areas that it fetches from; none: anywhere"),
    "hub": Text("集货点：所有货送到这里（首公里）", "Hub: all is brought there (first mile)"),
    "prize_fen_per_kg": Text(
        "每公斤的运价，分；不值得绕行的留下，急的按两三倍计",
        "What carrying a kg is worth, fen; what costs more is left, and what is urgent counts twice or three times",
    ),
    "on_board_max_h": Text(
        "在途至多几小时；默认为其保鲜余量的一半",
        "Longest time on the road, hours; by default half of what its freshness allows",
    ),
    "previous": Text(
        "之前的方案；已告知司机的尽量不变", "The plan before; what its drivers were told stays where it can"
    ),
    "moved_stops": Text("与之前的方案相比挪动的站点数", "How many stops of the plan before are elsewhere now"),
    "cost_fen": Text("公里与小时的费用，分", "Cost of its kilometres and hours, fen"),
    "VehicleRouteOut.start": Text("从哪里出发；空则从停车点", "Where it starts; null: its depot"),
    "VehicleRouteOut.breaks": Text("在途中的休息", "Its breaks, on the way"),
    "peak_load_kg": Text("同时在车上最多多少公斤", "The most aboard at once, kg"),
    "StopOut.load_kg": Text("离站时车上多少公斤", "What is aboard when it leaves, kg"),
    "others": Text("之前方案中未参与本次规划的车辆", "Vehicles of the plan before that were not planned with"),
    "OtherVehicle.at": Text("当时的位置；空为车场", "Where it was; null: at its depot"),
    "OtherVehicle.aboard": Text("车上的运单", "The shipments aboard"),
    "retired": Text("已停用，不再排路线", "It gets no more routes"),
    "UnassignedOut.aboard": Text("已装在哪辆车上", "The vehicle that has it aboard"),
    "UnassignedOut.at": Text("那辆车当时的位置", "Where that vehicle was"),
    "UnassignedOut.change": Text("至少改变什么即可安排", "The least change that would be enough"),
    "StopOut.account_id": Text("在那里交货或收货的账户；集货点则空", "Who hands over or takes there; null at a hub"),
    "ChangeOut.change": Text("改什么", "What to change"),
    "ChangeOut.vehicle_id": Text("届时由哪辆车", "The vehicle that would then carry it"),
    "size_b": Text("字节数", "Size, bytes"),
    "width_px": Text("宽，像素", "Width, px"),
    "height_px": Text("高，像素", "Height, px"),
    "photo": Text("照片文件", "The photo"),
    "ShipmentFeedItem.shipment": Text("当时的运单", "The shipment as it was then"),
    "ShipmentFeedPage.next": Text(
        "本页最后的编号；没有新事件则为 `after`", "The last seq of this page, else `after` itself"
    ),
    "ready_at": Text("可取货时间", "When it can be picked up"),
    "carrier_id": Text("承运商的账户", "Account of the carrier"),
    "weight_kg": Text("实称公斤", "As weighed, kg"),
    "recorded_at": Text("记录时间", "When it was recorded"),
    "shipment_ids": Text("运单；或用 `adcode`", "The shipments; or give `adcode`"),
    "NewPlan.adcode": Text(
        "该地所有待运的；或用 `shipment_ids`", "All there is to carry from there; or give `shipment_ids`"
    ),
    "vehicle_ids": Text("车辆", "The vehicles"),
    "depart_at": Text("最早出发，默认现在", "When the first may leave, by default now"),
    "limit_s": Text("至多规划几秒", "Seconds to plan, at most"),
    "vehicles": Text("各车的路线", "The route of each vehicle"),
    "unassigned": Text("未能安排的运单", "Shipments left over, and why"),
    "distance_source": Text("距离的来源", "Where distances come from"),
    "failure": Text("失败的原因", "Why it failed"),
    "shipment_id": Text("运单的标识", "Id of the shipment"),
    "vehicle_id": Text("车辆的标识", "Id of the vehicle"),
    "arrival": Text("到达", "Arrival"),
    "departure": Text("离开", "Departure"),
    "reasons": Text("各种原因", "Reasons"),
    "distance_m": Text("距离，米", "Distance, m"),
    "duration_s": Text("时长，秒", "Duration, s"),
    "load_kg": Text("载货，公斤", "Load, kg"),
    "departs_at": Text("出发", "Leaves the depot"),
    "returns_at": Text("返回", "Comes back to it"),
    "stops": Text("站点", "Stops"),
    # VROOM's problem and solution: seconds, metres and amounts as the caller counts them
    "jobs": Text("单点任务", "Tasks at one place"),
    "shipments": Text("货运：取货后由同一辆车送达", "A pickup, and its delivery by the same vehicle"),
    "matrices": Text("各车型的矩阵；没有则按大圆距离", "Matrices by profile; without them by great circle"),
    "durations": Text("行驶秒数，从行到列", "Seconds of travel, from row to column"),
    "distances": Text("行驶米数，从行到列", "Metres of travel, from row to column"),
    "VroomMatrices.costs": Text("行驶成本；代替车辆的单价", "Costs of travel, instead of the vehicles' prices"),
    "options": Text("选项", "Options"),
    "g": Text("路线几何；暂不支持", "Geometry of the routes; not supported yet"),
    "profile": Text("所用矩阵的名称", "Name of the matrices it travels by"),
    "start_index": Text("起点在矩阵中的行号", "Row of the start in the matrices"),
    "end_index": Text("终点在矩阵中的行号", "Row of the end in the matrices"),
    "location": Text("[经度, 纬度]", "[longitude, latitude]"),
    "location_index": Text("地点在矩阵中的行号", "Row of the place in the matrices"),
    "VroomVehicle.start": Text("起点 [经度, 纬度]；没有则从首站开始", "Start, [lon, lat]; without one, its first stop"),
    "VroomVehicle.end": Text("终点 [经度, 纬度]；没有则停在末站", "End, [lon, lat]; without one, its last stop"),
    "description": Text("说明，原样返回", "A description, which comes back"),
    "capacity": Text("各维度的容量", "Capacity, by dimension"),
    "amount": Text("各维度的数量", "Amount, by dimension"),
    "delivery": Text("从起点带去的数量", "Amounts brought from the start"),
    "pickup": Text("带回终点的数量", "Amounts taken to the end"),
    "VroomShipment.pickup": Text("取货点", "Where it is picked up"),
    "VroomShipment.delivery": Text("送达点", "Where it is delivered"),
    "VroomRoute.delivery": Text("送达的数量", "Amounts delivered"),
    "VroomRoute.pickup": Text("取走的数量", "Amounts picked up"),
    "VroomSummary.delivery": Text("送达的数量", "Amounts delivered"),
    "VroomSummary.pickup": Text("取走的数量", "Amounts picked up"),
    "skills": Text("任务所需、车辆所具的技能", "Skills that tasks ask for and vehicles have"),
    "priority": Text("优先级 0 至 100；高者后舍", "Priority, 0 to 100; the highest is left out last"),
    "time_windows": Text("可开始的时间窗，秒", "Windows in which it may begin, seconds"),
    "time_window": Text("车辆的工作时间，秒", "When the vehicle works, seconds"),
    "setup": Text("准备秒数；上一站在同一地点则免", "Seconds of setup, but not where the stop before is there, too"),
    "service": Text("服务秒数", "Seconds of service"),
    "setup_per_type": Text("暂不支持", "Not supported yet"),
    "service_per_type": Text("暂不支持", "Not supported yet"),
    "costs": Text("车辆的单价", "The vehicle's prices"),
    "fixed": Text("出车成本", "Cost of using it at all"),
    "per_hour": Text("每行驶小时的成本", "Cost of an hour of travel"),
    "per_km": Text("每公里的成本", "Cost of a kilometre"),
    "per_task_hour": Text("暂不支持", "Not supported yet"),
    "speed_factor": Text("速度倍数", "How many times as fast it travels"),
    "max_tasks": Text("至多几个任务", "Tasks at most"),
    "breaks": Text("休息，按顺序", "Its breaks, in their order"),
    "max_load": Text("休息时车上至多多少", "What may be aboard during it at most"),
    "VroomVehicle.steps": Text("暂不支持", "Not supported yet"),
    "VroomVehicle.type": Text("暂不支持", "Not supported yet"),
    "max_travel_time": Text("至多行驶几秒", "Seconds of travel at most"),
    "max_distance": Text("至多行驶几米", "Metres of travel at most"),
    "summary": Text("合计", "All together"),
    "routes": Text("各车的路线", "The route of each vehicle that moves"),
    "VroomSummary.routes": Text("出车几辆", "How many vehicles move"),
    "VroomSummary.unassigned": Text("未安排的停靠数", "Stops left over"),
    "vehicle": Text("车辆的标识", "Id of the vehicle"),
    "steps": Text("依次的各站", "Its stops, in their order"),
    "cost": Text("成本", "Cost"),
    "duration": Text("行驶秒数", "Seconds of travel"),
    "distance": Text("行驶米数", "Metres of travel"),
    "waiting_time": Text("等待秒数", "Seconds of waiting"),
    "load": Text("离站时车上的数量", "Amounts aboard when it leaves"),
    "violations": Text("总是空的：不可行的不返回", "Always empty: what breaks a limit is not returned"),
    "computing_times": Text("用时，毫秒", "Milliseconds taken"),
    "loading": Text("读取用时，毫秒", "Milliseconds of reading"),
    "solving": Text("求解用时，毫秒", "Milliseconds of solving"),
    # parcels
    "waybill": Text("面单号", "Number of the waybill"),
    "weight_g": Text("重量，克", "Weight, g"),
    "recipient_adcode": Text("收件县的代码", "Code of the recipient's county"),
    "order_ref": Text("采购方的订单号", "The buyer's own order number"),
    "registered_at": Text("登记时间", "When it was registered"),
    "parcel_id": Text("包裹的标识", "Id of the parcel"),
    "subsidy": Text("补贴", "What became of the subsidy"),
    "subsidy_fen": Text("补贴，分", "Subsidy, fen"),
    "programme_id": Text("补贴项目的标识", "Id of the programme"),
    "rule_version": Text("适用规则的版本", "Version of the rule"),
}
