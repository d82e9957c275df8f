"""Who takes gzip gets it."""

import gzip

import pytest
from fastapi import Request
from fastapi.responses import Response

from chassis.gzipped import WORTH_B, as_taken

LONG = b"0123456789" * WORTH_B


def asked(accept_encoding: str | None) -> Request:
    headers = [] if accept_encoding is None else [(b"accept-encoding", accept_encoding.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("accept_encoding", "compressed"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.1", True),
        ("*", True),
        ("gzip;q=0, *", False),
        ("br", False),
        ("identity", False),
    ],
)
def test_it_is_compressed_for_who_says_that_they_take_it(accept_encoding: str | None, compressed: bool) -> None:
    response = as_taken(asked(accept_encoding), Response(LONG, headers={"ETag": '"a"', "Vary": "Accept"}))
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    assert response.headers["content-length"] == str(len(response.body))
    assert (response.headers.get("content-encoding") == "gzip") == compressed
    assert response.headers["etag"] == ('"a-gz"' if compressed else '"a"')
    assert (gzip.decompress(bytes(response.body)) if compressed else response.body) == LONG


def test_what_is_short_stays_as_it_is() -> None:
    response = as_taken(asked("gzip"), Response(b"short"))
    assert (response.body, "content-encoding" in response.headers) == (b"short", False)
