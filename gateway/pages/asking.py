"""What the pages ask of the services: the public API itself, by the reader's own token.

So a page can show and do exactly what its reader may, and its figures are those of the API.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from chassis.problems import Language, Problem
from gateway.fetch import WAIT_S, Fetched, Sent, fetch
from gateway.pages.manners import for_people
from gateway.proxy import ServiceUnavailable, Upstream
from gateway.routes import service_for

UPLOAD_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Told:
    """A whole answer. `said` is its JSON, a problem's too; None where there is none."""

    status: int
    said: Any
    version: str | None
    """Of what was answered, as If-Match takes it; None without an ETag."""
    feed_head: int | None = None
    """The last seq of the feed that was asked, where its page is not full."""

    @property
    def ok(self) -> bool:
        return self.status < 400

    def is_problem(self, problem: type[Problem]) -> bool:
        """Whether it is a refusal of that kind."""
        return isinstance(self.said, dict) and self.said.get("type") == f"/problems/{problem.slug}"

    def faults(self) -> dict[str, str]:
        """What is wrong with each field of what was sent, by its pointer's steps with dots between: `origin.adcode`."""
        errors = self.said.get("errors", ()) if isinstance(self.said, dict) else ()
        return {each["pointer"].removeprefix("#/").replace("/", "."): each["detail"] for each in errors}


class Refused(Exception):
    """The API did not answer with what the page needs; `told` holds its problem."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.status)
        self.told = told


class Api:
    """The public API for one reader. Raises ServiceUnavailable where a service does not answer."""

    def __init__(self, upstreams: Mapping[str, Upstream], authorization: str, language: Language) -> None:
        self._upstreams = upstreams
        self._authorization = authorization
        self._language = language

    async def get(self, path: str, **query: object) -> Any:
        """The JSON at `path`; parameters that are None or empty are left out. Raises Refused."""
        told = await self.ask(path, **query)
        if not told.ok:
            raise Refused(told)
        return told.said

    async def get_patiently(self, path: str, wait_s: float) -> Any:
        """The same, for what takes long."""
        told = await self._told("GET", path, "", Sent(authorization=self._authorization), wait_s)
        if not told.ok:
            raise Refused(told)
        return told.said

    async def ask(self, path: str, **query: object) -> Told:
        """The same, whatever the answer."""
        asked = {name: value for name, value in query.items() if value not in {None, ""}}
        return await self._told("GET", path, urlencode(asked, doseq=True), Sent(authorization=self._authorization))

    async def send(
        self, method: str, path: str, body: object = None, *, key: str = "", version: str | None = None
    ) -> Told:
        """Do something. `key` is the Idempotency-Key, so that a form that is sent twice does it once."""
        sent = Sent(
            authorization=self._authorization,
            body=b"" if body is None else json.dumps(body).encode(),
            headers={
                **({} if body is None else {"Content-Type": "application/json"}),
                **({"Idempotency-Key": key} if key else {}),
                **({"If-Match": version} if version else {}),
            },
        )
        return await self._told(method, path, "", sent)

    async def raw(self, path: str, **query: object) -> Fetched:
        """The answer as it came, for what is no JSON: photos. Raises ServiceUnavailable."""
        sent = Sent(authorization=self._authorization)
        return await fetch(self._upstream(path), path, urlencode(query), language=self._language, sent=sent)

    async def bring(self, path: str, file: bytes, content_type: str, **query: object) -> Told:
        """Post a file as it is."""
        sent = Sent(self._authorization, file, {"Content-Type": content_type})
        return await self._told("POST", path, urlencode(query), sent, wait_s=UPLOAD_WAIT_S)

    async def upload(self, path: str, photo: bytes, *, key: str = "") -> Told:
        """Post a photo, as a form with `photo`; whether it is one the service finds out."""
        boundary = secrets.token_hex(16)
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="photo"; filename="photo"\r\n\r\n'
        sent = Sent(
            authorization=self._authorization,
            body=head.encode() + photo + f"\r\n--{boundary}--\r\n".encode(),
            headers={
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                **({"Idempotency-Key": key} if key else {}),
            },
        )
        return await self._told("POST", path, "", sent, wait_s=UPLOAD_WAIT_S)

    def _upstream(self, path: str) -> Upstream:
        upstream = self._upstreams.get(service_for(path) or "")
        if upstream is None:
            raise ServiceUnavailable()
        return upstream

    async def _told(self, method: str, path: str, query: str, sent: Sent, wait_s: float = WAIT_S) -> Told:
        upstream = self._upstream(path)
        answer = await fetch(upstream, path, query, method=method, language=self._language, sent=sent, wait_s=wait_s)
        said = answer.json() if answer.body else None
        said = said if answer.status < 400 else for_people(said, self._language)
        head = answer.headers.get("feed-head", "")
        return Told(answer.status, said, answer.headers.get("etag"), int(head) if head.isdecimal() else None)
