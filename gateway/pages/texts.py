"""What the pages say, in both languages."""

from collections.abc import Callable

from chassis.problems import Language, Text

TEXTS: dict[str, Text] = {
    "name": Text("对接", "Duijie"),
    "tagline": Text(
        "让滞销农产品在变质之前找到买家，送上路，并把快递补贴算清楚。",
        "Matches unsold produce with buyers before it spoils, sends it on its way, and accounts for the subsidy.",
    ),
    "board": Text("公益供应榜", "Public board"),
    "board.about": Text(
        "正在等待买家的农产品，最紧急的在前。", "Produce that waits for a buyer, the most urgent first."
    ),
    "docs": Text("接口文档", "API reference"),
    "docs.about": Text(
        "每个接口的参数、正文和示例，离线可读。", "Every operation with its parameters, body and example."
    ),
    "openapi": Text("OpenAPI 3.1 文件", "OpenAPI 3.1 document"),
    "openapi.about": Text("供程序与工具使用。", "For programs and tools."),
    "produce": Text("农产品目录", "Produce"),
    "produce.about": Text("名称、类别与保质期（JSON）。", "Names, categories and shelf lives (JSON)."),
    "docs.by": Text("按使用者分", "By who uses it"),
    "docs.public": Text("无需登录", "no token needed"),
    "docs.parameters": Text("参数", "Parameters"),
    "docs.body": Text("正文", "Body"),
    "docs.example": Text("示例", "Example"),
    "docs.answer": Text("应答", "Answer"),
    "docs.problems": Text("可能的问题", "Problems"),
    "docs.required": Text("必填", "required"),
    "docs.default": Text("默认", "default"),
    "docs.path": Text("路径", "path"),
    "docs.query": Text("查询", "query"),
    "docs.header": Text("请求头", "header"),
    "problem.means": Text("意思", "What it means"),
    "problem.do": Text("怎么办", "What to do"),
    "health": Text("运行状态", "Health"),
    "health.about": Text("各服务是否就绪。", "Whether every service is ready."),
    "where": Text("去哪里", "Where to go"),
    "other_language": Text("English", "中文"),
    "what": Text("品名", "Produce"),
    "origin": Text("产地", "Origin"),
    "hours_left": Text("剩余小时", "Hours left"),
    "remaining": Text("待售公斤", "kg left"),
    "sold": Text("已售公斤", "kg sold"),
    "price": Text("底价（元/公斤）", "Floor price (CNY/kg)"),
    "grade": Text("等级", "Grade"),
    "search": Text("查找", "Search"),
    "search.hint": Text("草莓、大白菜…", "strawberry, cabbage…"),
    "more": Text("更多", "More"),
    "empty": Text("现在没有等待买家的农产品。", "Nothing waits for a buyer just now."),
    "unavailable": Text(
        "供应服务暂时没有应答，请稍后再看。", "The listing service does not answer just now; try again shortly."
    ),
    "not_understood": Text("无法按此条件查找。", "There is no such search."),
    "sheet": Text("司机单", "Driver's sheet"),
    "sheet.empty": Text("此方案没有车辆出行。", "No vehicle moves in this plan."),
    "sheet.planning": Text("正在规划，请稍后再看。", "It is being planned; look again shortly."),
    "sheet.failed": Text("规划没有成功，请重新请求。", "Planning has failed; ask for a new plan."),
    "sheet.departs": Text("出发", "Leaves"),
    "sheet.returns": Text("返回", "Back"),
    "sheet.distance": Text("全程公里", "km in all"),
    "sheet.load": Text("载货公斤", "kg in all"),
    "sheet.time": Text("到达–离开", "Arrive – leave"),
    "sheet.stop": Text("事项", "What"),
    "sheet.pickup": Text("取货", "Fetch"),
    "sheet.delivery": Text("送达", "Bring"),
    "sheet.break": Text("休息", "Break"),
    "sheet.place": Text("地点", "Where"),
    "sheet.goods": Text("货物", "Goods"),
    "sheet.kg": Text("公斤", "kg"),
    "ambient": Text("常温", "ambient"),
    "chilled": Text("冷藏", "chilled"),
    "frozen": Text("冷冻", "frozen"),
    "sheet.aboard": Text("车上公斤", "Aboard"),
    "sheet.contact": Text("联系人", "Ask for"),
    "sheet.done": Text("签收", "Signed"),
    "sheet.by": Text("北京时间；距离按", "Asia/Shanghai; distances by"),
    "sheet.left": Text("未能安排的运单", "Shipments left over"),
    "great_circle": Text("大圆距离", "great circle"),
    "osrm": Text("道路（OSRM）", "road (OSRM)"),
    "valhalla": Text("道路（Valhalla）", "road (Valhalla)"),
    "watch_52": Text("挂牌督战县", "county under supervision"),
    "poverty_832": Text("脱贫县", "former poverty county"),
}


def texts(language: Language) -> Callable[[str], str]:
    """A template's `t`: the text of that name."""
    return lambda name: TEXTS[name].in_language(language)
