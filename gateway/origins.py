"""Where a request comes from: the peer, or what proxies that are trusted say before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

from chassis.addresses import Address, address_of

SUBNET = 64  # of IPv6: what one line is given, and a host may choose from


@dataclass(frozen=True, slots=True)
class Origin:
    """`address` counts as one caller; `secure` says whether they came by https."""

    address: str
    secure: bool


class Proxies:
    """The networks of the proxies before us, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network] = ()) -> None:
        self._networks = networks

    @classmethod
    def named(cls, text: str) -> "Proxies":
        """Networks with commas between: `10.0.0.0/8, fd00::/8`. Raises ValueError."""
        return cls([ip_network(each.strip()) for each in text.split(",") if each.strip()])

    def origin(self, scope: Scope) -> Origin:
        """From the right, past every proxy of ours: what stands to the left of a stranger's, that stranger wrote."""
        client = scope.get("client")
        peer = _caller(client[0]) if client else None
        if peer is None or not self._are_ours(peer):
            return Origin(_named(peer), scope.get("scheme") == "https")
        headers = Headers(scope=scope)
        nearest = peer
        for told in reversed(",".join(headers.getlist("x-forwarded-for")).split(",")):
            address = _caller(told.strip())
            if address is None:
                break
            nearest = address
            if not self._are_ours(address):
                break
        return Origin(_named(nearest), headers.get("x-forwarded-proto", scope.get("scheme")) == "https")

    def _are_ours(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


NO_PROXIES = Proxies()


@lru_cache(4096)
def _caller(text: str) -> Address | None:
    """As one caller has it: an IPv4 address is the same when it comes mapped into IPv6, and no zone makes another."""
    address = address_of(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(4096)
def _named(address: Address | None) -> str:
    """An IPv4 address, or the /64 that an IPv6 address is of: one caller has all of it."""
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address) >> SUBNET << SUBNET, SUBNET)))
    return str(address) if address else "unknown"
