"""Accounts of the demonstration, which anybody on a standalone machine may look through with one click."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.requests import Request

from chassis.problems import Problem, Text
from contracts.accounts import Role


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
        "一键登录只用于本机演示，且只能从本机打开。",
        "Signing in with one click is for the demonstration alone, and from this machine alone.",
    )


def guests_for(request: Request) -> Sequence[Guest]:
    """Those that this reader may sign in as: none for who comes from another machine, directly or through a proxy."""
    client = request.client.host if request.client else ""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers or not _is_loopback(client):
        return ()
    guests: Guests = request.app.state.guests
    return guests()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
