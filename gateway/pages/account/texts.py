"""What the page of one's own account says."""

from chassis.problems import Text

TEXTS: dict[str, Text] = {
    "account": Text("我的账户", "Your account"),
    "account.phone": Text("手机号", "Phone number"),
    "account.role": Text("身份", "Role"),
    "account.id": Text("账户编号", "Account id"),
    "account.name": Text("名称", "Name"),
    "account.name.hint": Text("来取货、送货的司机按它找您。", "Drivers ask for you by it."),
    "account.no_name": Text("还没有名称", "no name yet"),
    "account.save": Text("保存", "Save"),
    "account.done.name": Text("名称已保存。", "The name is saved."),
    "account.done.session": Text("那一处已退出。", "It is signed out there."),
    "account.language": Text("语言", "Language"),
    "account.sessions": Text("在哪里登录了", "Where you are signed in"),
    "account.sessions.none": Text("没有可续期的登录。", "No session that renews itself."),
    "account.since": Text("登录于", "Since"),
    "account.used": Text("最近使用", "Last used"),
    "account.until": Text("到期", "Ends"),
    "account.program": Text("凭密钥", "with the key"),
    "account.person": Text("本人", "person"),
    "account.kind": Text("谁", "Who"),
    "account.here": Text("这里", "here"),
    "account.end": Text("退出", "Sign out"),
    "account.end_all": Text("全部退出", "Sign out everywhere"),
    "account.data": Text("我的数据", "Your data"),
    "account.data.about": Text(
        "我们存有的关于您的一切，一个 JSON 文件。", "Everything that is held of you, as one JSON file."
    ),
    "account.export": Text("下载我的数据", "Download your data"),
    "account.erase": Text("注销账户", "Erase the account"),
    "account.erase.about": Text(
        "姓名、手机号与坐标会被永久删除；与他人的成交记录以代号保留。无法撤销。",
        "Name, phone and places are forgotten for good; what you had with others stays under a pseudonym. "
        "It can't be undone.",
    ),
    "account.erase.ask": Text("向我的手机发送验证码", "Send a code to my phone"),
    "account.erase.sure": Text(
        "确定注销？输入验证码后，账户立即失效。", "Really? With this code the account is gone at once."
    ),
    "account.erase.yes": Text("是的，永久注销", "Yes, erase it for good"),
    "account.erase.keep": Text("不，保留账户", "No, keep it"),
    "account.erase.machine": Text(
        "这个账户没有手机号，请通过接口注销。", "This account has no phone; it is erased through the API."
    ),
}
