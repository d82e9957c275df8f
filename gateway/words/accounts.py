"""What the operations on accounts do, in both languages, by their ids: signing in, sessions, one's own data."""

from chassis.problems import Text
from gateway.words.told import Told

OAUTH: dict[int, tuple[str, ...]] = {
    400: ("invalid-request", "invalid-grant", "invalid-refresh-token", "unsupported-grant-type"),
    401: ("invalid-client",),
}

OPERATIONS: dict[str, Told] = {
    "send_code": Told(
        Text("发送验证码", "Send a one-time code"),
        Text(
            "发到手机。无论该号码有没有账户，应答都一样。每 60 秒最多一次，每天最多 10 次；过早再次请求得到 429，"
            "`Retry-After` 说明等多久，上一个验证码仍然有效。",
            "To a phone. The answer is the same whether or not the phone has an account. One goes out in 60 s, and 10 "
            "a day; before that it is 429, `Retry-After` says how long to wait, and the last code stays good.",
        ),
        {429: ("too-many-codes",)},
    ),
    "issue_token": Told(
        Text("换取访问令牌", "Get an access token"),
        Text(
            "个人用 `grant_type=otp`，程序用 `client_credentials`；用 `refresh_token` 续期，刷新令牌每次都换新的，"
            "程序续期时也须带客户端的标识与密钥。应答丢失时，30 秒内可用同一个旧令牌再取；此外重复使用会结束整个登录。"
            "出错时另有 `error` 与 `error_description`（RFC 6749 第 5.2 节）。",
            "`grant_type=otp` for people, `client_credentials` for machines; `refresh_token` renews it, and comes anew "
            "each time; a client sends its id and secret with it, too. Where the answer was lost, the same old one is "
            "good for 30 s; used again otherwise it ends the whole session. Problems have `error` and "
            "`error_description` beside their own members (RFC 6749, 5.2).",
        ),
        OAUTH | {403: ("role-not-open",), 409: ("another-role",)},
    ),
    "revoke_token": Told(
        Text("撤销刷新令牌", "Revoke a refresh token"),
        Text(
            "结束它所属的登录及其访问令牌；无论是什么令牌，都应答 200（RFC 7009）。",
            "Ends its session, and the access tokens that came of it; 200 whatever the token is (RFC 7009).",
        ),
        {400: ("invalid-request",)},
    ),
    "read_me": Told(
        Text("看自己的账户", "Read your own account"),
        Text("账户、角色与名称；版本在 `ETag` 中。", "Account, role and name; its version comes as `ETag`."),
    ),
    "change_me": Told(
        Text("更改自己的名称", "Change your own name"),
        Text("加密保存。", "It is kept sealed."),
        {409: ("name-taken",)},
    ),
    "export_me": Told(
        Text("导出自己的数据", "Export your own data"),
        Text(
            "账户（手机号完整）、登录、密钥（不含秘密）、授权、供应、求购、匹配、运单、车辆、路线与结算，"
            "一个 JSON 文件。一个账户同时只导出一次；十分钟内未读完即断开。",
            "Account (the phone in full), sessions, keys without their secrets, consents, listings, orders, matches, "
            "shipments, vehicles, routes and settlements, as one JSON file. One at a time; it breaks off where it is "
            "not read within ten minutes.",
        ),
        {429: ("too-many-exports",)},
    ),
    "erase_me": Told(
        Text("删除自己的数据", "Erase your own data"),
        Text(
            "须附新发到该手机的验证码，或客户端的标识与密钥。姓名、手机号、登录与客户端即被删除，在售的撤回，求购取消；"
            "已达成的匹配与账目以账户标识保留。不可撤销。应答丢失后再次发送，未到期的令牌得到 401，即已删除。",
            "Takes the code of a fresh OTP to this phone, or a client's id and secret. Name, phone, sessions and "
            "clients are gone, open listings are withdrawn and orders cancelled; agreed matches and the ledger keep "
            "the account id. It can't be undone. Where the answer was lost, a 401 to the same again, with a token "
            "that has not expired, says that it is done.",
        ),
        {409: ("not-proven",)},
    ),
    "list_sessions": Told(
        Text("列出自己的登录", "List your sessions"),
        Text(
            "仍可续期的登录，最新的在前；不含令牌。`current` 为发出此请求的登录。",
            "Those that still renew tokens, newest first, without any token; `current` is the one that asks.",
        ),
    ),
    "end_session": Told(
        Text("在一处退出", "Sign out in one place"),
        Text(
            "结束自己的一个登录及其访问令牌，应答为其原状。",
            "Ends one of your sessions, and the access tokens that came of it; the answer is what it was.",
        ),
    ),
    "end_sessions": Told(
        Text("在所有设备上退出", "Sign out everywhere"),
        Text(
            "结束自己的所有登录及其访问令牌，发出此请求的也在内。",
            "Ends all your sessions and the access tokens that came of them, that of this request among them.",
        ),
    ),
    "create_client": Told(
        Text("建立密钥", "Make a key"),
        Text(
            "供自己的程序以 `client_credentials` 登录；密钥只显示这一次。须由登录的人建立，程序凭密钥不能再建密钥。",
            "With it your own machines sign in by `client_credentials`; the secret is shown this once. Somebody who is "
            "signed in makes it: what a key let in makes no keys.",
        ),
        {403: ("forbidden", "person-needed"), 409: ("too-many-clients",)},
    ),
    "list_clients": Told(
        Text("列出自己的密钥", "List your keys"),
        Text("最新的在前，一次全部列出；不含密钥本身。", "Newest first, all at once, without their secrets."),
    ),
    "rotate_client": Told(
        Text("更换密钥的秘密", "Rotate a key's secret"),
        Text(
            "新的只显示这一次；旧的立即失效，凭它的登录及其访问令牌随之结束。",
            "The new one is shown this once; the old one is good no more at once, and its sessions end with their "
            "access tokens.",
        ),
        {403: ("forbidden", "person-needed")},
    ),
    "revoke_client": Told(
        Text("停用密钥", "Revoke a key"),
        Text(
            "凭它的登录及其访问令牌随之结束；应答为其原状。",
            "Its sessions and their access tokens end with it; the answer is what it was.",
        ),
        {403: ("forbidden", "person-needed")},
    ),
    "read_keys": Told(
        Text("取验证令牌的公钥", "Get the keys that verify tokens"), Text("JWK 集合。", "A JWK set (RFC 7517).")
    ),
}
