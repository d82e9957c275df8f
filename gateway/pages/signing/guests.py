"""Accounts of the demonstration, which anybody on a standalone machine may look through with one click."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.requests import Request

from chassis.problems import Problem, Text
from contracts.accounts import Role

HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::[0-9]*)?")
"""What `Host` holds: a name or an address, and a port."""


@dataclass(frozen=True, slots=True)
class Guest:
    """An account of the demonstration, by its role and name."""

    role: Role
    name: str


Guests = Callable[[], Sequence[Guest]]
"""Those there are now; read each time, for a demonstration begins after the gateway."""


def no_guests() -> Sequence[Guest]:
    """Where there is no demonstration: everywhere but standalone."""
    return ()


class NoGuest(Problem):
    """Also for who comes from another machine."""

    slug, status = "no-such-guest", 403
    title = Text("没有这个演示账户", "There is no such demonstration account")
    detail = Text(
        "一键登录只用于本机演示，且只能在本机以 localhost 或 127.0.0.1 打开。",
        "Signing in with one click is for the demonstration alone, and from this machine alone, at localhost or "
        "127.0.0.1.",
    )


def guests_for(request: Request) -> Sequence[Guest]:
    """Those that this reader may sign in as: none for who comes from another machine, directly or through a proxy.

    Nor for who asks for this machine by a name that others give it: a web page whose own name is bound anew to
    127.0.0.1 comes from here, too, and would be of this site.
    """
    client, headers = request.client.host if request.client else "", request.headers
    if "x-forwarded-for" in headers or "forwarded" in headers or not _is_loopback(client):
        return ()
    if not is_this_machine(headers.get("host", "")):
        return ()
    guests: Guests = request.app.state.guests
    return guests()


def is_this_machine(authority: str) -> bool:
    """Whether a `Host` is one that no name server has a say in."""
    name = HOST.fullmatch(authority)
    return name is not None and (name[1].lower() == "localhost" or _is_loopback(name[1].strip("[]")))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
