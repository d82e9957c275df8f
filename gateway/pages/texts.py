"""What the pages say, in both languages. The words of an area stand in its own `texts.py`; `api.py` brings them in."""

from collections.abc import Callable

from chassis.problems import Language, Text

TEXTS: dict[str, Text] = {
    "name": Text("对接", "Duijie"),
    "tagline": Text(
        "让滞销农产品在变质之前找到买家，送上路，并把快递补贴算清楚。",
        "Finds buyers for unsold produce before it spoils, sends it on its way, and accounts for the subsidy.",
    ),
    "board": Text("公益供应榜", "Public board"),
    "board.about": Text("正在等待买家的农产品，最紧急的在前。", "Produce waiting for a buyer, the most urgent first."),
    "nav.skip": Text("跳到正文", "Skip to the content"),
    "nav.ways": Text("页面", "Pages"),
    "nav.you": Text("您", "You"),
    "nav.more": Text("更多页面", "More pages"),
    "nav.sign_in": Text("登录", "Sign in"),
    "nav.sign_out": Text("退出", "Sign out"),
    "nav.account": Text("我的账户", "Account"),
    "nav.farm": Text("我的供应", "My lots"),
    "nav.post": Text("发布", "Post"),
    "nav.orders": Text("我的求购", "My orders"),
    "nav.partner": Text("对接管理", "Integration"),
    "nav.carrier": Text("运单与路线", "Carrying"),
    "nav.programmes": Text("补贴项目", "Programmes"),
    "nav.backlog": Text("积压晴雨表", "Backlog"),
    "nav.operator": Text("运行", "Operations"),
    "role.producer": Text("农户、合作社", "Farmer, cooperative"),
    "role.agent": Text("村代办员", "Village agent"),
    "role.citizen": Text("市民", "Citizen"),
    "role.group_leader": Text("团长", "Group leader"),
    "role.platform": Text("电商平台", "E-commerce platform"),
    "role.carrier": Text("承运商", "Carrier"),
    "role.programme_officer": Text("补贴经办", "Programme officer"),
    "role.auditor": Text("审计", "Auditor"),
    "role.supervisor": Text("督战", "Supervisor"),
    "role.admin": Text("运维", "Operator"),
    "sign_in.about": Text(
        "用手机号登录，新用户自动开户。", "Sign in with your phone number; if you are new, this opens your account."
    ),
    "sign_in.phone": Text("手机号", "Phone number"),
    "sign_in.role": Text("如果您是新用户，您是", "If you are new here, you are a"),
    "sign_in.role.once": Text(
        "一个手机号只有一个身份，开户后不能更改。", "A phone number has one role; it can't be changed afterwards."
    ),
    "sign_in.role.given": Text(
        "您要去的页面不能凭手机号开户，账户由运营方开立；已有账户的，选哪一项都不影响登录。",
        "A phone number can't open an account for the page you came for; the operator gives those out. If you have "
        "an account already, what you choose here makes no difference.",
    ),
    "sign_in.send": Text("发送验证码", "Send the code"),
    "sign_in.sent": Text("验证码已发往", "A code went to"),
    "sign_in.console": Text(
        "这里是本机演示，不发短信：验证码写在运行它的终端里。",
        "This is a demonstration on this machine and sends no messages: the code stands in the terminal that runs it.",
    ),
    "sign_in.code": Text("六位验证码", "Six-digit code"),
    "sign_in.enter": Text("登录", "Sign in"),
    "sign_in.another": Text("换一个号码", "Use another number"),
    "sign_in.with_key": Text("用密钥登录", "Sign in with a key"),
    "sign_in.with_phone": Text("用手机号登录", "Sign in with a phone number"),
    "sign_in.key.about": Text(
        "经办、审计、督战、平台与承运商用运维给的密钥登录；密钥停用或更换后立即退出。",
        "Officers, auditors, supervisors, platforms and carriers sign in with a key from the operator; once it is "
        "revoked or replaced, they are signed out.",
    ),
    "sign_in.key.id": Text("密钥标识（client_id）", "Id of the key (client_id)"),
    "sign_in.key.secret": Text("密钥（client_secret）", "Secret (client_secret)"),
    "guests": Text("演示账户", "Demonstration accounts"),
    "guests.about": Text(
        "点一下就能进入，看看每种身份的页面；只在本机的演示中有。演示把几天的事缩成几分钟：货一取到就送达；演完之前，有些页面还是空的。",
        "One click lets you in, to see the pages of every role. Only on this machine, only in the demonstration. "
        "It plays some days in a few minutes: what was fetched arrives at once, and some pages are empty until it is "
        "over.",
    ),
    "guest.producer": Text(
        "看卖出了多少，没卖掉的为什么、怎样能卖掉", "See what has sold, and what would sell the rest"
    ),
    "guest.agent": Text("替授权的农户看供应、发布新的货", "See the lots of a farmer who authorised you, post another"),
    "guest.platform": Text("从供应榜下单，看求购与推送", "Order from the board; see orders and webhooks"),
    "guest.group_leader": Text("替邻居从供应榜下单，看到货", "Order for your neighbours; see what arrives"),
    "guest.citizen": Text("从供应榜买一点，看何时送到", "Buy a little from the board; see when it comes"),
    "guest.carrier": Text(
        "看在途的货和明早的路线，承接运单", "What is on the road, tomorrow's routes, and more to claim"
    ),
    "guest.programme_officer": Text(
        "看资金够用到哪天，复核别人提出的变更", "See how long the money lasts, and decide what others proposed"
    ),
    "guest.supervisor": Text("看哪些县的货卖不完就要坏", "See where produce will spoil unsold"),
    "guest.auditor": Text("逐笔核对补贴资金", "Follow every fen of the subsidies"),
    "guest.admin": Text("看撮合比贪心多得多少，有没有异常", "See what rounds gain over greedy, and if all is well"),
    "home.ways": Text("想做什么", "What brings you here"),
    "home.farmer": Text("我要卖", "I have produce to sell"),
    "home.farmer.about": Text(
        "一分钟发布一批货，没有信号也能填。", "Post a lot within a minute, with or without a signal."
    ),
    "home.buyer": Text("我要买", "I want to buy"),
    "home.buyer.about": Text(
        "凭手机号下单，看成交与到货。", "Order with your phone number; see what is matched and when it arrives."
    ),
    "home.carrier": Text("我来运", "I carry"),
    "home.carrier.about": Text(
        "待运的货、今天的路线、司机单。", "What there is to carry, today's routes, drivers' sheets."
    ),
    "home.supervisor": Text("积压晴雨表", "Backlog barometer"),
    "home.supervisor.about": Text(
        "哪里的货卖不完就要坏，52 个督战县在前。", "Where produce will spoil unsold; the 52 supervised counties first."
    ),
    "home.officer": Text("补贴项目", "Subsidy programmes"),
    "home.officer.about": Text(
        "每一分钱在哪里，还能用几天。", "Where every fen is, and how many days the money will last."
    ),
    "home.programs": Text("给开发者", "For developers"),
    "trouble.as_another": Text("换个身份登录", "Sign in as somebody else"),
    "trouble.you_are": Text("您现在登录的身份是", "You are signed in as"),
    "trouble.one_role": Text(
        "一个手机号只有一个身份。选错了可以换一个手机号登录；或者先在“我的账户”里注销，再用同一个手机号重新开户。",
        "A phone number has one role. If you chose the wrong one, sign in with another number, or erase this account "
        "on its page and open a new one with the same number.",
    ),
    "stop": Text("。", "."),
    "colon": Text("：", ": "),
    "comma": Text("，", ", "),
    "gap": Text("", " "),
    "semicolon": Text("；", "; "),
    "between": Text("、", ", "),
    "bracket": Text("（", " ("),
    "bracket.closes": Text("）", ")"),
    "trouble.more": Text("这个问题的说明", "More about this problem"),
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
    "problems": Text("问题一览", "All problems"),
    "problems.about": Text(
        "每种出错应答的 `type`、意思与办法。", "Every refusal: its `type`, what it means and what to do."
    ),
    "problem.means": Text("意思", "What it means"),
    "problem.do": Text("怎么办", "What to do"),
    "health": Text("运行状态", "Health"),
    "health.about": Text("各服务是否就绪。", "Whether every service is ready."),
    "where": Text("首页", "Home"),
    "other_language": Text("English", "中文"),
    "km": Text("公里", "km"),
    "what": Text("品名", "Produce"),
    "grade": Text("等级", "Grade"),
    "search": Text("查找", "Search"),
    "search.hint": Text("草莓、泗阳…", "strawberry, 泗阳…"),
    "more": Text("更多", "More"),
    "empty": Text("现在没有等待买家的农产品。", "Nothing is waiting for a buyer just now."),
    "unavailable": Text(
        "供应信息暂时读不出来，请稍后再看。", "The board does not answer just now; look again shortly."
    ),
    "not_understood": Text("无法按此条件查找。", "This search was not understood."),
    "sheet": Text("司机单", "Driver's sheet"),
    "sheet.empty": Text("此方案没有车辆出行。", "No vehicle moves in this plan."),
    "sheet.planning": Text("正在规划，请稍后再看。", "It is being planned; look again shortly."),
    "sheet.failed": Text("规划没有成功，请重新请求。", "Planning has failed; ask for a new plan."),
    "sheet.departs": Text("出发", "Leaves"),
    "sheet.returns": Text("返回", "Back"),
    "sheet.distance": Text("全程 {km} 公里", "{km} km in all"),
    "sheet.load": Text("载货 {kg} 公斤", "{kg} kg in all"),
    "sheet.plan": Text("路线", "Route"),
    "sheet.print": Text("打印", "Print"),
    "sheet.print.about": Text("打印时一车一页，只印单子本身。", "Printed, each vehicle has a page of its own."),
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
    "sheet.clock": Text("时间为北京时间", "Times are Beijing time"),
    "sheet.left": Text("未能安排的运单", "Shipments left over"),
    "distances.great_circle": Text(
        "里程是估算的：直线距离加三成", "distances are estimated: as the crow flies, plus 30%"
    ),
    "distances.osrm": Text("里程按道路（OSRM）", "distances are by road (OSRM)"),
    "distances.valhalla": Text("里程按道路（Valhalla）", "distances are by road (Valhalla)"),
    "watch_52": Text("挂牌督战县", "county under supervision"),
    "poverty_832": Text("脱贫县", "former poverty county"),
}


def texts(language: Language) -> Callable[[str], str]:
    """A template's `t`: the text of that name."""
    return lambda name: TEXTS[name].in_language(language)
