"""Sending a request until its outcome is known: what is lost on the way is sent again, with the same key."""

import asyncio
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import copy
from typing import Any, Final, Self
from uuid import uuid4

import httpx

from duijie.client.errors import NoAnswer, Problem, read_refusal
from duijie.client.tokens import Tokens

WAIT_MIN_S, WAIT_MAX_S = 0.1, 5.0
TIMEOUT: Final = httpx.Timeout(120, connect=10)
NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


LOG: Final = logging.getLogger("duijie.client")
LOG.addHandler(logging.NullHandler())  # whoever wants to hear of it says so; else logging would print warnings itself
AWAY: Final = "no answer from %s (%s); asking again in %.1f s"
BACK: Final = "%s answers again"


class Caller:
    """Calls the platform at `url` in the name of whoever `tokens` speaks for; close it, or use it as a context.

    A request that is lost is sent again for `patience_s` from when it was lost first, None for ever; then NoAnswer is
    raised. How long a try takes that is not lost does not count: a file may be long on its way.
    """

    def __init__(
        self, url: str, tokens: Tokens | None = None, *, language: str = "zh-CN", patience_s: float | None = 60
    ) -> None:
        headers = {"Accept-Language": language, "User-Agent": "duijie-client"}
        limits = httpx.Limits(max_connections=32)
        self.http = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, limits=limits, trust_env=False)
        self._tokens = tokens
        self._patience_s = patience_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self.http.aclose()

    def acting_for(self, tokens: Tokens) -> Self:
        """The same for another account, over the connections of this one."""
        other = copy(self)
        other._tokens = tokens
        return other

    async def get(self, path: str, **params: Any) -> Any:
        return (await self.send("GET", path, params=_given(params))).json()

    async def post(self, path: str, body: object = None, *, key: str | None = None) -> Any:
        """`key` names this very request, for who may have to send it again after a crash; else one is drawn."""
        return (await self.send("POST", path, json=body, headers={"Idempotency-Key": key or str(uuid4())})).json()

    async def put(self, path: str, body: object) -> Any:
        return (await self.send("PUT", path, json=body)).json()

    async def patch(self, path: str, body: object, *, version: int) -> Any:
        """`version` is the one that was read; who changed it meanwhile makes this a Problem of 412.

        Sent again after a lost answer it may be that, too, as `may_be_done` of the Problem says: read before you change
        once more.
        """
        return (await self.send("PATCH", path, json=body, headers={"If-Match": f'"{version}"'})).json()

    async def delete(self, path: str) -> None:
        """What is gone when it is asked for again, after a lost answer, is done."""
        try:
            await self.send("DELETE", path)
        except Problem as problem:
            if problem.status != 404 or not problem.may_be_done:
                raise

    async def every(self, path: str, **params: Any) -> AsyncIterator[Any]:
        """Every item of a list, page by page."""
        after = params.pop("after", None)
        while True:
            page = await self.get(path, **{"limit": 500, **params, "after": after})
            for item in page["items"]:
                yield item
            after = page["next"]
            if after is None or not page["items"]:
                return

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """A good answer, read whole. Raises Problem, and NoAnswer once patience is at its end."""
        answer, _ = await self.settle(method, path, **request)
        return answer

    async def settle(self, method: str, path: str, **request: Any) -> tuple[httpx.Response, bool]:
        """As `send`, and whether an earlier try, whose answer was lost, may be the one that was done."""
        may_be_done = False
        ends_s = math.inf
        tries = 0
        while True:
            try:
                async with self._answer(method, path, **request) as answer:
                    await answer.aread()
            except Problem as problem:
                problem.may_be_done = may_be_done
                raise
            except NoAnswer as error:
                if not tries and self._patience_s is not None:
                    ends_s = time.monotonic() + self._patience_s
                pause_s = _pause_s(error, tries)
                if time.monotonic() + pause_s > ends_s:
                    raise
                LOG.warning(AWAY, self.http.base_url, error, pause_s)
                may_be_done = may_be_done or error.may_be_done
            else:
                if tries:
                    LOG.info(BACK, self.http.base_url)
                return answer, may_be_done
            tries += 1
            await asyncio.sleep(pause_s)

    @asynccontextmanager
    async def streamed(self, method: str, path: str, **request: Any) -> AsyncIterator[httpx.Response]:
        """A good answer while it comes, tried once. Raises Problem, and NoAnswer also where it breaks off."""
        async with self._answer(method, path, **request) as answer:
            yield answer

    @asynccontextmanager
    async def _answer(self, method: str, path: str, **request: Any) -> AsyncIterator[httpx.Response]:
        headers = dict(request.pop("headers", {}))
        token = await self._token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            async with self.http.stream(method, path, headers=headers, **request) as answer:
                if not answer.is_success:
                    await answer.aread()
                    self._refuse(answer, token)
                yield answer
        except httpx.TransportError as error:
            raise _lost(error, may_be_done=not isinstance(error, NOT_SENT)) from error

    async def _token(self) -> str:
        """Without one nothing is sent: who waits for it in vain knows that nothing was done."""
        try:
            return "" if self._tokens is None else await self._tokens.token(self.http)
        except httpx.TransportError as error:
            raise _lost(error, may_be_done=False) from error
        except NoAnswer as error:
            error.may_be_done = False
            raise

    def _refuse(self, answer: httpx.Response, token: str) -> None:
        problem = read_refusal(answer)
        if answer.status_code == 401 and self._tokens is not None and self._tokens.drop(token):
            raise NoAnswer(str(problem), 0, may_be_done=False)
        raise problem


def _lost(error: httpx.TransportError, *, may_be_done: bool) -> NoAnswer:
    return NoAnswer(f"{type(error).__name__}: {error}", may_be_done=may_be_done)


def _pause_s(error: NoAnswer, tries: int) -> float:
    """After so many tries; what the answer said comes first. Spread, for who was cut off was not alone."""
    if error.after_s is not None:
        return error.after_s
    longest_s: float = min(WAIT_MAX_S, WAIT_MIN_S * 2 ** min(tries, 10))
    return longest_s * random.uniform(0.5, 1.0)


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}
