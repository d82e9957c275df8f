"""Addresses that lie inside a house, in as many spellings as we could find."""

from collections.abc import Iterator

PRIVATE_4 = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1"),
    *("172.31.255.255", "192.168.0.1", "192.168.255.255", "169.254.169.254", "169.254.0.1", "100.64.0.1"),
    *("100.127.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
]
PRIVATE_6 = [
    *("::", "::1", "::127.0.0.1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("::ffff:7f00:1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b::169.254.169.254"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1"),
    *("2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::", "3fff::1", "4000::1", "5f00::1"),
    *("fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::a9fe:a9fe", "fec0::1", "ff02::1", "ff0e::1"),
    *("::ffff:192.168.0.1", "::ffff:172.16.0.1", "::ffff:0.0.0.0", "::ffff:100.64.0.1", "fd12:3456:789a::1"),
]
NAMES = [
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain", "db", "kafka", "postgres"),
    *("printer.local", "metadata.google.internal", "db.internal", "gateway.lan", "router.home.arpa", "x.intranet"),
    *("ｌｏｃａｌｈｏｓｔ", "local\u00adhost", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "localhost。", "a。localhost"),
    *("LOCALHO\u017fT", "loca\u2113host"),
]


def spellings_of(address: str) -> Iterator[str]:
    """Of an IPv4 address, as C's inet_aton, browsers and IDNA read it."""
    a, b, c, d = (int(part) for part in address.split("."))
    whole = a << 24 | b << 16 | c << 8 | d
    yield address
    yield f"{address}."
    yield str(whole)
    yield hex(whole)
    yield hex(whole).upper().replace("0X", "0x")
    yield f"0x{whole:016x}"
    yield f"0{whole:o}"
    yield f"00000{whole:o}"
    yield ".".join(f"0x{part:x}" for part in (a, b, c, d))
    yield ".".join(f"0X{part:02X}" for part in (a, b, c, d))
    yield ".".join(f"0{part:o}" for part in (a, b, c, d))
    yield ".".join(f"{part:#05o}".replace("0o", "0") for part in (a, b, c, d))
    yield f"{a}.{b << 16 | c << 8 | d}"
    yield f"{a}.{b}.{c << 8 | d}"
    yield f"0x{a:x}.0{b:o}.{c}.{d}"
    yield f"{a}.0x{b << 16 | c << 8 | d:x}"
    yield address.translate(FULL_WIDTH)
    yield address.replace(".", "。")
    yield address.replace(".", "．")
    yield address.replace(".", "｡")
    yield f"{address.translate(FULL_WIDTH)}。"
    yield address.translate(MATHEMATICAL)


FULL_WIDTH = {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}
MATHEMATICAL = {ord(str(digit)): chr(0x1D7CE + digit) for digit in range(10)}


def urls_inside() -> list[str]:
    """More than 600."""
    urls = [f"http://{spelling}/" for address in PRIVATE_4 for spelling in spellings_of(address)]
    urls += [f"https://[{address}]/" for address in PRIVATE_6]
    urls += [f"http://[{address.upper()}]:8080/x" for address in PRIVATE_6]
    urls += [f"https://{name}/" for name in NAMES]
    urls += [f"http://[{address}%25eth0]/" for address in ("fe80::1", "::1", "fd00::1")]
    urls += [f"http://[{address}%eth0]/" for address in ("fe80::1", "::1", "2606:4700::1")]
    urls += ["http://[0:0:0:0:0:0:0:1]/", "http://[0000:0000:0000:0000:0000:0000:0000:0001]/", "http://[::0.0.0.1]/"]
    for address in ("127.0.0.1", "169.254.169.254", "[::1]", "localhost"):
        urls += [
            f"http://partner.example@{address}/",
            f"http://{address}@partner.example/",
            f"http://partner.example:80@{address}/",
            f"http://{address}\\@partner.example/",
            f"http://partner.example\\@{address}/",
            f"http:\\\\{address}/",
            f"http:/{address}/",
            f"http:{address}/",
            f"//{address}/",
            f"http://{address}#@partner.example/",
            f"http://{address}#.partner.example/",
            f"http://{address} .partner.example/",
            f"http://{address}\t/",
            f"http://\n{address}/",
            f"http:// {address}/",
            f"http://{address}%00.partner.example/",
            f"http://{address}%2f.partner.example/",
            f"http://{address}%23.partner.example/",
            f"http://{address}:80:80/",
            f"gopher://{address}/",
            f"file://{address}/",
            f"HTTP://{address}:0080/",
            f"hTTps://{address}?x=1",
            f"http://{address}",
        ]
    urls += ["http://%31%32%37.0.0.1/", "http://127%2e0.0.1/", "http://127。1/", "http://1２7.1/", "http://①②⑦.⓪.⓪.①/"]
    return urls
