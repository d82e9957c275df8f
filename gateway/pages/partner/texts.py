"""What a partner's pages say, in both languages."""

from chassis.problems import Text

TEXTS: dict[str, Text] = {
    "partner.about": Text(
        "您的程序怎样登录，又怎样得知匹配的进展。", "How your programs sign in, and how they hear of matches."
    ),
    "partner.about.carrier": Text(
        "您的程序怎样登录，又怎样得知运单的进展。", "How your programs sign in, and how they hear of shipments."
    ),
    "partner.keys": Text("密钥", "Keys"),
    "partner.keys.about": Text(
        "程序凭密钥登录，做您能做的事。只有登录的人能建、换、停密钥；凭密钥登录的程序不能。",
        "A program signs in with a key, and can then do what you can. Only people who are signed in make, rotate and "
        "revoke keys; programs can't.",
    ),
    "partner.keys.none": Text("还没有密钥。", "There is no key yet."),
    "partner.make_key": Text("建立密钥", "Make a key"),
    "partner.made": Text("建立于", "made"),
    "partner.used": Text("最近使用", "last used"),
    "partner.unused": Text("尚未使用", "never used"),
    "partner.rotate": Text("更换", "Rotate"),
    "partner.rotate.about": Text(
        "旧密钥和凭它登录的程序立即失效，直到程序换上新的。",
        "The old secret and what it let in end at once; your programs stand still until they have the new one.",
    ),
    "partner.rotate.sure": Text("是的，更换", "Yes, rotate it"),
    "partner.revoke": Text("停用", "Revoke"),
    "partner.revoke.about": Text(
        "凭此密钥登录的程序立即停下，不能恢复。",
        "Programs that sign in with this key stop at once; it can't be undone.",
    ),
    "partner.revoke.sure": Text("是的，停用", "Yes, revoke it"),
    "partner.secret": Text("请现在保存", "Keep this now"),
    "partner.once": Text(
        "只显示这一次，离开本页后再也看不到。", "It is shown this once: leave this page and it is gone."
    ),
    "partner.try": Text("换取令牌", "Get a token"),
    "partner.signing": Text("签名密钥", "Secret of the signatures"),
    "partner.kept": Text("已保存", "I have kept it"),
    "partner.webhooks": Text("推送地址", "Webhooks"),
    "partner.webhook": Text("推送地址", "Webhook"),
    "partner.webhooks.about": Text(
        "匹配的每次变化以 POST 发到您的网址，按 Standard Webhooks 签名。",
        "Every change of your matches is posted to your URL, signed by Standard Webhooks.",
    ),
    "partner.away": Text("暂时读不到，请稍后再看。", "This can't be read just now; look again shortly."),
    "partner.webhooks.none": Text("还没有推送地址。", "There is no webhook yet."),
    "partner.make_webhook": Text("登记推送地址", "Register a webhook"),
    "partner.url": Text("网址", "URL"),
    "partner.types": Text("哪些事件", "Which events"),
    "partner.types.hint": Text("都不选即全部。", "None ticked means all."),
    "partner.all_types": Text("全部", "all"),
    "partner.enabled": Text("正常", "working"),
    "partner.failing": Text("推送失败", "failing"),
    "partner.disabled": Text("已停用", "disabled"),
    "partner.disabled.gone": Text(
        "对方应答 410，已停用；启用后从停下之处继续。",
        "It answered 410 and was disabled; enabled it goes on where it stopped.",
    ),
    "partner.disabled.paused": Text(
        "已暂停；启用后从停下之处继续。", "It was paused; enabled it goes on where it stopped."
    ),
    "partner.disabled.failing": Text(
        "长时间推送失败，已停用；启用后从停下之处继续。",
        "It failed for too long and was disabled; enabled it goes on where it stopped.",
    ),
    "partner.enable": Text("启用", "Enable"),
    "partner.delete": Text("删除", "Delete"),
    "partner.delete.about": Text(
        "不再推送，还在等待的也不再发送，不能恢复。",
        "Nothing is sent any more, nor what waits to be; it can't be undone.",
    ),
    "partner.delete.sure": Text("是的，删除", "Yes, delete it"),
    "partner.change": Text("更换与删除", "Rotate or delete"),
    "partner.resign": Text("更换签名密钥", "Rotate the secret of the signatures"),
    "partner.resign.about": Text(
        "换一个新的签名密钥；24 小时内旧的也同时签名。",
        "A new secret signs; for 24 hours the old one does so as well.",
    ),
    "partner.deliveries": Text("推送记录", "Deliveries"),
    "partner.ping": Text("测试推送", "Send a ping"),
    "partner.ping.about": Text(
        "发送一个签名的 webhook.ping 事件，只试一次；看您的程序能否收到并验证。",
        "A signed event webhook.ping is sent, and tried once: see whether your program takes and verifies it.",
    ),
    "partner.ping.last": Text("最近一次", "The last"),
    "partner.look": Text("刷新", "Look again"),
    "partner.resend": Text("重发", "Resend"),
    "partner.redeliver": Text("重新推送", "Send again"),
    "partner.redeliver.about": Text(
        "此序号之后的全部事件重新发送，标识与先前相同。",
        "Everything behind that number is sent again, under the ids it had.",
    ),
    "partner.after_seq": Text("从此序号之后", "Behind number"),
    "partner.after_seq.hint": Text("0 即全部。", "0 is everything."),
    "partner.feed": Text("最近的事件", "Latest events"),
    "partner.feed.none": Text("还没有事件；有匹配后会在这里。", "No event yet: once there are matches they are here."),
    "partner.carrier": Text(
        "您的程序凭密钥读取：`/v1/feed/shipments/open` 有什么可承接，`/v1/feed/shipments` 您的运单怎样了。",
        "With a key your programs read what there is to claim at `/v1/feed/shipments/open`, and what becomes of your "
        "shipments at `/v1/feed/shipments`.",
    ),
    "delivery.all": Text("全部", "All"),
    "delivery.waiting": Text("等待", "waiting"),
    "delivery.sending": Text("发送中", "sending"),
    "delivery.delivered": Text("已送达", "delivered"),
    "delivery.dead": Text("已放弃", "given up"),
    "delivery.tries": Text("次数", "Tries"),
    "delivery.last": Text("最近应答", "Last answer"),
    "delivery.next": Text("下次", "Next try"),
    "delivery.took": Text("毫秒", "ms"),
    "delivery.fault.address_refused": Text("地址不被允许", "the address is refused"),
    "delivery.fault.cut_off": Text("连接中断", "cut off"),
    "delivery.fault.internal": Text("我方故障", "a fault of ours"),
    "delivery.fault.timeout": Text("超时", "timed out"),
    "delivery.fault.tls": Text("证书无效", "TLS failed"),
    "delivery.fault.unreachable": Text("无法连接", "unreachable"),
    "delivery.match": Text("匹配", "Match"),
    "delivery.again": Text("重发", "Again"),
    "delivery.none": Text("没有推送记录。", "No delivery."),
    "event.match.proposed": Text("提议", "proposed"),
    "event.match.agreed": Text("成交", "agreed"),
    "event.match.adjusted": Text("调整", "adjusted"),
    "event.match.released": Text("释放", "released"),
    "event.match.fulfilled": Text("完成", "fulfilled"),
    "event.webhook.ping": Text("测试", "ping"),
}
