"""What the pages of statements, clawbacks and the bank's list say, in both languages."""

from chassis.problems import Text

EVIDENCE: dict[str, Text] = {
    "registered": Text("登记的包裹", "Parcels registered"),
    "subsidised": Text("其中受补贴", "of them subsidised"),
    "others_asked": Text("其他承运商的申请", "Others asked for"),
    "others_subsidised": Text("其中受补贴", "of those subsidised"),
    "declared_g": Text("申报（克）", "Declared (g)"),
    "weighed_g": Text("称得（克）", "Weighed (g)"),
    "from": Text("从", "From"),
    "to": Text("到", "To"),
    "left_at": Text("离开", "Left at"),
    "arrived_at": Text("到达", "Arrived at"),
    "km_h": Text("公里/小时", "km/h"),
    "recipient_adcode": Text("收件地", "Recipient"),
    "weight_g": Text("重量（克）", "Weight (g)"),
    "parcels": Text("包裹数", "Parcels"),
    "fetched_at": Text("取货", "Fetched at"),
    "first_delivered_at": Text("首件送达", "First delivered at"),
}
"""What a rule looked at, by its name in the flag."""

SETTLING: dict[str, Text] = {
    "programmes.flags": Text("疑点", "Flags"),
    "flags.none": Text("没有待复核的疑点。", "No flag waits for review."),
    "flags.about": Text(
        "疑点在复核之前扣住拨付。“排除”即没有问题；“证实”即有问题，但不动钱：有问题的明细请在下面要求更正。"
        "复核过其中一个的人不能拨付这张结算单，须由另一名经办拨付。",
        "A flag holds the payout until it is reviewed. “Clear”: nothing is wrong. “Confirm”: something is, and that "
        "moves no money, so ask below for a correction of the lines that are wrong. An officer who reviewed one "
        "can't pay this statement: another officer does.",
    ),
    "flags.reviewed": Text("已复核", "Reviewed"),
    "flags.reviewed.most": Text("只显示最近的这些。", "These are the latest; there are more."),
    "flags.subject": Text("所涉", "About"),
    "flags.open": Text("待复核", "to review"),
    "flags.cleared": Text("已排除", "cleared"),
    "flags.confirmed": Text("已证实", "confirmed"),
    "flags.clear": Text("排除", "Clear"),
    "flags.confirm": Text("证实", "Confirm"),
    "flags.subsidised_share": Text("几乎全部受补贴", "Nearly all subsidised"),
    "flags.declared_weight": Text("申报重量偏大", "Declared weight too high"),
    "flags.impossible_speed": Text("速度不可能", "Impossible speed"),
    "flags.repeated_recipient": Text("同一去向重复", "Repeated recipient"),
    "flags.delivered_before_pickup": Text("送达早于取货", "Delivered before pickup"),
    "flags.never_picked_up": Text("从未报告取货", "Never picked up"),
    "flags.about.subsidised_share": Text(
        "该承运商的包裹几乎全部受补贴，而其他承运商并非如此。",
        "Nearly all of its parcels are subsidised, and others' are not.",
    ),
    "flags.about.declared_weight": Text(
        "一个匹配的包裹合计比取货时称得的重 5% 以上。",
        "A match's parcels weigh over 5 % more than was weighed when it was fetched.",
    ),
    "flags.about.impossible_speed": Text(
        "两次扫描之间，包裹比任何货车都快。", "Between two scans a parcel was faster than any lorry."
    ),
    "flags.about.repeated_recipient": Text(
        "同一匹配、同一重量、同一区县的包裹不下 20 个，且没有订单号。",
        "20 parcels or more of one match and weight to one county, without an order's number.",
    ),
    "flags.about.delivered_before_pickup": Text(
        "按扫描，包裹在取货前一小时以上即已送达。",
        "By their scans parcels were delivered over an hour before the goods were fetched.",
    ),
    "flags.about.never_picked_up": Text(
        "包裹已送达，而承运商从未报告取货；同一结算单中合计不下 20 个。",
        "Parcels were delivered of goods that the carrier never told to have fetched; 20 or more in the statement.",
    ),
    "programmes.settlements": Text("结算", "Settlements"),
    "settlements.none": Text("还没有结算单。", "There is no settlement yet."),
    "settlements.nothing_owed": Text("没有待结算的。", "Nothing is owed that is in no statement."),
    "settlements.open": Text("新结算单", "New statement"),
    "settlements.payee": Text("收款方", "Payee"),
    "settlements.from": Text("自（含）", "From"),
    "settlements.to": Text("至（含）", "To (included)"),
    "settlements.freeze": Text("冻结结算单", "Freeze the statement"),
    "settlements.statement": Text("结算单", "Statement"),
    "settlements.period": Text("期间", "Period"),
    "settlements.count": Text("笔数", "Lines"),
    "settlements.line": Text("笔", "line"),
    "settlements.lines": Text("笔", "lines"),
    "settlements.amount": Text("金额（元）", "Amount (CNY)"),
    "settlements.status": Text("状态", "State"),
    "settlements.status.frozen": Text("待拨付", "to be paid"),
    "settlements.status.paid": Text("已拨付", "paid"),
    "settlements.recovered": Text("抵扣追回（元）", "Kept for clawbacks (CNY)"),
    "settlements.paid": Text("实付（元）", "Transferred (CNY)"),
    "settlements.pay": Text("拨付", "Pay"),
    "settlements.held": Text("有疑点尚未复核，现在不能拨付。", "Flags are not reviewed yet: it can't be paid now."),
    "settlements.held.correction": Text(
        "有更正待另一名经办决定，现在不能拨付。", "A correction waits for another officer: it can't be paid now."
    ),
    "settlements.held.reviewer": Text(
        "您复核过这张结算单的疑点，须由另一名经办拨付。",
        "You reviewed a flag of this statement: another officer pays it.",
    ),
    "settlements.held.nothing": Text("明细都已冲正，没有应付的了。", "All its lines are reversed: nothing is owed."),
    "settlements.pay.about": Text(
        "请转账 {paid} 元：现应付 {owed} 元，其中抵扣追回 {recovered} 元。转账后登记银行凭证号，即记为已拨付，"
        "不能撤回。",
        "Transfer {paid} CNY: {owed} CNY are owed, of which {recovered} CNY are kept for clawbacks. Then give the "
        "bank's reference; with it the statement counts as paid, for good.",
    ),
    "settlements.pay.netted": Text(
        "不用转账：应付的 {owed} 元全部抵扣追回。登记一个凭证号即记为已拨付，不能撤回。",
        "Transfer nothing: all {owed} CNY owed are kept for clawbacks. Give a reference; with it the statement counts "
        "as paid, for good.",
    ),
    "corrections": Text("更正", "Corrections"),
    "corrections.about": Text(
        "写明有误的明细和原因，由另一名经办决定；批准后这些明细冲正，不再支付。决定之前不能拨付。",
        "Name the lines that are wrong, and why; another officer decides. Approved, they are reversed and not paid. "
        "Until then nothing is paid.",
    ),
    "corrections.none": Text("没有更正。", "There is no correction."),
    "corrections.which": Text("查看所涉明细", "See the lines that it is about"),
    "corrections.ask": Text("要求更正", "Ask for a correction"),
    "corrections.waybills": Text("有误的面单号", "Waybills that are wrong"),
    "corrections.match_ids": Text("有误的匹配编号", "Matches that are wrong"),
    "corrections.lines.hint": Text(
        "每行一个，或以逗号分开；一次至多 1,000 个。", "One a line, or with commas between; 1,000 at most."
    ),
    "corrections.reason": Text("原因", "Reason"),
    "corrections.own": Text(
        "这是您自己要求的，须由另一名经办批准；您可以撤回。",
        "You asked for this yourself: another officer approves it. You may take it back.",
    ),
    "settlements.reference": Text("银行凭证号", "Reference of the bank"),
    "settlements.reference.hint": Text("日后凭它与银行流水对账。", "By it the bank's list is reconciled later."),
    "settlements.items": Text("明细", "Lines"),
    "settlements.as_xlsx": Text("下载 XLSX", "Download XLSX"),
    "settlements.as_csv": Text("下载 CSV", "Download CSV"),
    "settlements.as_data": Text(
        "以上供人阅读：元、北京时间。供程序读取的（分、UTC）：",
        "These are for reading: yuan, China's time. For programs, in fen and UTC:",
    ),
    "settlements.as_data.csv": Text("数据 CSV", "data CSV"),
    "settlements.owed": Text("拨付时应付（元）", "Owed when paid (CNY)"),
    "settlements.reversed": Text("已冲正，不付（元）", "Reversed, not paid (CNY)"),
    "settlements.owed.now": Text("现应付（元）", "Owed now (CNY)"),
    "settlements.recovered.now": Text("其中抵扣追回（元）", "Kept of it for clawbacks (CNY)"),
    "settlements.to_pay": Text("应转账（元）", "To transfer (CNY)"),
    "settlements.waybill": Text("面单号或成交号", "Waybill or match"),
    "settlements.posted": Text("记账时间", "Posted"),
    "settlements.line.owed": Text("应付", "owed"),
    "settlements.line.reversed": Text("已冲正", "reversed"),
    "settlements.line.paid": Text("已拨付", "paid"),
    "settlements.line.came_back": Text("拨付后退回", "came back"),
}

RECOVERING: dict[str, Text] = {
    "clawbacks": Text("追回", "Clawbacks"),
    "clawbacks.about": Text(
        "已经拨付、而收款方不该得到的钱，由此追回：先通知，对方可以申诉，再由另一名经办决定。",
        "Money that was paid to someone not entitled to it is recovered here: first a notice, to which the payee may "
        "object; then another officer decides.",
    ),
    "clawbacks.see": Text("查看与发起追回", "See and open clawbacks"),
    "clawbacks.see.only": Text("查看追回", "See clawbacks"),
    "clawbacks.none": Text("没有追回。", "There is no clawback."),
    "clawbacks.status.noticed": Text("已通知", "notice given"),
    "clawbacks.status.objected": Text("对方已申诉", "objected to"),
    "clawbacks.status.upheld": Text("维持，待收回", "upheld, to be recovered"),
    "clawbacks.status.dismissed": Text("已撤销", "dismissed"),
    "clawbacks.status.recovered": Text("已收回", "recovered"),
    "clawbacks.payee": Text("向谁追回", "From whom"),
    "clawbacks.cause": Text("原因", "Cause"),
    "clawbacks.cause.returned_after_payment": Text("拨付后退回", "Returned after payment"),
    "clawbacks.cause.not_delivered": Text("没有送达", "Not delivered"),
    "clawbacks.cause.false_weight": Text("重量不实", "False weight"),
    "clawbacks.cause.duplicate": Text("重复申领", "Claimed twice"),
    "clawbacks.cause.other": Text("其他", "Other"),
    "clawbacks.evidence": Text("依据", "Evidence"),
    "clawbacks.evidence.hint": Text("收款方也会看到。", "The payee reads it, too."),
    "clawbacks.noticed": Text("通知", "Notice"),
    "clawbacks.by_platform": Text("系统自动发起", "opened by the platform"),
    "clawbacks.objection": Text("申诉", "Objection"),
    "clawbacks.recovered": Text("已收回", "Recovered"),
    "clawbacks.left": Text("尚余", "left"),
    "clawbacks.came_back": Text("退回时间", "Came back at"),
    "clawbacks.own": Text(
        "这是您自己发起的，须由另一名经办决定；您可以撤回。",
        "You opened this yourself: another officer decides. You may take it back.",
    ),
    "clawbacks.waits": Text(
        "对方在 {when} 之前可以申诉；收到申诉或期满之后才能决定。",
        "The payee may object until {when}; it is decided after that, or once an objection has come.",
    ),
    "clawbacks.uphold": Text("维持", "Uphold"),
    "clawbacks.dismiss": Text("撤销", "Dismiss"),
    "clawbacks.netted": Text(
        "从此项目以后给对方的拨付中扣除；对方自己退还的，在此登记。",
        "It is kept from the programme's next payments to them; what they pay back by themselves is recorded here.",
    ),
    "clawbacks.repaid": Text("登记退还", "Record a repayment"),
    "clawbacks.repaid.record": Text("登记", "Record it"),
    "clawbacks.open": Text("发起追回", "Open a clawback"),
    "clawbacks.open.about": Text(
        "一次写同一收款方的、已经拨付的明细。尚未拨付的，在结算单上要求更正。发起的人不能自己决定。",
        "Name lines that were paid to one payee. What was not paid yet is corrected on its statement. An officer who "
        "opens a clawback does not decide on it.",
    ),
    "clawbacks.objection_days": Text("申诉期（天）", "Days for an objection"),
    "clawbacks.give_notice": Text("发出通知", "Give notice"),
}

BANK: dict[str, Text] = {
    "bank": Text("银行对账", "Reconcile with the bank"),
    "bank.about": Text(
        "用银行的流水核对这些天里登记的拨付，凭银行凭证号逐笔比对。不改动、也不保存任何内容。",
        "The bank's own list is held against the payments that were recorded on these days, by the bank's reference. "
        "Nothing is changed, and nothing of the file is kept.",
    ),
    "bank.file": Text("银行流水（CSV）", "The bank's list (CSV)"),
    "bank.file.hint": Text(
        "首行为栏名，须有凭证号（或流水号、摘要等）与金额（元）；UTF-8 或 GB18030。",
        "Its first line names the columns: a reference (凭证号, 流水号 …), and an amount in CNY (金额). UTF-8 or "
        "GB18030.",
    ),
    "bank.compare": Text("核对", "Compare"),
    "bank.again": Text("再核对一次", "Compare again"),
    "bank.clean": Text("全部相符。", "All of it matches."),
    "bank.not_clean": Text("有不相符的，见下。", "Not all of it matches; see below."),
    "bank.matched": Text("相符", "matched"),
    "bank.off": Text("金额不符", "Another amount"),
    "bank.off.about": Text("凭证号相符，金额不同。", "The reference is ours, the amount is not."),
    "bank.doubled": Text("重复支付", "Paid more than once"),
    "bank.doubled.about": Text("同一凭证号在流水中不止一次。", "The same reference stands in the bank's list again."),
    "bank.missing": Text("银行没有", "Not with the bank"),
    "bank.missing.about": Text("这里登记了拨付，流水中没有。", "Recorded here as paid, and not in the bank's list."),
    "bank.unknown": Text("这里没有", "Not ours"),
    "bank.unknown.about": Text(
        "流水中有，这里没有登记这样的拨付。", "In the bank's list, and no payment of these days bears the reference."
    ),
    "bank.first": Text("下面只列前 {count} 笔。", "Only the first {count} are listed."),
    "bank.line": Text("行", "Line"),
    "bank.ours": Text("登记金额（元）", "Recorded (CNY)"),
    "bank.banks": Text("银行金额（元）", "Bank's amount (CNY)"),
    "bank.by": Text("银行多付（元）", "Bank paid more by (CNY)"),
}

TEXTS = SETTLING | RECOVERING | BANK
