"""A caller of the public surface that does not give up: an unknown outcome is asked again with the same key."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import stamina

PATIENCE_S = 600
TELL_AFTER_S = 3
AGAIN = frozenset({429, 502, 503, 504})
STILL_RUNNING = "/problems/still-running"


class Refused(Exception):
    """An answer that asking again won't change."""


class Later(Exception):
    """An answer, or none, after which the same request may be sent again."""


stamina.instrumentation.set_on_retry_hooks([])  # it waits for a platform that restarts: not worth a line each time


class Client:
    """Calls the platform at `url` with the tokens given by account name."""

    def __init__(self, url: str, tokens: Mapping[str, str], *, seed: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, timeout=120, limits=httpx.Limits(max_connections=32), trust_env=False
        )
        self._tokens = tokens
        self._seed = seed

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, account: str, path: str, **params: Any) -> Any:
        return await self._call("GET", account, path, params=params)

    async def post(self, account: str, path: str, body: Any = None, *, key: str) -> Any:
        """`key` names this very thing within the demonstration."""
        return await self._call("POST", account, path, json=body, headers={"Idempotency-Key": f"{self._seed}/{key}"})

    async def put(self, account: str, path: str, body: Any) -> Any:
        return await self._call("PUT", account, path, json=body)

    async def every(self, account: str, path: str, **params: Any) -> list[Any]:
        """All items of a list, page by page."""
        items: list[Any] = []
        after: dict[str, Any] = {}
        while True:
            page = await self.get(account, path, limit=500, **params, **after)
            items += page["items"]
            if page["next"] is None or not page["items"]:
                return items
            after = {"after": page["next"]}

    @stamina.retry(on=Later, attempts=None, timeout=PATIENCE_S, wait_initial=0.1, wait_max=2.0)
    async def _call(self, method: str, account: str, path: str, **request: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._tokens[account]}", **request.pop("headers", {})}
        try:
            answer = await self._http.request(method, path, headers=headers, **request)
        except httpx.TransportError as error:
            raise Later(str(error)) from error
        if answer.is_success:
            return answer.json()
        if answer.status_code == 429:
            await asyncio.sleep(float(answer.headers["retry-after"]))
        if answer.status_code in AGAIN or answer.json().get("type") == STILL_RUNNING:
            raise Later(answer.text)
        raise Refused(f"{method} {path}: {answer.status_code} {answer.text}")


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
