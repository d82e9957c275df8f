"""Where a reader of which role may go: the frame of every page shows it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from contracts.accounts import Role


class Way(NamedTuple):
    """A page, the text that names it, and the paths of others that lie in its section without lying below it."""

    path: str
    text: str
    others: tuple[str, ...] = ()


BOARD = Way("/board", "board", ("/counties",))
DOCS = Way("/docs", "docs", ("/problems",))
ACCOUNT = Way("/account", "nav.account")
LISTINGS, POST = Way("/farm", "nav.farm"), Way("/farm/new", "nav.post")
ORDERS = Way("/orders", "nav.orders")
HOOKS = Way("/partner", "nav.partner")
CARRIER = Way("/carrier", "nav.carrier")
PROGRAMMES = Way("/programmes", "nav.programmes")
BACKLOG = Way("/backlog", "nav.backlog")
OPERATOR = Way("/operator", "nav.operator")

WAYS: dict[str | None, Sequence[Way]] = {
    None: (BOARD, DOCS),
    "producer": (LISTINGS, POST, BOARD, ACCOUNT),
    "agent": (LISTINGS, POST, BOARD, ACCOUNT),
    "citizen": (BOARD, ORDERS, ACCOUNT),
    "group_leader": (BOARD, ORDERS, HOOKS, ACCOUNT),
    "platform": (BOARD, ORDERS, HOOKS, ACCOUNT),
    "carrier": (CARRIER, HOOKS, ACCOUNT),
    "programme_officer": (PROGRAMMES, ACCOUNT),
    "auditor": (PROGRAMMES, ACCOUNT),
    "supervisor": (BACKLOG, BOARD, ACCOUNT),
    "admin": (OPERATOR, BACKLOG, PROGRAMMES, ACCOUNT),
}
"""By role; the first is where their work begins. None is who is not signed in."""


def ways_of(role: str | None) -> Sequence[Way]:
    return WAYS.get(role, WAYS[None])


def current_way(path: str, ways: Sequence[Way]) -> dict[str, str]:
    """The way on which one is, by its path, with what `aria-current` says of it: "page" where that is the page itself,
    "true" where it is the section around it; empty where it is none."""
    sections = [(len(each), way.path) for way in ways for each in (way.path, *way.others) if _lies_in(path, each)]
    return {way: "page" if path == way else "true" for _, way in sorted(sections)[-1:]}


def _lies_in(path: str, section: str) -> bool:
    return path == section or path.startswith(f"{section}/")


PHONE_ROLES: Mapping[str, Role | None] = {
    "/farm": "producer",
    "/partner": "group_leader",
    "/carrier": None,
    "/programmes": None,
    "/backlog": None,
    "/operator": None,
}
"""What somebody new becomes who signs in on the way to that section; None where a phone opens no account for it."""


def role_at(path: str) -> Role | None:
    """What to propose there: a citizen wherever nothing speaks for another role."""
    plain = path.partition("?")[0]
    return next((role for section, role in PHONE_ROLES.items() if _lies_in(plain, section)), "citizen")


def goes_with(role: str, path: str) -> bool:
    """Whether that role has its work in the section of this path, or nobody in particular has."""
    plain = path.partition("?")[0]
    own = ways_of(role)
    return any(_lies_in(plain, way.path) for way in own) or not any(_lies_in(plain, each) for each in PHONE_ROLES)


def home_of(role: str | None) -> str:
    return ways_of(role)[0].path if role else "/"
