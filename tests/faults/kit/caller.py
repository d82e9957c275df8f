"""A client for whom an outcome is ok, fail or unknown, and who asks again with the same key until it is known."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.faults.kit.findings import Findings

AGAIN = frozenset({408, 429, 500, 502, 503, 504})
STILL_RUNNING = b"/problems/still-running"
TOO_MANY_CODES = b"/problems/too-many-codes"
ATTEMPT_S = 15.0
PAUSE_S, PAUSE_MAX_S = 0.05, 1.0


class NeverKnown(Exception):
    """An outcome that stayed unknown until the patience was at its end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A known outcome: a 2xx is ok, everything else is a refusal. `tries` counts what went before it."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    tries: int

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Calls the gateway for accounts whose tokens it has. `new_key_on_retry` is a mutant's bug."""

    def __init__(self, url: str, tokens: Mapping[str, tuple[str, str]], *, patience_s: float = 180.0) -> None:
        self.patience_s = patience_s
        self.new_key_on_retry = False
        self.outcomes: Counter[str] = Counter()
        self.findings = Findings()
        self._why_unknown: dict[str, Counter[str]] = {}
        self._tokens = dict(tokens)
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(ATTEMPT_S, connect=3),
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=20),
            trust_env=False,
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    def admit(self, account: str, account_id: str, token: str) -> None:
        """One more who may call."""
        self._tokens[account] = (account_id, token)

    def id_of(self, account: str) -> str:
        return self._tokens[account][0]

    async def get(self, account: str, path: str, **params: Any) -> Answer:
        return await self._until_known("GET", account, path, params=params)

    async def post(self, account: str, path: str, body: Any = None, *, key: str) -> Answer:
        return await self._until_known("POST", account, path, body=body, key=key)

    async def send(self, path: str, body: Any) -> Answer:
        """A POST of nobody's, twice is safe."""
        return await self._until_known("POST", None, path, body=body)

    async def fill_in(self, path: str, form: Mapping[str, str]) -> Answer:
        """A form of nobody's. After an unknown outcome a refusal may mean that it was done."""
        return await self._until_known("POST", None, path, form=form)

    async def patch(self, account: str, path: str, body: Any, version: int) -> Answer:
        """Twice is safe: the second finds another version."""
        return await self._until_known("PATCH", account, path, body=body, headers={"If-Match": f'"{version}"'})

    async def put(self, account: str, path: str, body: Any) -> Answer:
        return await self._until_known("PUT", account, path, body=body)

    async def attempt(
        self,
        method: str,
        account: str | None,
        path: str,
        *,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Answer | None:
        """One try; None when its outcome is unknown."""
        sent = {**(headers or {})}
        if account is not None:
            sent["Authorization"] = f"Bearer {self._tokens[account][1]}"
        if key is not None:
            sent["Idempotency-Key"] = key
        try:
            got = await self._http.request(
                method, path, headers=sent, params=params, data=form, **({} if body is None else {"json": body})
            )
        except httpx.TransportError as error:
            self._note_unknown(key, type(error).__name__)
            return None
        self.findings.seen("answers", got.status_code != 500, f"{method} {path}: 500 {got.content[:400]!r}")
        if _is_unknown(got):
            self._note_unknown(key, f"{got.status_code} {got.content[:120].decode(errors='replace')}")
            return None
        return Answer(got.status_code, got.content, got.headers, 1)

    def _note_unknown(self, key: str | None, why: str) -> None:
        self._why_unknown.setdefault(key or "", Counter())[why] += 1

    async def _until_known(self, method: str, account: str | None, path: str, **request: Any) -> Answer:
        deadline = asyncio.get_running_loop().time() + self.patience_s
        tries, pause_s = 0, PAUSE_S
        while True:
            tries += 1
            answer = await self.attempt(method, account, path, **request)
            if answer is not None:
                self.outcomes["ok" if answer.ok else "fail"] += 1
                return Answer(answer.status, answer.body, answer.headers, tries)
            self.outcomes["unknown"] += 1
            if asyncio.get_running_loop().time() > deadline:
                key = request.get("key")
                why = dict(self._why_unknown.get(key or "", {}))
                raise NeverKnown(f"{method} {path} of {account or 'nobody'}, key {key}, after {tries} tries: {why}")
            if self.new_key_on_retry and "key" in request:
                request["key"] = str(uuid4())
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)


def _is_unknown(got: httpx.Response) -> bool:
    """Whether to ask again. That a code went out already is an answer: asking on would only send another."""
    if got.status_code == 409:
        return STILL_RUNNING in got.content
    return got.status_code in AGAIN and TOO_MANY_CODES not in got.content
