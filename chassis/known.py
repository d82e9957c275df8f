"""What its reader has already is not sent again: `If-None-Match` and 304."""

from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.responses import Response


async def _asks_unless_known(
    request: Request,
    known: Annotated[
        str | None,
        Header(
            alias="If-None-Match",
            description="The ETag that you have: if it is still that, the answer is 304 without a body.",
            examples=['"1"'],
        ),
    ] = None,
) -> None:
    request.state.known = known


UNLESS_KNOWN = Depends(_asks_unless_known)
"""For a GET whose version counts whatever it shows: who has that already gets 304 (RFC 9110, section 13.1.2)."""


def unless_known(known: str | None, response: Response) -> Response:
    """The answer, or that its reader has it, by `If-None-Match`. A weak tag is as good as a strong one here."""
    if known is None or response.status_code != 200 or not _names(known, response.headers.get("etag", "")):
        return response
    headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    return Response(status_code=304, headers=headers)


def _names(known: str, etag: str) -> bool:
    tags = {each.strip().removeprefix("W/") for each in known.split(",")}
    return bool(etag) and ("*" in tags or etag.removeprefix("W/") in tags)
