"""A statement as a file, written by the service itself and handed through as it comes, of any length. For people: in
the language of the page, yuan, the clocks of China, the payee by name. For programs: as the API has it, in fen and UTC.
Both by the reader's own right."""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gateway.pages.naming import names_of
from gateway.pages.reader import Reader
from gateway.proxy import ServiceUnavailable, Upstream, raw_path_of

FileKind = Literal["xlsx", "csv", "data.csv"]
CSV = b"text/csv"
ACCEPTED: Mapping[FileKind, bytes] = {
    "xlsx": b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": CSV,
    "data.csv": CSV,
}
PASSED_ON = frozenset({b"authorization", b"accept-language"})
PRIVATE = (b"cache-control", b"private, no-store")


async def statement_file(request: Request, reader: Reader, settlement_id: UUID, kind: FileKind) -> Response:
    """Raises Refused and ServiceUnavailable."""
    logistics = request.app.state.upstreams.get("logistics")
    if logistics is None:
        raise ServiceUnavailable()
    said = await reader.api.get(f"/v1/settlements/{settlement_id}", limit=1)
    asked = {} if kind == "data.csv" else await _for_people(request, reader, said["carrier_id"] or said["producer_id"])
    return HandedThrough(logistics, f"/v1/settlements/{settlement_id}", urlencode(asked), ACCEPTED[kind])


async def _for_people(request: Request, reader: Reader, payee_id: str) -> dict[str, str]:
    """The parameters of a table that is for reading; whoever has no name is told by the id alone."""
    name = (await names_of(request, [payee_id])).get(payee_id)
    return {"language": reader.language, **({"payee_name": name} if name else {})}


class HandedThrough(Response):
    """What a service answers to `path`, streamed in the name of who asked; who hangs up ends it."""

    def __init__(self, upstream: Upstream, path: str, query: str, accept: bytes) -> None:
        super().__init__()
        self._upstream, self._accept = upstream, accept
        self._asked = {"path": path, "raw_path": raw_path_of(path), "query_string": query.encode()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = [(name, value) for name, value in scope["headers"] if name in PASSED_ON]
        headers = [(b"host", b"gateway"), (b"accept", self._accept), *kept]

        async def private(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), PRIVATE]}
            await send(message)

        await self._upstream({**scope, **self._asked, "headers": headers}, receive, private)
