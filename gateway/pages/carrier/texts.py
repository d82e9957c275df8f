"""What a carrier's pages say, in both languages."""

from chassis.problems import Text

TEXTS: dict[str, Text] = {
    "carrier.shipments": Text("运单", "Shipments"),
    "carrier.routes": Text("路线", "Routes"),
    "carrier.vehicles": Text("车辆", "Vehicles"),
    "carrier.parcels": Text("包裹", "Parcels"),
    "carrier.settlements": Text("结算单", "Statements"),
    "carrier.own": Text("我承接的", "Yours"),
    "carrier.own.none": Text(
        "还没有承接运单；下面是可以承接的。", "You have claimed nothing yet; below is what you can."
    ),
    "carrier.open": Text("可承接，近的在前", "Open, the nearest first"),
    "carrier.open.unsorted": Text("可承接", "Open"),
    "carrier.open.near": Text(
        "距离为取货地到您最近的车场，按直线计。",
        "Distances are from the nearest of your depots, as the crow flies.",
    ),
    "carrier.open.no_depot": Text(
        "添加车辆后，离车场近的在前。", "Once you have a vehicle, what is near to its depot comes first:"
    ),
    "carrier.open.part": Text(
        "这里是最新的 50 条，其中近的在前；更近的可能不在其中，可按产地查找。",
        "These are the newest 50, the nearest of them first. Nearer ones may be among the others: look for a place.",
    ),
    "carrier.open.none": Text("这里现在没有可承接的运单。", "Nothing is open here just now."),
    "carrier.done": Text("已了结", "Done"),
    "carrier.place": Text("取货地", "Fetched from"),
    "carrier.place.hint": Text("县、市、省名或区划代码，如 泗阳", "A county, city or province, or a code such as 3213"),
    "carrier.status.open": Text("待承接", "open"),
    "carrier.status.claimed": Text("已承接", "claimed"),
    "carrier.status.picked_up": Text("已取货", "picked up"),
    "carrier.status.delivered": Text("已送达", "delivered"),
    "carrier.status.failed": Text("未成", "failed"),
    "carrier.status.cancelled": Text("已取消", "cancelled"),
    "carrier.ready": Text("可取", "ready"),
    "carrier.deliver_by": Text("最晚送达", "deliver by"),
    "carrier.spoils": Text("变质", "Spoils"),
    "carrier.class": Text("温区", "Temperature"),
    "carrier.from_depot": Text("距最近的车场 {km} 公里", "{km} km from your nearest depot"),
    "carrier.claim": Text("承接", "Claim"),
    "carrier.release": Text("退回", "Release"),
    "carrier.release.about": Text(
        "还没取货，运不了可以退回，别的承运商就能承接。",
        "Not picked up yet: if you can't carry it, release it, and others may claim it.",
    ),
    "carrier.tell": Text("报告进展", "Report"),
    "carrier.what": Text("发生了什么", "What happened"),
    "carrier.weight": Text("称得", "Weighed"),
    "carrier.reason": Text("原因", "Reason"),
    "carrier.reason.hint": Text("必填；可选一个，也可自己写。", "Required: choose one, or write your own."),
    "carrier.reason.goods": Text("货不够或不合要求", "goods short or not as told"),
    "carrier.reason.nobody": Text("没有人交货或收货", "nobody there"),
    "carrier.reason.refused": Text("对方拒收", "refused on arrival"),
    "carrier.reason.vehicle": Text("车辆故障", "vehicle broke down"),
    "carrier.reason.road": Text("道路不通", "road closed"),
    "carrier.reason.late": Text("来不及了", "too late"),
    "carrier.weight.hint": Text("称了才填。", "If you weighed it."),
    "carrier.tell.picked_up": Text("报告：已取货", "Report: picked up"),
    "carrier.tell.delivered": Text("报告：已送达", "Report: delivered"),
    "carrier.tell.failed": Text("没有运成？", "Did it fail?"),
    "carrier.tell.failed.about": Text(
        "报告后，别的承运商也可以承接这一单。", "Once you report it, any carrier may claim the shipment."
    ),
    "carrier.tell.failed.send": Text("报告：没有运成", "Report: failed"),
    "carrier.reports": Text("已报告", "Reported"),
    "carrier.today": Text("今天及以后的路线", "Routes of today and later"),
    "carrier.today.none": Text("今天及以后还没有路线。", "No route for today or later yet."),
    "carrier.earlier": Text("以前的路线", "Earlier routes"),
    "carrier.route": Text("路线", "Route"),
    "carrier.departs": Text("出发", "Departs"),
    "carrier.departs.hint": Text(
        "不填即现在；今天赶不回来，就填明天早上。",
        "Left empty it is now. If that is too late for today, give tomorrow morning.",
    ),
    "carrier.stops": Text("站", "Stops"),
    "carrier.plan": Text("规划路线", "Plan a route"),
    "carrier.plan.ask": Text("规划", "Plan it"),
    "carrier.plan.no_vehicle": Text("先要有一辆车。", "There must be a vehicle first."),
    "carrier.plan.planning": Text("规划中", "planning"),
    "carrier.plan.planned": Text("已规划", "planned"),
    "carrier.plan.failed": Text("未成", "failed"),
    "carrier.plan.empty": Text("没有排上", "nothing carried"),
    "carrier.plan.empty.left": Text(
        "这次一单也没排上，没有车出行。每一单的原因和办法在下面。",
        "None of these shipments could be carried, so no vehicle moves. Below is why, and what to do, for each.",
    ),
    "carrier.plan.empty.nothing": Text(
        "那里当时没有可运的运单，没有车出行。可以换个地方再规划，或先看看有什么可运：",
        "There was nothing to carry from there, so no vehicle moves. Plan for another place, or see what there is:",
    ),
    "carrier.planning": Text("正在规划，本页会自行刷新。", "It is being planned; this page looks again by itself."),
    "carrier.all_of_place": Text("从此地出发的全部运单", "All there is to carry from"),
    "carrier.all_of_place.hint": Text("县、市、省名或区划代码。", "A county, city or province, or its code."),
    "carrier.or_place": Text("或：从此地出发的全部运单", "Or all there is to carry from"),
    "carrier.or_place.hint": Text(
        "没有勾选运单时才用；县、市、省名或区划代码。",
        "Counts when no shipment is ticked; a county, city or province, or its code.",
    ),
    "carrier.drawn": Text("路线图：方块为车场，数字为站序", "The routes: squares are depots, numbers are stops"),
    "carrier.drawn.about": Text(
        "方块为车场，数字为站序；上北下南；相近的站点画得分开些，方位不变，不按比例。",
        "Squares are depots, numbers are stops; north is up. What lies close together is drawn apart, in its order: "
        "no scale.",
    ),
    "carrier.add": Text("添加车辆", "Add a vehicle"),
    "carrier.vehicles.none": Text("还没有车辆。", "You have no vehicle yet."),
    "carrier.name": Text("车牌或名称", "Plate or name"),
    "carrier.name.hint": Text("如 苏N·12345", "Such as 苏N·12345"),
    "carrier.capacity": Text("载重", "Capacity"),
    "carrier.cost": Text("费用", "Cost"),
    "carrier.km": Text("公里", "km"),
    "carrier.a_km": Text("元/公里", "CNY/km"),
    "carrier.depot": Text("车场", "Depot"),
    "carrier.depot.near": Text("车场靠近", "Depot near"),
    "carrier.depot.hint": Text("所在县名或区划代码", "The county that it is in, or its code"),
    "carrier.shift": Text("班次", "Shift"),
    "carrier.shift.start": Text("出车", "From"),
    "carrier.shift.end": Text("收车", "Until"),
    "carrier.shift.all_day": Text("全天", "All day"),
    "carrier.shift.next_day": Text("次日 {end}", "{end} the next day"),
    "carrier.shift.hint": Text(
        "两个 00:00 即全天；收车早于出车即次日。", "00:00 twice is all day; an end before the start is the next day."
    ),
    "carrier.retired": Text("已停用", "retired"),
    "carrier.retire": Text("停用", "Retire"),
    "carrier.bring_back": Text("恢复使用", "Bring back"),
    "carrier.no_parcel": Text("您没有此面单号的包裹：", "You have no parcel of this waybill:"),
    "carrier.parcels.own": Text("已登记的包裹", "Registered parcels"),
    "carrier.parcels.none": Text(
        "还没有登记包裹；程序以 POST /v1/parcels 登记。",
        "No parcel is registered yet: programs do so by POST /v1/parcels.",
    ),
    "carrier.parcel.registered": Text("已登记", "registered"),
    "carrier.parcel.accepted": Text("已揽收", "accepted"),
    "carrier.parcel.in_transit": Text("运输中", "in transit"),
    "carrier.parcel.delivered": Text("已送达", "delivered"),
    "carrier.parcel.returned": Text("已退回", "returned"),
    "carrier.parcel.lost": Text("丢失", "lost"),
    "carrier.parcel.void": Text("逾期未送达", "not delivered in time"),
    "carrier.subsidy": Text("补贴", "Subsidy"),
    "carrier.subsidy.reserved": Text("预占", "reserved"),
    "carrier.subsidy.posted": Text("已记账", "posted"),
    "carrier.subsidy.voided": Text("已释放", "voided"),
    "carrier.subsidy.reversed": Text("已冲正", "reversed"),
    "carrier.subsidy.fund_exhausted": Text("资金用尽", "fund exhausted"),
    "carrier.subsidy.not_eligible": Text("不符合条件", "not eligible"),
    "carrier.subsidy.none": Text("无项目", "no programme"),
    "carrier.why.place": Text("产地", "place"),
    "carrier.why.produce": Text("品类", "produce"),
    "carrier.why.cap": Text("当日上限", "cap of the day"),
    "carrier.why.match_mass": Text("超过匹配的重量", "beyond the match's mass"),
    "carrier.why.duplicate_order": Text("该订单已有补贴", "the order has its subsidy"),
    "carrier.why.status_unknown": Text("脱贫县身份不详", "poverty status unknown"),
    "carrier.settlements.none": Text(
        "还没有结算单；送达并经结算后，会在这里。", "No statement yet: once delivered and settled, it is here."
    ),
    "carrier.plan.again": Text("改在 {when} 出发，重新规划", "Plan them again, leaving at {when}"),
    "carrier.plan.once_more": Text("重新规划没排上的", "Plan these again"),
    "carrier.again.about": Text(
        "{when} 的方案没排上的运单已在下面勾选；不运的请去掉勾。",
        "What the plan of {when} left behind is ticked below; untick what you don't want.",
    ),
    "carrier.again.missing": Text(
        "另有 {count} 单不在其中：已被承接、已取消，或太多，一次列不下。",
        "Not among them: {count}, claimed or cancelled meanwhile, or too many for one form.",
    ),
    "carrier.enough.deliver_by": Text(
        "买方若同意 {to} 前送到，就排得下。", "It would fit if the buyer took it as late as {to}."
    ),
    "carrier.enough.min_remaining_life_h": Text(
        "买方若接受到货时还能放 {to} 小时，就排得下。", "It would fit if the buyer took it with {to} h left to keep."
    ),
    "carrier.enough.quantity_kg": Text("其中 {to} 公斤装得下。", "{to} kg of it would fit."),
    "carrier.enough.shift_end": Text(
        "{vehicle} 若到 {to} 才收车，就排得下。", "It would fit if {vehicle} stayed out until {to}."
    ),
    "carrier.enough.on_board_max_h": Text("在途若可达 {to} 小时，就排得下。", "It would fit with {to} h on the road."),
    "carrier.enough.prize_fen_per_kg": Text(
        "每公斤若值 {to} 元，就值得绕行。", "It would be worth its detour at {to} CNY/kg."
    ),
    "carrier.enough.temperature_class": Text(
        "{vehicle} 若能运{to}货，就排得下。", "It would fit if {vehicle} took {to} goods."
    ),
    "carrier.enough.area": Text("{vehicle} 若服务{to}，就排得下。", "It would fit if {vehicle} served {to}."),
    "carrier.enough.vehicle": Text(
        "再有一辆和 {vehicle} 一样的车，就排得下。", "One more vehicle like {vehicle} would take it."
    ),
    "carrier.left": Text("没排上", "Left behind"),
    "carrier.left.why": Text("原因", "Why"),
    "carrier.left.shift.do": Text(
        "有的运单换个出发时间就排得下。", "For some of them another departure would leave time enough."
    ),
    "carrier.left.vehicle.do": Text(
        "有的运单没有合适的车：可以添加车辆，或恢复停用的车。",
        "For some of them there is no vehicle that fits: add one, or bring a retired one back.",
    ),
    "carrier.left.ready": Text("{when} 起才能取货。", "It can be fetched from {when} on."),
    "carrier.left.no_vehicle": Text("没有车辆", "no vehicle"),
    "carrier.left.no_vehicle_in_range": Text("没有车辆服务该县", "no vehicle serves that county"),
    "carrier.left.temperature_class": Text("没有合适温区的车", "no vehicle of that temperature"),
    "carrier.left.capacity": Text("超过载重", "too heavy"),
    "carrier.left.shift": Text("班次内来不及返回", "not back within the shift"),
    "carrier.left.break": Text("司机休息安排不下", "no room for the driver's breaks"),
    "carrier.left.window": Text("来不及在期限前送达", "it would come too late"),
    "carrier.left.spoils_before_arrival": Text("到达时不够新鲜", "not fresh enough on arrival"),
    "carrier.left.on_board": Text("在途太久", "too long on the road"),
    "carrier.left.not_worth_its_detour": Text("不值得绕行", "not worth its detour"),
    "carrier.left.time_limit": Text("规划时间不够", "no time left for planning"),
    "carrier.left.not_available": Text("已被他人承接或取消", "claimed by another, or cancelled"),
}
