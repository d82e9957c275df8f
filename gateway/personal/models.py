"""What someone who asks for their own data, or for its erasure, may be refused."""

from chassis.problems import Problem, Text


class NotProven(Problem):
    slug, status = "not-proven", 409
    title = Text("未能证明是本人", "It is not proven that it is you")
    detail = Text(
        "请附上刚发到该手机的验证码，或客户端的 client_id 与 client_secret；没有任何内容被删除。",
        "Send the code that was just sent to this phone, or the client's client_id and client_secret; nothing was "
        "erased.",
    )
