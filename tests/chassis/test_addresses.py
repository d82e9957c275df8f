"""Where we would send something that somebody else asks for: every spelling of an address inside is refused."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.addresses import (
    MALFORMED,
    NO_PORT,
    NOT_HTTP,
    NOT_PUBLIC,
    TOO_LONG,
    WITH_CREDENTIALS,
    WITH_FRAGMENT,
    Target,
    UrlRefused,
    address_of,
    is_public,
    target_of,
)
from tests.chassis.private_spellings import PRIVATE_4, PRIVATE_6, spellings_of, urls_inside

INSIDE = urls_inside()


def test_there_are_more_than_200_ways_to_write_an_address_inside() -> None:
    assert len(set(INSIDE)) > 200


def test_an_address_inside_is_refused_however_it_is_written() -> None:
    for url in INSIDE:
        with pytest.raises(UrlRefused):
            raise AssertionError(f"{url} leads to {target_of(url)}")


@pytest.mark.parametrize(
    "text", ["", "1", "0x7f.1", "127.1", "010.0.0.1", "1.2.3.4.5", "[::1]", "1.2.3.4 ", "::1%", "a.b"]
)
def test_what_is_not_written_as_an_address_is_none(text: str) -> None:
    assert address_of(text) is None


@given(st.ip_addresses())
def test_an_address_reads_as_it_is_written(address: IPv4Address | IPv6Address) -> None:
    assert address_of(str(address)) == address


@pytest.mark.parametrize("address", [*PRIVATE_4, *PRIVATE_6])
def test_what_is_not_of_the_internet_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


OF_THE_INTERNET = [
    *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0"),
    *("198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2400:3200::1", "64:ff9b::808:808"),
]


@pytest.mark.parametrize("address", OF_THE_INTERNET)
def test_what_is_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_nothing_is_called_public_that_the_standard_library_calls_private(address: IPv4Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved
    assert not is_public(IPv6Address(f"::ffff:{address}"))
    assert not is_public(IPv6Address(int(address))), "compatible"
    assert is_public(IPv6Address(f"64:ff9b::{address}")) == is_public(address)


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_nor_of_the_longer_ones(address: IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_every_spelling_of_an_address_is_one_target(address: IPv4Address) -> None:
    for spelling in spellings_of(str(address)):
        assert target_of(f"http://{spelling}/x", allow_private=True).host == str(address), spelling


def test_a_url_is_taken_apart_once() -> None:
    assert target_of("HTTPS://Partner.Example.:8443?a=1") == Target("https", "partner.example", 8443, "/?a=1")
    assert target_of("http://a.b") == Target("http", "a.b", 80, "/")
    assert target_of("https://农产.example/").host == "xn--wlqw5e.example"
    assert target_of("https://a.b/钩?x=%E4&y=é").path == "/%E9%92%A9?x=%E4&y=%C3%A9"
    assert target_of("https://[2606:4700::1111]/").authority == "[2606:4700::1111]"
    assert target_of("https://a.b:443/").authority == "a.b"
    assert target_of("https://a.b:80/").authority == "a.b:80"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", MALFORMED),
        ("partner.example/hook", MALFORMED),
        ("//partner.example", MALFORMED),
        ("https:partner.example", MALFORMED),
        ("https:///hook", MALFORMED),
        ("https://", MALFORMED),
        ("https://a..b/", MALFORMED),
        ("https://-a.b/", MALFORMED),
        ("https://a b.c/", MALFORMED),
        ("https://a.b\\@c.d/", MALFORMED),
        ("https://a.b/\r\nHost: x", MALFORMED),
        ("https://a.b\t/", MALFORMED),
        ("https://%31.2.3.4/", MALFORMED),
        ("https://1.2.3.4.5/", MALFORMED),
        ("https://1.2.3.256/", MALFORMED),
        ("https://1.2.3.08/", MALFORMED),
        ("https://1_0.2.3.4/", MALFORMED),
        ("https://4294967296/", MALFORMED),
        ("https://[1.2.3.4]/", MALFORMED),
        ("https://[::1/", MALFORMED),
        ("https://a.b:x/", MALFORMED),
        ("https://a.b:٤٤٣/", MALFORMED),
        ("https://" + "a" * 64 + ".b/", MALFORMED),
        ("https://" + "a." * 130 + "b/", MALFORMED),
        ("ftp://a.b/", NOT_HTTP),
        ("file:///etc/passwd", NOT_HTTP),
        ("gopher://a.b/", NOT_HTTP),
        ("https://user:word@a.b/", WITH_CREDENTIALS),
        ("https://a.b@c.d/", WITH_CREDENTIALS),
        ("https://a.b/#x", WITH_FRAGMENT),
        ("https://a.b:0/", NO_PORT),
        ("https://a.b:65536/", NO_PORT),
        ("https://a.b/" + "x" * 2000, TOO_LONG),
        ("https://printer/", NOT_PUBLIC),
        ("https://db.internal/", NOT_PUBLIC),
    ],
)
def test_what_is_refused_is_told_why(url: str, why: object) -> None:
    with pytest.raises(UrlRefused) as refused:
        target_of(url)
    assert refused.value.text == why


@given(st.text())
def test_any_text_is_a_target_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"https://{text}/", f"http://[{text}]/", f"http://a.b:{text}/{text}?{text}"):
        try:
            target = target_of(url)
        except UrlRefused:
            continue
        assert target.is_public
        assert (target.host + target.path).isascii()
        assert " " not in target.path
