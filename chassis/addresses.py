"""Addresses on the internet that somebody else names: which of them we would send something to.

What is checked here is what is connected to: a `Target` is taken apart once, and its host is in the one spelling that
this page knows, so that no second reader can see another host in it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote

import idna

from chassis.problems import Text

Address = IPv4Address | IPv6Address

URL_MAX = 2000
HOST_MAX = 253
PORTS: dict[str, int] = {"http": 80, "https": 443}

NOT_PUBLIC_4 = [
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",  # this host, RFC 1122
        "10.0.0.0/8",  # private, RFC 1918
        "100.64.0.0/10",  # behind a carrier's NAT, RFC 6598
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link local, and where clouds keep their metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocols, RFC 6890
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
]
UNICAST_6 = IPv6Network("2000::/3")
"""All that is given out to the internet (IANA); loopback, mapped, compatible, ULA and link local lie outside."""
NOT_PUBLIC_6 = [
    IPv6Network(each)
    for each in (
        "2001::/23",  # protocols: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise, and nobody's way any more
        "3fff::/20",  # documentation
    )
]
NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address as a network without IPv4 spells it (RFC 6052): as good as that one."""

INSIDE = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain")
"""Names that no public server has: RFC 6761, 6762, 8375, and what houses call their inside."""

MALFORMED = Text("不是有效的网址。", "It is not a valid URL.")
NOT_HTTP = Text("网址须以 https:// 或 http:// 开头。", "A URL begins with https:// or http://.")
TOO_LONG = Text(f"网址至多 {URL_MAX} 个字符。", f"A URL has at most {URL_MAX} characters.")
WITH_CREDENTIALS = Text("网址不能含有用户名、密码或 @。", "A URL may not hold a user, a password or an @.")
WITH_FRAGMENT = Text("网址不能含有 # 之后的部分。", "A URL may not hold a fragment (#).")
NO_PORT = Text("端口须在 1 至 65535 之间。", "A port lies between 1 and 65535.")
NOT_PUBLIC = Text("须为公网地址。", "It must be an address on the public internet.")

_PARTS = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://([^/?#]*)([^#]*)(#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::([0-9]*))?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\\s]")


class UrlRefused(ValueError):
    """We would not send anything there; `text` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `host` is lower case ASCII: a name without a dot at its end, or an address."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As the header `Host` has it: RFC 9110, section 7.2."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_public(self) -> bool:
        """By its spelling alone: a name may lead anywhere, so its addresses are looked at when they are known."""
        address = address_of(self.host)
        if address is not None:
            return is_public(address)
        return "." in self.host and not any(self.host == name or self.host.endswith(f".{name}") for name in INSIDE)


def target_of(url: str, *, allow_private: bool = False) -> Target:
    """The target of a URL. Raises UrlRefused for what is malformed, or leads inside where that is not allowed."""
    if len(url) > URL_MAX:
        raise UrlRefused(TOO_LONG)
    parts = _PARTS.fullmatch(url)
    if parts is None or _UNPRINTABLE.search(url):
        raise UrlRefused(MALFORMED)
    scheme, authority, path, fragment = parts[1].lower(), parts[2], parts[3], parts[4]
    if scheme not in PORTS:
        raise UrlRefused(NOT_HTTP)
    if "@" in authority:
        raise UrlRefused(WITH_CREDENTIALS)
    if fragment is not None:
        raise UrlRefused(WITH_FRAGMENT)
    host, port = _host_and_port(authority, PORTS[scheme])
    # what stands as %xx stays, and what HTTP can't carry becomes such
    target = Target(scheme, host, port, quote(path if path.startswith("/") else f"/{path}", safe="/?&=%:;,+~!$'()*@[]"))
    if not allow_private and not target.is_public:
        raise UrlRefused(NOT_PUBLIC)
    return target


def address_of(text: str) -> Address | None:
    """The address that is written so, in a spelling of RFC 4291 or four decimal numbers; None for anything else."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether it is a single host's on the public internet."""
    if isinstance(address, IPv4Address):
        return not _within(address, NOT_PUBLIC_4)
    if address.scope_id is not None:
        return False
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in UNICAST_6 and not _within(address, NOT_PUBLIC_6)


def _within(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise UrlRefused(MALFORMED)
    port = int(found[2]) if found[2] else default
    if not 1 <= port <= 65535:
        raise UrlRefused(NO_PORT)
    return _host(found[1]), port


def _host(written: str) -> str:
    """The one spelling of a host. Raises UrlRefused for what is neither a name nor an address."""
    if written.startswith("["):
        return _ipv6(written[1:-1])
    host = written if written.isascii() else _ascii(written)
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # such a name is an address to whoever resolves it: WHATWG URL, section 3.5
        return str(_ipv4(labels))
    if len(host) > HOST_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused(MALFORMED)
    return host


def _ipv6(written: str) -> str:
    try:
        address = IPv6Address(written)
    except AddressValueError as error:
        raise UrlRefused(MALFORMED) from error
    if address.scope_id is not None:
        raise UrlRefused(NOT_PUBLIC)
    return str(address)


def _ascii(name: str) -> str:
    """As it is looked up: full-width digits and dots, too, come to what they look like (UTS 46)."""
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError as error:
        raise UrlRefused(MALFORMED) from error


def _ipv4(labels: list[str]) -> IPv4Address:
    """As C's inet_aton reads it: one to four numbers, decimal, octal or hexadecimal, the last filling what is left."""
    numbers = [_number(label) for label in labels]
    *bytes_before, last = numbers
    room = 256 ** (4 - len(bytes_before)) if len(numbers) <= 4 else 0
    if any(number > 255 for number in bytes_before) or last >= room:
        raise UrlRefused(MALFORMED)
    return IPv4Address(last + sum(number << (24 - 8 * place) for place, number in enumerate(bytes_before)))


def _number(label: str) -> int:
    if not _NUMBER.fullmatch(label):
        raise UrlRefused(MALFORMED)
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    try:
        return int(label, 8 if label.startswith("0") else 10)
    except ValueError as error:
        raise UrlRefused(MALFORMED) from error
