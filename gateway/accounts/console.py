"""Codes on the console: how a standalone machine, which has no SMS provider, sends them."""

from chassis.problems import Language
from gateway.accounts import phones


async def print_code(phone: str, code: str, _: Language) -> None:
    print(f"code for {phones.masked(phone)}: {code}", flush=True)
