"""A statement as a file, CSV or XLSX, for who may read it; asked with their own token."""

from typing import Literal
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from chassis.problems import NotFound
from gateway.fetch import Sent, fetch
from gateway.pages.render import reader_language
from gateway.proxy import ServiceUnavailable

FileKind = Literal["csv", "xlsx"]
ACCEPTED: dict[FileKind, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
WAIT_S = 30.0
HANDED_ON = ("content-type", "content-disposition")


async def statement_file(request: Request, settlement_id: UUID, kind: FileKind) -> Response:
    """The file as the API gives it. Raises NotFound, ServiceUnavailable."""
    logistics = request.app.state.upstreams.get("logistics")
    if logistics is None:
        raise ServiceUnavailable()
    answer = await fetch(
        logistics,
        f"/v1/settlements/{settlement_id}",
        accept=ACCEPTED[kind],
        language=reader_language(request),
        sent=Sent(request.headers.get("authorization", "")),
        wait_s=WAIT_S,
    )
    if answer.status in {403, 404}:
        raise NotFound()
    if answer.status != 200:
        raise ServiceUnavailable()
    headers = {name: answer.headers[name] for name in HANDED_ON if name in answer.headers}
    return Response(bytes(answer.body), headers=headers)
