"""Codes on the console: how a standalone machine, which has no SMS provider, sends them."""

from gateway.accounts import phones


async def print_code(phone: str, code: str) -> None:
    print(f"code for {phones.masked(phone)}: {code}", flush=True)
