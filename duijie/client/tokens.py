"""Where a client's access tokens come from: given, of a machine's id and secret, or of a person's refresh token."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import httpx

from duijie.client.errors import read_refusal

TOKEN_PATH: Final = "/v1/auth/token"
EARLY_S: Final = 30
"""So long before its end a token is renewed: a request under way must not meet its end."""
YOUNG_S: Final = 5


class Tokens(Protocol):
    """Gives the token of the moment, and forgets one that was refused."""

    async def token(self, http: httpx.AsyncClient) -> str: ...

    def drop(self, refused: str) -> bool:
        """This one was refused; whether another can be had."""


class _Fixed:
    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self, http: httpx.AsyncClient) -> str:
        return self._token

    def drop(self, refused: str) -> bool:
        return False


class _Granted:
    """Asks `/v1/auth/token` with a form; `heard` is told of each answer, for who has to keep its refresh token."""

    def __init__(self, form: dict[str, str], heard: Callable[[str], None] | None = None) -> None:
        self._form = form
        self._heard = heard
        self._token = ""
        self._granted_s = self._ends_s = 0.0
        self._asking = asyncio.Lock()

    async def token(self, http: httpx.AsyncClient) -> str:
        async with self._asking:
            if not self._token or time.monotonic() > self._ends_s:
                await self._ask(http)
            return self._token

    def drop(self, refused: str) -> bool:
        if refused != self._token:
            return True  # another request has renewed it meanwhile
        if time.monotonic() < self._granted_s + YOUNG_S:
            return False  # it would be refused for ever
        self._token = ""
        return True

    async def _ask(self, http: httpx.AsyncClient) -> None:
        answer = await http.post(TOKEN_PATH, data=self._form)
        if not answer.is_success:
            raise read_refusal(answer)
        body: dict[str, Any] = answer.json()
        lives_s = body["expires_in"]
        self._token, self._granted_s = body["access_token"], time.monotonic()
        self._ends_s = self._granted_s + lives_s - min(EARLY_S, lives_s / 2)
        if self._form["grant_type"] == "refresh_token":
            self._form["refresh_token"] = body["refresh_token"]
            if self._heard is not None:
                self._heard(body["refresh_token"])


def fixed(token: str) -> Tokens:
    """A token that somebody else looks after; when it ends, calls are refused with 401."""
    return _Fixed(token)


def client_credentials(client_id: str, client_secret: str) -> Tokens:
    """Those of a machine, as `duijie client create` made it."""
    return _Granted({"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret})


def refreshed(refresh_token: str, keep: Callable[[str], None]) -> Tokens:
    """Those of who has signed in. Each refresh token is good once: `keep` is given the next one, to be kept for the
    next start; the answer to a call that needed it is not waited for until it has."""
    return _Granted({"grant_type": "refresh_token", "refresh_token": refresh_token}, keep)
