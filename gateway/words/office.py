"""Programmes, settlements, flags and clawbacks in both languages: what officers and auditors read."""

from chassis.problems import Text
from gateway.words.told import Told

OF_THE_BANK = Text("银行凭证号", "Reference of the bank's transfer")

OPERATIONS: dict[str, Told] = {
    "open_programme": Told(
        Text("设立补贴项目", "Open a programme"), Text("自 `starts_at` 起生效。", "It is active from `starts_at`.")
    ),
    "list_programmes": Told(Text("列出补贴项目", "List programmes"), Text("最新的在前。", "Newest first.")),
    "read_programme": Told(
        Text("看一个补贴项目", "Read a programme"),
        Text("项目及其资金，取自同一时刻。", "With its money, all of it of one moment."),
    ),
    "change_rules": Told(
        Text("申请更改规则", "Ask for new rules"),
        Text(
            "另一名经办批准后生效，或自 `effective_at` 起；未写的保持不变。此前登记的仍按当时的规则。",
            "In effect once another officer approves, or from `effective_at`; what is left out stays. What was "
            "registered before goes by the rules in force then.",
        ),
        {409: ("programme-closed",)},
    ),
    "top_up": Told(
        Text("申请追加预算", "Ask for more money"),
        Text("另一名经办批准后到账。", "It is there once another officer approves."),
        {409: ("programme-closed", "budget-too-large")},
    ),
    "pause_programme": Told(
        Text("申请暂停", "Ask for a pause"),
        Text(
            "另一名经办批准后不再支付新的补贴；已预占的照付。自己的暂停申请仍待批准时，答复即为该申请。",
            "Once another officer approves it pays for nothing new; what was reserved is paid. Where your own waits "
            "for approval already, that one is answered.",
        ),
        {409: ("programme-closed", "nothing-to-change")},
    ),
    "resume_programme": Told(
        Text("申请恢复", "Ask to resume"),
        Text("另一名经办批准后重新支付。", "It pays again once another officer approves."),
        {409: ("programme-closed", "nothing-to-change")},
    ),
    "close_programme": Told(
        Text("申请关闭", "Ask to close"),
        Text(
            "另一名经办批准后永不再支付新的补贴；已预占的照付。",
            "Once another officer approves it never pays for anything new again; what was reserved is paid.",
        ),
        {409: ("programme-closed",)},
    ),
    "list_approvals": Told(
        Text("列出更改申请", "List what was asked to change"),
        Text("最新的在前；可按状态筛选。", "Newest first; by status."),
    ),
    "read_approval": Told(
        Text("看一个更改申请", "Read what was asked to change"),
        Text("所求与决定。", "What was asked for, and what was decided."),
    ),
    "list_all_approvals": Told(
        Text("列出各项目的更改申请", "List what was asked to change of any programme"),
        Text("最新的在前；可按状态筛选。", "Newest first; by status."),
    ),
    "list_rules": Told(
        Text("列出规则的各版本", "List the versions of the rules"),
        Text("最新的在前，一次全部列出。", "Newest first, all at once."),
    ),
    "decide_on_change": Told(
        Text("批准或否决", "Approve or reject"),
        Text("须由申请人以外的经办决定。", "By another officer than the one who asked."),
        {
            403: ("forbidden", "second-officer-needed"),
            409: ("already-decided", "programme-closed", "nothing-to-change", "budget-too-large"),
        },
    ),
    "list_transfers": Told(
        Text("列出分录", "List transfers"),
        Text(
            "按次序；每条带有前一条与自身的哈希。",
            "The chain, in its order: each transfer with the hash of the one before and its own.",
        ),
    ),
    "verify_programme": Told(
        Text("核验账本", "Verify the ledger"),
        Text(
            "走完整条链：每条分录是否如初，是否得出项目的余额。",
            "Walks the whole chain: is every transfer as it was written, and does it lead to the balances?",
        ),
    ),
    "export_ledger": Told(
        Text("导出账本", "Take the ledger away"),
        Text(
            "一行一个 JSON：全部分录与每日封存；用 `duijie ledger verify` 可脱离系统核验。",
            "A JSON object a line: all transfers, with the sealed days; `duijie ledger verify` walks it from outside.",
        ),
    ),
    "list_sealed_days": Told(
        Text("列出每日封存", "List sealed days"),
        Text(
            "每日（北京时间）终了时链的位置；留存其一，账本便无从另写。",
            "Where the chain stood when each day (Asia/Shanghai) was over; keep one, and it can't be written anew.",
        ),
    ),
    "read_balances": Told(
        Text("看任一时刻的余额", "Read the balances of any moment"),
        Text("`at` 及以前的全部分录之和。", "The sum of all transfers up to `at`."),
    ),
    "read_burn_down": Told(
        Text("看资金消耗", "Read how the money goes down"),
        Text(
            "逐日，及照最近七天的速度何日用尽。",
            "Day by day, and when it ends at the rate of the last seven.",
        ),
    ),
    "freeze_settlement": Told(
        Text("生成结算单", "Freeze a settlement"),
        Text(
            "冻结某承运商（或生产者）一段时间内记账而未入任何结算单的补贴。日期含末日；时刻不含。",
            "All that was posted for a carrier (or producer) in a period and is in no statement yet. Days are whole, "
            "the last one too; an instant ends the period before it.",
        ),
        {404: ("not-found",), 409: ("nothing-to-settle",)},
    ),
    "list_settlements": Told(
        Text("列出结算单", "List settlements"),
        Text("最新的在前；承运商与生产者只见自己的。", "Newest first; carriers and producers see their own."),
    ),
    "list_owed": Told(
        Text("列出待结算", "List what is owed"),
        Text(
            "某项目已记账而未入任何结算单的补贴，按收款方。",
            "What a programme owes that is in no statement yet, by who is paid.",
        ),
        {404: ("not-found",)},
    ),
    "read_settlement": Told(
        Text("看一张结算单", "Read a settlement"),
        Text(
            "JSON 分页列出明细；`Accept: text/csv` 或 XLSX 得到全部明细，加 `language` 则供人阅读。",
            "JSON with a page of its lines; all of them as CSV (`Accept: text/csv`) or XLSX, for people with a "
            "`language`.",
        ),
    ),
    "pay_settlement": Told(
        Text("拨付结算单", "Pay a settlement"),
        Text(
            "拨付仍应付的金额，并记下银行凭证号；同号重复不再拨付。",
            "What is still owed, with the bank's reference; the same again changes nothing.",
        ),
        {409: ("already-paid", "nothing-to-pay", "reference-taken", "payout-held", "correction-pending")},
    ),
    "ask_for_correction": Told(
        Text("申请更正结算单", "Ask for a correction"),
        Text(
            "拨付之前指明有误的明细与理由；另一名经办决定之前不拨付。拨付之后改用追回。",
            "Names lines that are wrong, and why, before the statement is paid; nothing is paid until another officer "
            "has decided. Once it is paid, that is a clawback.",
        ),
        {409: ("already-paid",)},
    ),
    "list_corrections": Told(
        Text("列出更正", "List corrections"), Text("一张结算单的，最新的在前。", "Of a settlement, newest first.")
    ),
    "read_correction": Told(
        Text("看一项更正", "Read a correction"),
        Text("及其所涉的各行，按现状。", "With the lines that it is about, as they are now."),
    ),
    "decide_on_correction": Told(
        Text("决定更正", "Decide on a correction"),
        Text(
            "由另一名经办决定；批准即冲正这些补贴，不再拨付。",
            "By another officer; approved, these subsidies are reversed, and not paid.",
        ),
        {403: ("forbidden", "second-officer-needed"), 409: ("already-paid", "already-decided")},
    ),
    "reconcile_settlements": Told(
        Text("与银行流水对账", "Reconcile with the bank"),
        Text(
            "银行流水 CSV：`reference` 与 `amount_fen`（或 `amount`，元）。逐笔分为相符、差额、重复、缺失、未知，"
            "各列至多 `limit` 笔，`counts` 为总数。",
            "The bank's CSV: `reference` and `amount_fen` (or `amount`, yuan). Each is matched, off by so many fen, "
            "doubled, missing, or unknown; of each at most `limit` are listed, and `counts` is of all.",
        ),
    ),
    "list_flags": Told(
        Text("列出疑点", "List fraud flags"),
        Text(
            "最新的在前，各附规则与证据；可按补贴项目、结算单、规则、状态、复核人筛选。",
            "Newest first, each with its rule and evidence; by programme, settlement, rule, status and reviewer.",
        ),
    ),
    "review_flag": Told(
        Text("复核疑点", "Review a flag"),
        Text(
            "复核之前不能拨付；疑点本身不拒绝任何补贴。",
            "It holds the payout until it is reviewed, and refuses nothing by itself.",
        ),
        {409: ("reviewed-already",)},
    ),
    "open_clawback": Told(
        Text("发起追回", "Open a clawback"),
        Text(
            "写明事由与证据，通知收款方；默认 14 天内可申诉。",
            "With its cause and evidence; the payee may object, by default for 14 days.",
        ),
        {404: ("not-found",), 409: ("claimed-back-already",)},
    ),
    "list_clawbacks": Told(
        Text("列出追回案", "List clawbacks"),
        Text(
            "最新的在前；承运商与生产者只见针对自己的。", "Newest first; carriers and producers see those against them."
        ),
    ),
    "read_clawback": Told(
        Text("看一个追回案", "Read a clawback"), Text("及其所涉补贴。", "With the subsidies that it is about.")
    ),
    "object_to_clawback": Told(
        Text("申诉", "Object"), Text("在申诉期内。", "Within the objection period."), {409: ("no-objection",)}
    ),
    "decide_on_clawback": Told(
        Text("决定追回", "Decide on a clawback"),
        Text(
            "由发起人以外的经办，在收到申诉后或申诉期满后；成立的从下次结算中抵扣。"
            "误发的，发起人可随时以 `dismiss` 撤回。",
            "By another officer than who opened it, once there was an objection or its period is over; what is upheld "
            "is netted from the next settlement. Who opened it by mistake may take it back at any time: `dismiss`.",
        ),
        {403: ("forbidden", "second-officer-needed"), 409: ("clawback-decided", "objection-period")},
    ),
    "record_repayment": Told(
        Text("登记退款", "Record a repayment"),
        Text("收款方自行退回的金额；同号重复不再入账。", "What the payee paid back; the same again changes nothing."),
        {409: ("not-recoverable", "repaid-otherwise")},
    ),
}

PARAMETERS: dict[str, Text] = {
    "programme_id": Text("补贴项目的标识", "Id of the programme"),
    "approval_id": Text("更改申请的标识", "Id of what was asked"),
    "settlement_id": Text("结算单的标识", "Id of the settlement"),
    "payee_id": Text("收款的承运商或生产者", "The carrier or producer who is paid"),
    "language": Text(
        "给出则表格供人阅读：以此语言、元、北京时间",
        "Given, a table is for reading: in this language, in yuan and China's time",
    ),
    "payee_name": Text("供人阅读的表格里收款方的名称", "How a table for reading calls the payee"),
    "from": Text("自哪日（北京时间）", "From this day on (Asia/Shanghai)"),
    "to": Text("至哪日，含当日", "To this day, all of it"),
    "rule": Text("规则", "The rule"),
    "reviewed_by": Text("复核的经办的标识", "Id of the officer who reviewed it"),
    "flag_id": Text("疑点的标识", "Id of the flag"),
    "correction_id": Text("更正的标识", "Id of the correction"),
    "clawback_id": Text("追回案的标识", "Id of the clawback"),
}

MEMBERS: dict[str, Text] = {
    "RuleOut.version": Text("规则的版本", "Version of the rules"),
    "RuleOut.effective_at": Text("自何时生效", "From when on it is in effect"),
    "funder": Text("出资方", "Who pays"),
    "budget_fen": Text("预算，分", "Budget, fen"),
    "rate_fen": Text("每个包裹（或每公斤）的补贴，分", "Subsidy per parcel (or kg), fen"),
    "starts_at": Text("开始", "Begins"),
    "ends_at": Text("结束", "Ends"),
    "eligibility": Text("条件，须全部满足", "Conditions; all must hold"),
    "adcodes": Text("产地代码的开头", "How codes of origins begin"),
    "Eligibility.produce": Text("农产品代号", "Slugs of produce"),
    "EligibilityOut.produce": Text("农产品代号", "Slugs of produce"),
    "caps": Text("每日上限：包裹数，或公斤", "Caps a day: parcels, or kg"),
    "per_producer_per_day": Text("每个生产者每天", "Per producer and day"),
    "per_carrier_per_day": Text("每个承运商每天", "Per carrier and day"),
    "NewTopUp.amount_fen": Text("追加多少，分", "How much more, fen"),
    "effective_at": Text("自何时生效，默认批准之时", "From when on; by default when it is approved"),
    "note": Text("说明", "Why"),
    "decision": Text("批准或否决", "Approve it or reject it"),
    "approval_id": Text("更改申请的标识", "Id of what was asked"),
    "wanted": Text("申请更改的内容", "What was asked to change"),
    "asked_by": Text("申请的经办", "The officer who asked"),
    "asked_at": Text("申请时间", "When it was asked"),
    "decided_by": Text("决定的经办", "The officer who decided"),
    "decided_at": Text("决定时间", "When it was decided"),
    "available_fen": Text("可用，分", "Available, fen"),
    "reserved_fen": Text("预占，分", "Reserved, fen"),
    "posted_fen": Text("记账，分", "Posted, fen"),
    "paid_fen": Text("已拨付，分", "Paid out, fen"),
    "parcels": Text("包裹，按补贴结果", "Parcels by what became of their subsidy"),
    "reserved": Text("预占", "Reserved"),
    "posted": Text("记账", "Posted"),
    "voided": Text("释放", "Voided"),
    "reversed": Text("冲正", "Reversed"),
    "refused": Text("未予补贴", "Refused"),
    "exhausted_at": Text("用尽时间", "When it ran out"),
    "days_left_at_this_rate": Text("照此速度还可用几天", "Days left at this rate"),
    "ok": Text("是否完好", "Whether all is as written"),
    "transfers": Text("分录数", "Transfers"),
    "head": Text("链末的哈希", "The hash that the chain leads to"),
    "SealOut.head": Text("当日最后一条分录的哈希", "Hash of the day's last transfer"),
    "day": Text("日（北京时间）", "Day (Asia/Shanghai)"),
    "prev": Text("前一个的哈希", "Hash of the one before"),
    "hash": Text("哈希", "Hash"),
    "days": Text("逐日", "Day by day"),
    "committed_fen": Text("当日终了时已预占、记账或拨付，分", "Reserved, posted or paid when the day was over, fen"),
    "rate_fen_per_day": Text("最近七天每日用去，分", "What the last seven days took, a day, fen"),
    "ends_on": Text(
        "照此速度何日用尽；项目结束前用不尽为 null",
        "The day on which it ends at that rate; null where it outlasts the programme",
    ),
    "NewSettlement.from": Text("自何日（北京时间）或何时", "From this day (Asia/Shanghai), or instant, on"),
    "NewSettlement.to": Text("至何日（含）或何时（不含）", "To this day, all of it, or before this instant"),
    **{f"{each}.reference": OF_THE_BANK for each in ("NewPayment", "SettlementOut", "StatementOut", "PayoutOut")},
    **{f"{each}.reference": OF_THE_BANK for each in ("BankRowOut", "DifferenceOut")},
    "begins_at": Text("自何时", "From when on"),
    "SettlementOut.ends_at": Text("至何时（不含）", "Before this"),
    "StatementOut.ends_at": Text("至何时（不含）", "Before this"),
    "lines": Text("明细条数", "How many lines"),
    "since": Text("其中最早的记账时间", "When the first of it was posted"),
    "frozen_at": Text("冻结时间", "When it was frozen"),
    "paid_at": Text("拨付时间", "When it was paid"),
    "posted_at": Text("记账时间", "When it was posted"),
    "FlagOut.rule": Text("规则", "The rule"),
    "FlagOut.evidence": Text("规则所看到的数字", "The numbers that the rule looked at"),
    "subject": Text("面单号、匹配或收款方", "The waybill, match or payee"),
    "raised_at": Text("标出时间", "When it was raised"),
    "reviewed_by": Text("复核的经办", "The officer who reviewed it"),
    "reviewed_at": Text("复核时间", "When it was reviewed"),
    "verdict": Text("排除或证实", "Clear it, or confirm it"),
    **{
        f"{each}.settlement_id": Text("结算单的标识", "Id of the settlement")
        for each in ("FlagOut", "CorrectionOut", "WholeCorrectionOut")
    },
    "NewCorrection.reason": Text("何处有误", "What is wrong with them"),
    "CorrectionOut.reason": Text("何处有误", "What is wrong with them"),
    "WholeCorrectionOut.reason": Text("何处有误", "What is wrong with them"),
    "owed_fen": Text("拨付时应付，分", "What was owed when it was paid, fen"),
    "due": Text("现在拨付会是多少；已拨付为 null", "What its payment would come to now; null once it is paid"),
    "DueOut.owed_fen": Text("现应付，分", "Owed now, fen"),
    "DueOut.recovered_fen": Text("其中抵扣追回，分", "Kept of it for clawbacks, fen"),
    "DueOut.paid_fen": Text("应转账，分", "To be transferred, fen"),
    "recovered_fen": Text("已追回，分", "Recovered, fen"),
    "SettlementOut.recovered_fen": Text("其中抵扣追回，分", "Kept of it for clawbacks, fen"),
    "StatementOut.recovered_fen": Text("其中抵扣追回，分", "Kept of it for clawbacks, fen"),
    "payee_id": Text("收款的承运商或生产者", "The carrier or producer who was paid"),
    "waybills": Text("面单号", "Numbers of waybills"),
    "match_ids": Text("匹配的标识", "Ids of matches"),
    "cause": Text("事由", "Why"),
    "evidence": Text("证据", "What shows it"),
    "objection_days": Text("可申诉几天", "For how many days the payee may object"),
    "objection": Text("申诉", "What the payee says"),
    "NewObjection.text": Text("申诉", "What you say"),
    "objection_until": Text("至何时可申诉", "Until when the payee may object"),
    "objected_at": Text("申诉时间", "When it objected"),
    "noticed_at": Text("通知时间", "When notice was given"),
    "opened_by": Text("发起的经办；空为系统", "The officer who opened it; null for the platform"),
    "subject_id": Text("包裹（或匹配）的标识", "Id of the parcel (or match)"),
    "came_back_at": Text("得知退回的时间", "When it was told to have come back"),
    "NewRepayment.reference": OF_THE_BANK,
    "state": Text("应付、已冲正、已拨付、拨付后退回", "Owed, reversed, paid, or come back after that"),
    "frozen_by": Text("冻结的经办", "The officer who froze it"),
    "paid_by": Text("拨付的经办", "The officer who paid it"),
    "is_clean": Text("是否全部相符", "Whether all is matched"),
    "counts": Text("各有几笔", "How many there are of each"),
    "CountsOut.unknown": Text("不属于本系统", "In the bank's list, and not ours"),
    "matched_fen": Text("相符的合计，分", "What the matched come to, fen"),
    "matched": Text("相符", "Paid once, to the fen"),
    "off": Text("金额不符", "Paid once, another amount"),
    "doubled": Text("重复付款", "Paid more than once"),
    "missing": Text("银行流水中没有", "Ours, and not in the bank's list"),
    "ReconciledOut.unknown": Text("不属于本系统", "In the bank's list, and not ours"),
    "expected_fen": Text("应付，分", "What is written here, fen"),
    "bank_fen": Text("银行所付，分", "What the bank paid, fen"),
    "off_by_fen": Text("银行多付几分", "How much more the bank paid, fen"),
    "line": Text("银行文件中的行号", "Line of the bank's file"),
    "first_bad_seq": Text("第一条有误的编号", "Place of the first wrong transfer"),
}
