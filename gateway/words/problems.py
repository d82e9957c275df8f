"""What to do about a problem: by its slug where there is more to say, else by its status."""

import re

from chassis.problems import Text

BLANK = re.compile(r"\{(\w+)\}")

BY_SLUG: dict[str, Text] = {
    "unauthenticated": Text(
        "以 POST /v1/auth/token 取得令牌，放在 Authorization: Bearer 中再发一次。",
        "Get a token with POST /v1/auth/token, send it as Authorization: Bearer, and try again.",
    ),
    "idempotency-key-reused": Text(
        "新的请求用新的 Idempotency-Key；重试旧的请求则地址、参数与正文须一字节不差（同义的 JSON 也算不同）。",
        "Use a new Idempotency-Key for a new request; to repeat an old one, send the same path, query and body, byte "
        "for byte: JSON that means the same but is written otherwise is another body.",
    ),
    "still-running": Text(
        "按 Retry-After 等候，再以同一个键发送，即得到第一次的应答。",
        "Wait as Retry-After says and send it again with the same key: you get the first answer.",
    ),
    "no-consent": Text(
        "请该生产者以 POST /v1/consents 授权您。", "Ask the producer to give you consent with POST /v1/consents."
    ),
    "invalid-grant": Text("以 POST /v1/auth/otp 取新的验证码。", "Ask for a new code with POST /v1/auth/otp."),
    "too-many-codes": Text(
        "用已收到且尚未使用的验证码登录，或按 Retry-After 等候再取。",
        "Sign in with the code that you have and did not use, or wait as Retry-After says and ask for another.",
    ),
    "role-not-open": Text(
        "不带 role，或以可自行开立的角色登录；其他角色请联系管理员。",
        "Sign in without `role` or with one that a phone opens; ask an operator for any other.",
    ),
    "invalid-refresh-token": Text(
        "重新登录：个人以 POST /v1/auth/otp 取验证码，程序用 client_credentials。",
        "Sign in again: people ask for a code with POST /v1/auth/otp, machines use client_credentials.",
    ),
    "invalid-client": Text(
        "核对 client_id 与 client_secret；遗失的密钥请管理员另发。",
        "Check the client_id and client_secret; an administrator can make new ones.",
    ),
    "too-many-clients": Text(
        "停用不用的密钥后再建；更换秘密不必另建。",
        "Revoke a key that you don't need; a new secret takes no new key.",
    ),
    "too-many-exports": Text(
        "等正在进行的导出结束；中断的导出须重新请求。",
        "Wait for the export that is under way; one that broke off has to be asked for anew.",
    ),
    "person-needed": Text(
        "由人登录后再做；管理员也可用 `duijie client`。",
        "Sign in as a person and do it then; an operator can with `duijie client`.",
    ),
    "too-many-streams": Text(
        "关闭不用的推送连接；一个连接即可收到账户的全部事件。",
        "Close streams that nobody reads; one brings all events of the account.",
    ),
    "streams-full": Text(
        "按 Retry-After 等候后再连，并带上 Last-Event-ID；其间可分页读取。",
        "Connect again after Retry-After with Last-Event-ID; pages can be read meanwhile.",
    ),
    "unsupported-encoding": Text(
        "不压缩发送，并去掉 Content-Encoding；应答仍可压缩（Accept-Encoding: gzip）。",
        "Send the body uncompressed, without Content-Encoding. Answers may still be compressed: Accept-Encoding: gzip.",
    ),
    "malformed-json": Text(
        "用 JSON 校验工具检查正文（导入时为该行）：须为 UTF-8，名称不重复，无 NaN，嵌套不超过 32 层；更正后再发。",
        "Check the body (of an import, the row) with a JSON validator: UTF-8, no name twice in an object, no NaN, at "
        "most 32 levels. Then send it again.",
    ),
    "too-large": Text(
        "分成几次发送，或把照片缩小。上限：一般为 256 KiB，导入或求解的文件为 32 MiB，一张照片为 8 MiB。",
        "Send it in smaller parts, or make the photo smaller. At most 256 KiB for a body, 32 MiB for a file to import "
        "or solve, 8 MiB for a photo.",
    ),
    "not-proven": Text(
        "人：先以 POST /v1/auth/otp 取新的验证码，把 code 与请求一并发送；程序：发送 client_id 与 client_secret。",
        "People ask for a fresh code with POST /v1/auth/otp and send it as `code`; machines send `client_id` and "
        "`client_secret`.",
    ),
    "name-taken": Text("换一个名称再发。", "Choose another name and send it again."),
    "another-role": Text(
        "不带 role 再登录；要另一角色的账户，用另一个号码或联系管理员。",
        "Sign in again without `role`; for an account of another role use another phone, or ask an operator.",
    ),
    "filled-by-another-account": Text(
        "换回填写它的账户登录，再发布。", "Sign in as the account that filled it in, and post it then."
    ),
    "webhook-disabled": Text(
        "以 PATCH /v1/webhooks/{webhook_id} 发送 enabled: true 启用后再试。",
        "Enable it with PATCH /v1/webhooks/{webhook_id} and enabled: true, then try again.",
    ),
    "too-many-webhooks": Text(
        "以 GET /v1/webhooks 查看，以 DELETE /v1/webhooks/{webhook_id} 删除不用的，再登记。",
        "See them with GET /v1/webhooks, delete one with DELETE /v1/webhooks/{webhook_id}, then register again.",
    ),
    "too-many-photos": Text(
        "供应信息：以 DELETE …/photos/{photo_id} 删去一张再传；运单的照片是凭证，不能删去，已有的够用。",
        "A listing: remove one with DELETE …/photos/{photo_id}, then send it again. Photos of a shipment are proof and "
        "can't be removed; the ones there are enough.",
    ),
    "listing-closed": Text(
        "以 POST /v1/listings 另发一条供应信息。", "Offer what is left as a new listing with POST /v1/listings."
    ),
    "order-closed": Text(
        "仍有需要时，以 POST /v1/orders 另下求购。", "If you want more, place a new order with POST /v1/orders."
    ),
    "quantity-promised": Text(
        "数量不低于所示；要减少，先拒绝仍为 proposed 的匹配。",
        "Ask for no less than it says; to get below, decline matches that are still `proposed` first.",
    ),
    "match-not-open": Text(
        "以 GET /v1/matches/{match_id} 读取现状与 reason；已达成的匹配不能再拒绝。",
        "Read its status and `reason` with GET /v1/matches/{match_id}; one that is agreed can't be declined any more.",
    ),
    "shipment-not-open": Text(
        "以 GET /v1/shipments?status=open 另选一单。", "Choose another with GET /v1/shipments?status=open."
    ),
    "shipment-not-claimed": Text(
        "先以 POST /v1/shipments/{shipment_id}/claim 承接，再发一次。",
        "Claim it with POST /v1/shipments/{shipment_id}/claim, then send this again.",
    ),
    "wrong-shipment-state": Text(
        "以 GET /v1/shipments/{shipment_id} 读取现状：先 picked_up，再 delivered 或 failed。",
        "Read its status with GET /v1/shipments/{shipment_id}: `picked_up` comes first, then `delivered` or `failed`.",
    ),
    "waybill-taken": Text(
        "核对 errors 所列面单号是否抄错，去掉它们再发。",
        "Check the waybills listed in `errors` for typing mistakes, and send the others without them.",
    ),
    "programme-closed": Text(
        "要再补贴，以 POST /v1/programmes 另立项目。", "To pay on, open another with POST /v1/programmes."
    ),
    "nothing-to-change": Text("无需再做；以 GET 核对即可。", "Nothing is left to do; a GET shows how it stands."),
    "budget-too-large": Text("把追加金额减到所示上限以内。", "Ask for no more than it says."),
    "already-decided": Text(
        "以 GET /v1/programmes/{programme_id}/approvals 查看决定；要改变，另提申请。",
        "See the decision with GET /v1/programmes/{programme_id}/approvals; to change it, ask anew.",
    ),
    "second-officer-needed": Text("请另一名经办登录后决定。", "Have another officer sign in and decide."),
    "already-paid": Text("核对凭证号；已拨付的不再拨付。", "Check the reference; what was paid is not paid again."),
    "correction-pending": Text(
        "由另一名经办先决定 GET …/corrections 所列更正。",
        "Another officer decides on what GET …/corrections lists as pending first.",
    ),
    "payout-held": Text(
        "以 GET /v1/flags?status=open 查看疑点，复核后再拨付。",
        "See the flags with GET /v1/flags?status=open, have them reviewed, then pay.",
    ),
    "reviewed-already": Text(
        "复核只作一次；以 GET /v1/flags 查看结果。", "A flag is reviewed once; GET /v1/flags shows the outcome."
    ),
    "nothing-to-settle": Text(
        "以 GET /v1/settlements/owed 查看尚欠谁、哪几天。",
        "See with GET /v1/settlements/owed who is owed for which days.",
    ),
    "nothing-to-pay": Text(
        "此单不必拨付；其补贴都已冲正或追回。",
        "Nothing needs to be paid: all of it was reversed or is being recovered.",
    ),
    "reference-taken": Text("核对银行凭证号，用此次拨付自己的。", "Send the reference of this very payment."),
    "claimed-back-already": Text(
        "从请求中去掉 errors 所列；以 GET /v1/clawbacks 查看在办的案。",
        "Leave out what `errors` lists; GET /v1/clawbacks shows the case that has it.",
    ),
    "objection-period": Text(
        "等到所示时刻，或收到申诉之后再决定。", "Decide after that time, or once an objection has come."
    ),
    "no-objection": Text(
        "申诉只在期内、案未决定时收。", "Objections are taken only within the period and before the decision."
    ),
    "clawback-decided": Text("以 GET /v1/clawbacks/{clawback_id} 查看决定。", "See GET /v1/clawbacks/{clawback_id}."),
    "not-recoverable": Text(
        "先作决定，金额不超过所余。", "Have it decided first, and record no more than is left to recover."
    ),
    "repaid-otherwise": Text(
        "核对金额；另一笔还款用自己的凭证号。", "Check the amount; another repayment has a reference of its own."
    ),
    "malformed-header": Text(
        "按 errors 所列更正该请求头，例如 If-Match 写作引号内的版本。",
        'Correct the header named in `errors`; If-Match, for one, is a version in quotes, such as "3".',
    ),
}

BY_STATUS: dict[int, Text] = {
    400: Text("按说明更正请求后再发。", "Correct the request as described and send it again."),
    401: Text("核对凭据后再发。", "Check your credentials and send it again."),
    403: Text("请用有此权限的账户，或联系管理员。", "Use an account that may do this, or ask an administrator."),
    404: Text(
        "核对地址与标识；它也可能属于别的账户。",
        "Check the address and the id; it may also belong to another account.",
    ),
    405: Text("在接口文档中查看此地址支持的方法。", "See in the API reference which methods this address takes."),
    408: Text(
        "在信号较好时用同一个 Idempotency-Key 再发，或分成几次发送。",
        "Send it again with the same Idempotency-Key over a better connection, or in smaller parts.",
    ),
    409: Text(
        "重新读取它现在的状态，再决定下一步；原样重发不会有不同结果。",
        "Read its present state and decide again; the same request would be refused again.",
    ),
    412: Text("重新读取，在新版本上作修改。", "Read it again and make your change to the new version."),
    413: Text("把内容分成几次发送。", "Send it in smaller parts."),
    415: Text("把 Content-Type 改成所要求的类型。", "Set the Content-Type to the one that is asked for."),
    422: Text(
        "errors 逐项指出位置与原因，更正后再发。",
        "`errors` names each place and why; correct them and send it again.",
    ),
    429: Text(
        "按 Retry-After 等候，再用同一个 Idempotency-Key 重试；RateLimit 说明还剩多少。",
        "Wait as Retry-After says, then try again with the same Idempotency-Key; RateLimit tells what is left.",
    ),
    428: Text("先读取，再把 ETag 放进 If-Match。", "Read it first, then send its ETag as If-Match."),
    500: Text(
        "稍后用同一个 Idempotency-Key 重试；若仍出现，请把 X-Request-Id 告诉我们。",
        "Try again later with the same Idempotency-Key; if it keeps happening, tell us the X-Request-Id.",
    ),
    503: Text(
        "按 Retry-After 等候，再用同一个 Idempotency-Key 重试。",
        "Wait as Retry-After says, then try again with the same Idempotency-Key.",
    ),
}

ANSWERS: dict[str, Text] = {
    "200": Text("成功", "Done"),
    "201": Text("已创建", "Created"),
    "202": Text("已接收，随后办理", "Accepted; it will be done soon"),
    "204": Text("已完成，没有内容", "Done, without content"),
    "304": Text("没有变化，没有正文", "Unchanged, without a body"),
    "400": Text("请求有误", "The request is malformed"),
    "401": Text("未通过认证", "Not authenticated"),
    "403": Text("没有权限", "Not allowed"),
    "404": Text("未找到，或不属于您", "Not found, or not yours"),
    "408": Text("正文到得太慢", "The body came too slowly"),
    "409": Text("现在不能这样做", "Not possible as things stand"),
    "412": Text("版本已过期", "The version is stale"),
    "413": Text("正文过大", "The body is too large"),
    "415": Text("内容类型不符", "Another media type is expected"),
    "422": Text("输入无效", "The input is not valid"),
    "428": Text("需要 If-Match", "If-Match is required"),
    "429": Text("请求过于频繁", "Too many requests"),
    "503": Text("暂时不可用", "Unavailable for the moment"),
    "default": Text("其他问题", "Any other problem"),
}


BLANKS: dict[str, Text] = {
    "amount_fen": Text("〔金额〕", "[amount]"),
    "count": Text("〔若干〕", "[number]"),
    "current": Text("〔版本号〕", "[version]"),
    "expected": Text("〔所要的类型〕", "[the type it takes]"),
    "known": Text("〔各角色〕", "[some roles]"),
    "left_fen": Text("〔金额〕", "[amount]"),
    "most": Text("8（供应信息）或 10（运单）", "8 (a listing) or 10 (a shipment)"),
    "most_fen": Text("〔金额〕", "[amount]"),
    "present": Text("〔现状〕", "[its status]"),
    "promised_kg": Text("〔数量〕", "[quantity]"),
    "received": Text("〔收到的类型〕", "[the type sent]"),
    "reference": Text("〔凭证号〕", "[reference]"),
    "standing": Text("〔现状〕", "[its status]"),
    "state": Text("〔现状〕", "[its status]"),
    "until": Text("〔时刻〕", "[time]"),
    "wait_s": Text("〔若干〕", "[number]"),
    "wanted": Text("〔所报的事件〕", "[the event reported]"),
}
"""What stands for that which a single answer alone knows, where a problem is told of in general."""


def in_general(detail: Text) -> Text:
    """The text of a problem without an answer. Raises KeyError for a blank that has no words."""
    return Text(
        BLANK.sub(lambda blank: BLANKS[blank[1]].zh, detail.zh), BLANK.sub(lambda blank: BLANKS[blank[1]].en, detail.en)
    )


def what_to_do(slug: str, status: int) -> Text:
    return BY_SLUG.get(slug) or BY_STATUS.get(status) or BY_STATUS[500 if status >= 500 else 400]
