"""What the keys of an account refuse. The table of clients is the accounts'."""

from chassis.problems import Problem
from chassis.problems import Text as Words

CLIENTS_MAX = 10


class TooManyClients(Problem):
    slug, status = "too-many-clients", 409
    title = Words("密钥过多", "Too many keys")
    detail = Words(
        "一个账户至多 {most} 个密钥，请先停用不用的。",
        "An account has at most {most} keys; revoke one that you don't need.",
    )


class PersonNeeded(Problem):
    slug, status = "person-needed", 403
    title = Words("须由本人操作", "A person has to do this")
    detail = Words(
        "密钥只能由登录的人建立、更换或停用，程序凭密钥不能管理密钥。",
        "Keys are made, rotated and revoked by somebody who is signed in; what a key let in can't manage keys.",
    )
