"""Who counts as one anonymous caller."""

from typing import Any

import pytest

from gateway.origins import NO_PROXIES, Proxies

OURS = Proxies.named("10.0.0.0/8, fd00::/8")


def came(peer: str | None, *forwarded: str, **headers: str) -> dict[str, Any]:
    told = [("x-forwarded-for", each) for each in forwarded] + [
        (name.replace("_", "-"), value) for name, value in headers.items()
    ]
    raw = [(name.encode(), value.encode()) for name, value in told]
    return {"type": "http", "scheme": "http", "client": (peer, 4711) if peer else None, "headers": raw}


@pytest.mark.parametrize(
    ("scope", "address"),
    [
        (came("203.0.113.7"), "203.0.113.7"),
        (came("203.0.113.7", "198.51.100.1"), "203.0.113.7"),
        (came("10.0.0.1", "198.51.100.1"), "198.51.100.1"),
        (came("10.0.0.1", "1.2.3.4, 198.51.100.1"), "198.51.100.1"),
        (came("10.0.0.1", "1.2.3.4", "198.51.100.1, 10.9.9.9"), "198.51.100.1"),
        (came("10.0.0.1", "10.0.0.2, 10.0.0.3"), "10.0.0.2"),
        (came("10.0.0.1", "nonsense"), "10.0.0.1"),
        (came("10.0.0.1", "198.51.100.1, nonsense, 10.0.0.9"), "10.0.0.9"),
        (came("10.0.0.1"), "10.0.0.1"),
        (came("fd00::1", "2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64"),
        (came("2001:db8:1:2::9"), "2001:db8:1:2::/64"),
        (came("fe80::1%eth0"), "fe80::/64"),
        (came("::ffff:198.51.100.1"), "198.51.100.1"),
        (came(None), "unknown"),
        (came("unix-socket"), "unknown"),
    ],
)
def test_only_what_proxies_of_ours_say_counts(scope: dict[str, Any], address: str) -> None:
    assert OURS.origin(scope).address == address


def test_without_proxies_of_ours_nobody_is_believed() -> None:
    scope = came("10.0.0.1", "198.51.100.1", x_forwarded_proto="https")
    assert NO_PROXIES.origin(scope).address == "10.0.0.1"
    assert not NO_PROXIES.origin(scope).secure


def test_https_is_our_own_scheme_or_what_our_proxy_says() -> None:
    assert NO_PROXIES.origin(came("203.0.113.7") | {"scheme": "https"}).secure
    assert OURS.origin(came("10.0.0.1", x_forwarded_proto="https")).secure
    assert not OURS.origin(came("203.0.113.7", x_forwarded_proto="https")).secure
    assert not OURS.origin(came("10.0.0.1")).secure


@pytest.mark.parametrize("text", ["10.0.0.1/8", "nonsense", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Proxies.named(text)
