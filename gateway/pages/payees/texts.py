"""What the payees' pages of clawbacks say, in both languages."""

from chassis.problems import Text

TEXTS: dict[str, Text] = {
    "payees.clawbacks": Text("追回", "Clawbacks"),
    "payees.clawbacks.about": Text(
        "已经付给您、现在要求退还的补贴。不同意的，请在期限之前申诉；由第二名经办决定。",
        "Subsidies that were paid to you and are claimed back. If you disagree, object in time: a second officer "
        "decides.",
    ),
    "payees.clawbacks.none": Text("没有追回。", "Nothing is claimed back from you."),
    "payees.clawbacks.see": Text("追回与申诉", "Clawbacks and objections"),
    "payees.clawbacks.waits": Text(
        "有追回通知可以申诉，请在期限之前看一看。", "Something is claimed back from you, and you may still object."
    ),
    "payees.corrections.about": Text(
        "经办认为这些明细有误；批准后冲正，不再支付。",
        "An officer holds these lines to be wrong; approved, they are reversed and not paid.",
    ),
    "payees.clawback": Text("追回", "Clawback"),
    "payees.back": Text("返回", "Back"),
    "payees.noticed": Text("通知日期", "Notice given"),
    "payees.until": Text("申诉期限", "Object before"),
    "payees.objection": Text("您的申诉", "Your objection"),
    "payees.decided": Text("决定", "Decided"),
    "payees.note": Text("说明", "Note"),
    "payees.recovered": Text("已收回", "Recovered so far"),
    "payees.left": Text("尚余", "Left"),
    "payees.lines": Text("涉及的补贴", "Subsidies that it is about"),
    "payees.came_back": Text("得知退回", "Came back"),
    "payees.object": Text("申诉", "Object"),
    "payees.object.why": Text("为什么不对？", "Why is it wrong?"),
    "payees.object.hint": Text(
        "只能申诉一次，提交后不能更改；至多 1,500 字。",
        "You can object once, and not change it afterwards; at most 1,500 characters.",
    ),
    "payees.status.noticed": Text("待决定", "to be decided"),
    "payees.status.objected": Text("您已申诉，待决定", "you objected; to be decided"),
    "payees.status.upheld": Text("维持，待收回", "upheld, to be recovered"),
    "payees.status.dismissed": Text("已撤销", "dismissed"),
    "payees.status.recovered": Text("已收回", "recovered"),
    "payees.upheld.about": Text(
        "从此项目以后给您的拨付中扣除。自行退还的，由经办登记。",
        "It is kept from the programme's next payments to you. What you pay back yourself an officer records.",
    ),
}
