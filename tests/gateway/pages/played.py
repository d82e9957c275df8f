"""A service that a test of the pages plays: it answers as it was told, and remembers what it was asked."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from gateway.proxy import InProcess

NOT_THERE = {"type": "/problems/not-found", "title": "not there", "detail": "There is none.", "status": 404}


@dataclass
class Asked:
    """One request. `body` is its JSON, None where there was none."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


@dataclass
class Played:
    """`answers` by method and path, each a status and a JSON, or what makes it of the question; whatever else is asked
    for is not there. What it answers in bytes is a CSV."""

    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    away: bool = False
    """It does not answer at all."""
    takes: list[bytes] | None = None
    """Files that it was brought, of what takes no JSON."""

    def say(self, path: str, said: Any, *, method: str = "GET", status: int = 200) -> None:
        self.answers[method, path] = (status, said)

    def refuse(self, path: str, slug: str, status: int, *, method: str = "POST", **more: Any) -> None:
        problem = {"type": f"/problems/{slug}", "title": slug, "detail": f"because {slug}", "status": status}
        self.say(path, problem | more, method=method, status=status)

    def requests(self, method: str, path: str) -> list[Asked]:
        return [each for each in self.asked if (each.method, each.path) == (method, path)]

    def _read(self, body: bytes) -> Any:
        if self.takes is None:
            return json.loads(body) if body else None
        self.takes += [body] if body else []
        return None

    @property
    def upstream(self) -> InProcess:
        return InProcess(self)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.away:
            raise ConnectionError("away")
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = parse_qs(scope["query_string"].decode())
        asked = Asked(scope["method"], scope["path"], query, headers, self._read(body))
        self.asked.append(asked)
        status, said = self.answers.get((asked.method, asked.path), (404, NOT_THERE))
        said = said(asked) if callable(said) else said
        version = said.get("version") if isinstance(said, dict) else None
        told = [(b"etag", f'"{version}"'.encode())] if version else []
        is_file = isinstance(said, bytes)
        told += [(b"content-type", b"text/csv; charset=utf-8")] if is_file else []
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": said if is_file else json.dumps(said).encode()})
