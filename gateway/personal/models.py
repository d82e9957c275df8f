"""What someone who asks for their own data, or for its erasure, may be refused."""

from chassis.problems import Problem, Text


class TooManyExports(Problem):
    slug, status = "too-many-exports", 429
    title = Text("已有导出正在进行", "An export is under way already")
    detail = Text(
        "一个账户同时只能导出一次；请等它结束，或按 Retry-After 等候后再试。",
        "An account takes its data along once at a time; wait for that to end, or as Retry-After says.",
    )


class NotProven(Problem):
    slug, status = "not-proven", 409
    title = Text("未能证明是本人", "It is not proven that it is you")
    detail = Text(
        "请附上刚发到该手机的验证码，或客户端的 client_id 与 client_secret；没有任何内容被删除。",
        "Send the code that was just sent to this phone, or the client's client_id and client_secret; nothing was "
        "erased.",
    )
