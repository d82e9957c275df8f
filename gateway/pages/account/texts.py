"""What the page of one's own account says."""

from chassis.problems import Text

TEXTS: dict[str, Text] = {
    "account": Text("我的账户", "Your account"),
    "account.phone": Text("手机号", "Phone number"),
    "account.role": Text("身份", "Role"),
    "account.id": Text("账户编号", "Account id"),
    "account.name": Text("名称", "Name"),
    "account.name.hint": Text(
        "取货、送货的司机按这个名称找您。", "Drivers who fetch or bring goods ask for you by it."
    ),
    "account.no_name": Text("还没有名称", "No name yet"),
    "account.save": Text("保存", "Save"),
    "account.done.name": Text("名称已保存。", "The name is saved."),
    "account.done.session": Text("已在那里退出登录。", "You are signed out there."),
    "account.language": Text("语言", "Language"),
    "account.sessions": Text("在哪里登录了", "Where you are signed in"),
    "account.sessions.none": Text("没有长期保持的登录。", "You are signed in nowhere for long."),
    "account.since": Text("登录于", "Since"),
    "account.used": Text("最近使用", "Last used"),
    "account.until": Text("到期", "Ends"),
    "account.program": Text("凭密钥", "By key"),
    "account.person": Text("凭手机", "By phone"),
    "account.kind": Text("方式", "How"),
    "account.here": Text("本机", "this device"),
    "account.end": Text("退出", "Sign out"),
    "account.end_all": Text("全部退出", "Sign out everywhere"),
    "account.data": Text("我的数据", "Your data"),
    "account.data.about": Text(
        "我们保存的关于您的全部数据，是一个 JSON 文件。", "Everything we hold about you, in one JSON file."
    ),
    "account.export": Text("下载我的数据", "Download your data"),
    "account.erase": Text("注销账户", "Erase the account"),
    "account.erase.about": Text(
        "姓名、手机号与坐标会被永久删除；与他人的成交记录以代号保留。无法撤销。",
        "Your name, phone number and places are deleted for good; what you agreed with others stays, under a "
        "pseudonym. It can't be undone.",
    ),
    "account.erase.ask": Text("向我的手机发送验证码", "Send a code to my phone"),
    "account.erase.sure": Text(
        "确定注销？输入验证码后，账户立即失效。", "Are you sure? With this code the account is gone at once."
    ),
    "account.erase.yes": Text("是的，永久注销", "Yes, erase it for good"),
    "account.erase.keep": Text("不，保留账户", "No, keep it"),
    "account.erase.machine": Text(
        "这个账户没有手机号，请通过接口注销。", "This account has no phone number; erase it through the API."
    ),
}
