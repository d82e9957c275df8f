"""Who uses which part of the surface: the order of the reference, and the names of its parts."""

from chassis.problems import Text

AUDIENCES: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (Text("所有人", "Everyone"), ("accounts", "reference", "board")),
    (Text("生产者与代办员", "Producers and agents"), ("listings", "producers")),
    (Text("平台、团长与市民", "Platforms, group leaders and citizens"), ("orders", "webhooks")),
    (Text("买卖双方", "Both sides"), ("matches", "feed")),
    (Text("承运商", "Carriers"), ("vehicles", "shipments", "routes", "parcels")),
    (Text("补贴管理与审计", "Programme officers and auditors"), ("programmes", "settlements", "flags", "clawbacks")),
    (Text("监管", "Supervisors"), ("backlog",)),
    (Text("管理员", "Administrators"), ("rounds",)),
)

TAGS: dict[str, Text] = {
    "accounts": Text("账户与登录", "Accounts and signing in"),
    "reference": Text("名称与代码", "Names and codes"),
    "board": Text("公益供应榜", "Public board"),
    "listings": Text("供应信息", "Listings"),
    "producers": Text("授权", "Consents"),
    "orders": Text("求购", "Orders"),
    "webhooks": Text("推送地址", "Webhooks"),
    "matches": Text("匹配", "Matches"),
    "feed": Text("推送流", "Feed"),
    "vehicles": Text("车辆", "Vehicles"),
    "shipments": Text("运单", "Shipments"),
    "routes": Text("路线", "Routes"),
    "parcels": Text("包裹", "Parcels"),
    "programmes": Text("补贴项目", "Programmes"),
    "settlements": Text("结算", "Settlements"),
    "flags": Text("疑点", "Fraud flags"),
    "clawbacks": Text("追回", "Clawbacks"),
    "backlog": Text("积压与预测", "Backlog and its forecast"),
    "rounds": Text("撮合轮与规则", "Rounds and policy"),
}
