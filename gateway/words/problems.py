"""What to do about a problem: by its slug where there is more to say, else by its status."""

from chassis.problems import Text

BY_SLUG: dict[str, Text] = {
    "unauthenticated": Text(
        "以 POST /v1/auth/token 取得令牌，放在 Authorization: Bearer 中再发一次。",
        "Get a token with POST /v1/auth/token, send it as Authorization: Bearer, and try again.",
    ),
    "idempotency-key-reused": Text(
        "新的请求用新的 Idempotency-Key；重试旧的请求则内容须一字不差。",
        "Use a new Idempotency-Key for a new request; to repeat an old one, send exactly the same body.",
    ),
    "still-running": Text(
        "按 Retry-After 等候，再以同一个键发送，即得到第一次的应答。",
        "Wait as Retry-After says and send it again with the same key: you get the first answer.",
    ),
    "no-consent": Text(
        "请该生产者以 POST /v1/consents 授权您。", "Ask the producer to give you consent with POST /v1/consents."
    ),
    "invalid-grant": Text("以 POST /v1/auth/otp 取新的验证码。", "Ask for a new code with POST /v1/auth/otp."),
    "invalid-refresh-token": Text(
        "重新登录：个人以 POST /v1/auth/otp 取验证码，程序用 client_credentials。",
        "Sign in again: people ask for a code with POST /v1/auth/otp, machines use client_credentials.",
    ),
    "invalid-client": Text(
        "核对 client_id 与 client_secret；遗失的密钥请管理员另发。",
        "Check the client_id and client_secret; an administrator can make new ones.",
    ),
    "too-many-streams": Text(
        "关闭不用的推送连接；一个连接即可收到账户的全部事件。",
        "Close streams that nobody reads; one brings all events of the account.",
    ),
    "streams-full": Text(
        "按 Retry-After 等候后再连，并带上 Last-Event-ID；其间可分页读取。",
        "Connect again after Retry-After with Last-Event-ID; pages can be read meanwhile.",
    ),
    "malformed-header": Text(
        "按 errors 所列更正该请求头，例如 If-Match 写作引号内的版本。",
        'Mend the header that `errors` names; If-Match, for one, is a version in quotes, such as "3".',
    ),
}

BY_STATUS: dict[int, Text] = {
    400: Text("按说明更正请求后再发。", "Mend the request as it says and send it again."),
    401: Text("核对凭据后再发。", "Check your credentials and send it again."),
    403: Text("请用有此权限的账户，或联系管理员。", "Use an account that may do this, or ask an administrator."),
    404: Text(
        "核对地址与标识；它也可能属于别的账户。",
        "Check the address and the id; it may also belong to another account.",
    ),
    405: Text("在接口文档中查看此地址支持的方法。", "See in the reference which methods this address takes."),
    408: Text(
        "在信号较好时用同一个 Idempotency-Key 再发，或分成几次发送。",
        "Send it again with the same Idempotency-Key over a better connection, or in smaller parts.",
    ),
    409: Text(
        "重新读取它现在的状态，再决定下一步；原样重发不会有不同结果。",
        "Read its present state and decide anew; the same request would be refused again.",
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
        "Try again later with the same Idempotency-Key; if it stays, tell us the X-Request-Id.",
    ),
    503: Text(
        "按 Retry-After 等候，再用同一个 Idempotency-Key 重试。",
        "Wait as Retry-After says, then try again with the same Idempotency-Key.",
    ),
}

ANSWERS: dict[str, Text] = {
    "200": Text("成功", "Done"),
    "201": Text("已创建", "Created"),
    "202": Text("已接收，随后办理", "Taken; it is done presently"),
    "204": Text("已完成，没有内容", "Done, with nothing to say"),
    "400": Text("请求有误", "The request is malformed"),
    "401": Text("未通过认证", "Not authenticated"),
    "403": Text("没有权限", "Not allowed"),
    "404": Text("未找到，或不属于您", "Not found, or not yours"),
    "408": Text("正文到得太慢", "The body came too slowly"),
    "409": Text("现在不能这样做", "Not as things are now"),
    "412": Text("版本已过期", "The version is stale"),
    "413": Text("正文过大", "The body is too large"),
    "415": Text("内容类型不符", "Another media type is expected"),
    "422": Text("输入无效", "The input is not valid"),
    "428": Text("需要 If-Match", "If-Match is required"),
    "429": Text("请求过于频繁", "Too many requests"),
    "503": Text("暂时不可用", "Unavailable for the moment"),
    "default": Text("其他问题", "Any other problem"),
}


def what_to_do(slug: str, status: int) -> Text:
    return BY_SLUG.get(slug) or BY_STATUS.get(status) or BY_STATUS[500 if status >= 500 else 400]
