"""Answers that are sent in fewer bytes to who takes them so (RFC 9110, section 12.5.3)."""

import gzip
import zlib
from collections.abc import AsyncIterable, AsyncIterator

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from chassis.accepts import weighed

WORTH_B = 1024
LEVEL = 6


def takes_gzip(request: Request) -> bool:
    """What is not named is not wanted: whoever can't read it would have to say so."""
    weights = dict(weighed(part) for part in request.headers.get("accept-encoding", "").lower().split(","))
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def packed(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)


def as_taken(request: Request, response: Response, known: bytes | None = None) -> Response:
    """The answer, compressed if its reader takes that and it is worth it. Another form has another ETag.

    `known`: its body compressed, where it was before.
    """
    response.headers.add_vary_header("Accept-Encoding")
    if not takes_gzip(request) or len(response.body) < WORTH_B:
        return response
    response.body = known or packed(bytes(response.body))
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))
    if "etag" in response.headers:
        response.headers["ETag"] = response.headers["etag"].removesuffix('"') + '-gz"'
    return response


def stream_as_taken(request: Request, response: StreamingResponse) -> StreamingResponse:
    """The same for an answer whose length nobody knows yet."""
    response.headers.add_vary_header("Accept-Encoding")
    if takes_gzip(request):
        response.headers["Content-Encoding"] = "gzip"
        response.body_iterator = _compressed(response.body_iterator)
    return response


async def _compressed(chunks: AsyncIterable[str | bytes | memoryview]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(LEVEL, wbits=zlib.MAX_WBITS | 16)  # with the head and the end of a gzip file
    async for chunk in chunks:
        yield packer.compress(chunk.encode() if isinstance(chunk, str) else chunk)
    yield packer.flush()
