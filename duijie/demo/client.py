"""The demonstration's way to the platform: our own client, for many accounts, with keys from the seed."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from duijie.client import Caller, fixed

PATIENCE_S = 600
TELL_AFTER_S = 3


class Refused(Exception):
    """Why there is nothing to play on."""


class Client:
    """Calls the platform at `url` with the tokens given by account name."""

    def __init__(self, url: str, tokens: Mapping[str, str], *, seed: str) -> None:
        self._caller = Caller(url, patience_s=PATIENCE_S)
        self._callers = {account: self._caller.acting_for(fixed(token)) for account, token in tokens.items()}
        self._seed = seed

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._caller.aclose()

    async def get(self, account: str, path: str, **params: Any) -> Any:
        return await self._callers[account].get(path, **params)

    async def post(self, account: str, path: str, body: Any = None, *, key: str) -> Any:
        """`key` names this very thing within the demonstration."""
        return await self._callers[account].post(path, body, key=f"{self._seed}/{key}")

    async def show(self, account: str, listing_id: str, photo: bytes, *, key: str) -> Any:
        """One more photo of a lot of theirs."""
        headers = {"Idempotency-Key": f"{self._seed}/{key}"}
        path = f"/v1/listings/{listing_id}/photos"
        return (await self._callers[account].send("POST", path, files={"photo": photo}, headers=headers)).json()

    async def put(self, account: str, path: str, body: Any) -> Any:
        return await self._callers[account].put(path, body)

    async def every(self, account: str, path: str, **params: Any) -> list[Any]:
        """All items of a list, page by page."""
        return [each async for each in self._callers[account].every(path, **params)]


async def until_ready(url: str) -> None:
    """Wait until a platform answers there."""
    started_s = asyncio.get_running_loop().time()
    told = False
    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            try:
                if (await http.get(f"{url}/readyz", timeout=5)).status_code == 200:
                    return
            except httpx.TransportError as error:
                if asyncio.get_running_loop().time() > started_s + PATIENCE_S:
                    raise Refused(f"nothing answers at {url}") from error
            if not told and asyncio.get_running_loop().time() > started_s + TELL_AFTER_S:
                told = True
                print(f"waiting for a platform at {url}", flush=True)
            await asyncio.sleep(0.2)
