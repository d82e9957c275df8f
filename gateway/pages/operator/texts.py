"""What the operator's page says."""

from chassis.problems import Text

SILENT = Text("服务没有应答", "the service does not answer")
SAID: dict[str, Text] = {
    "database": Text("数据库没有应答", "the database does not answer"),
    "outbox": Text("最早的事件已等了 {number} 秒", "the oldest event has waited {number} s"),
    "solvers": Text(
        "求解器还没有预热，按需撮合须等待或被拒绝",
        "no solver is warm yet, and rounds on demand wait or are refused",
    ),
}
"""What services say of themselves on `/readyz`, by the names of their checks."""

TEXTS: dict[str, Text] = {
    "operator": Text("运行", "Operations"),
    "operator.about": Text("撮合、延迟与健康；有问题的在最上面。", "Rounds, lateness, health; what is wrong on top."),
    "operator.refresh": Text("刷新", "Refresh"),
    "operator.refreshes": Text("每 5 秒自动刷新", "refreshes itself every 5 s"),
    "operator.well": Text("一切正常。", "All is well."),
    "operator.well.about": Text(
        "各服务就绪，没有积压的事件，也没有死信。", "Every service is ready, no event is late, none is dead."
    ),
    "operator.do": Text("怎么办", "What to do"),
    "operator.trouble.not_ready": Text("{service} 没有就绪：{why}。", "{service} is not ready: {why}."),
    "operator.trouble.not_ready.do": Text(
        "看它的日志和它的数据库；进程会自动重启。它不在时，别的服务照常接单。",
        "Look at its log and its database; its process is started again by itself. The others take work meanwhile.",
    ),
    "operator.trouble.dead": Text(
        "{consumer} 有 {count} 个事件成了死信：由它而来的事没有发生。",
        "Events of {consumer} that went to the dead letters: {count}. What depends on them has not happened.",
    ),
    "operator.trouble.dead.do": Text(
        "用 duijie dlq list 和 show 查明原因，修正后 duijie dlq redrive。计数自进程启动起。",
        "See why with duijie dlq list and show, mend it, then duijie dlq redrive. Counted since the process began.",
    ),
    "operator.trouble.outbox": Text(
        "{service} 的事件没有发出：最早的一个已等了 {seconds} 秒，共 {count} 个在等。",
        "Events of {service} are not sent: the oldest has waited {seconds} s, {count} wait.",
    ),
    "operator.trouble.outbox.do": Text(
        "查 Kafka 是否可用、工作进程是否在运行、磁盘是否已满。恢复后会自行发完，不丢失。",
        "Is Kafka there, does the worker run, is a disk full? It drains by itself afterwards; nothing is lost.",
    ),
    "operator.trouble.lag": Text("{consumer} 落后 {count} 条记录。", "{consumer} is {count} records behind."),
    "operator.trouble.lag.do": Text(
        "增加工作进程（至多与分区数相同）；看看是否有一条记录在反复重试。",
        "Add workers, up to the partitions; look for a record that is tried again and again.",
    ),
    "operator.trouble.webhooks": Text(
        "最早到期的推送已等了 {seconds} 秒。", "The oldest delivery that is due has waited {seconds} s."
    ),
    "operator.trouble.webhooks.do": Text(
        "增加 matching 的工作进程；看看是否有合作方应答很慢。",
        "Add workers of matching; look for a partner that answers slowly.",
    ),
    "operator.trouble.task": Text(
        "工作循环 {task} 失败了 {count} 次。", "The loop {task} of a worker has failed {count} times."
    ),
    "operator.trouble.task.do": Text("日志中的 task_failed 有详情。", "task_failed in its log has the trace."),
    "operator.trouble.pool": Text("{service} 的数据库连接快用完了。", "{service} has hardly a connection left."),
    "operator.trouble.pool.do": Text(
        "查慢查询，增加进程，或在 max_connections 以内加大连接池。",
        "Slow queries, more processes, or a larger pool within max_connections.",
    ),
    "operator.trouble.paused": Text(
        "自动撮合已暂停：只在要求时撮合。", "Rounds are paused: markets are cleared on demand only."
    ),
    "operator.trouble.paused.do": Text(
        "下面可以恢复；或用 POST /v1/rounds 撮合一次。", "Resume them below, or clear once by POST /v1/rounds."
    ),
    "operator.guide": Text("手册", "Guide"),
    "operator.services": Text("各服务", "Services"),
    "operator.ready": Text("就绪", "ready"),
    "operator.late": Text("就绪，但有延迟", "ready, but late"),
    "operator.not_ready": Text("未就绪", "not ready"),
    "operator.reader": Text("消费者", "Consumer"),
    "operator.outbox": Text("待发事件", "Events to send"),
    "operator.outbox.age": Text("最早的已等", "The next has waited"),
    "operator.service": Text("服务", "Service"),
    "operator.streams": Text("打开的推送", "Open streams"),
    "operator.lag": Text("落后记录", "Records behind"),
    "operator.dead": Text("死信", "Dead letters"),
    "operator.dead.about": Text("自进程启动起。", "Since the process began."),
    "operator.webhooks": Text("推送延迟", "Deliveries late by"),
    "operator.holds": Text("等待确认的成交", "Matches that wait for a yes"),
    "operator.seconds": Text("{seconds} 秒", "{seconds} s"),
    "operator.elsewhere": Text(
        "工作进程在别处运行，其数字见监控面板（deploy/dashboards/duijie.json）；事件有延迟时上面会说。",
        "Workers run apart: see deploy/dashboards/duijie.json; late events are told above.",
    ),
    "operator.rounds": Text("撮合", "Rounds"),
    "operator.rounds.none": Text(
        "还没有撮合过。有买有卖时会自动撮合。", "No market was cleared yet; one with two sides will be."
    ),
    "operator.rounds.away": Text(
        "matching 没有应答，撮合记录暂时读不到。", "Matching does not answer; its rounds can't be read now."
    ),
    "operator.rounds.about": Text(
        "价值与贪心所得之比；差距为 0 表示已证明最优。",
        "What each is worth beside what greedy would have got; a gap of 0 is proven optimal.",
    ),
    "operator.rounds.chart": Text("比贪心多得", "Value over greedy"),
    "operator.when": Text("时间", "When"),
    "operator.produce": Text("农产品", "Produce"),
    "operator.sides": Text("供应 / 求购", "Lots / orders"),
    "operator.matches": Text("成交", "Matches"),
    "operator.matched": Text("成交公斤", "Matched (kg)"),
    "operator.value": Text("价值（元）", "Value (CNY)"),
    "operator.greedy": Text("贪心（元）", "Greedy (CNY)"),
    "operator.gain": Text("多得", "More"),
    "operator.gap": Text("差距", "Gap"),
    "operator.proven": Text("最优", "optimal"),
    "operator.part": Text("局部", "part"),
    "operator.took": Text("用时（秒）", "Took (s)"),
    "operator.timer": Text("自动撮合", "The timer"),
    "operator.timer.on": Text(
        "有变化的市场每 {seconds} 秒撮合一次。", "Changed markets are cleared every {seconds} s."
    ),
    "operator.timer.off": Text("已暂停。", "Paused."),
    "operator.timer.seconds": Text("间隔", "Interval"),
    "operator.timer.unit": Text("秒", "s"),
    "operator.timer.set": Text("改变间隔", "Set it"),
    "operator.timer.resume": Text("恢复", "Resume"),
    "operator.timer.pause": Text("暂停", "Pause"),
}
