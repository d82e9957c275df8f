"""Codes by SMS: a provider, or what stands before one, that takes a POST.

What goes wrong is told without the request: the number and the code are in it.
"""

import httpx
import stamina

from chassis.problems import Language

WAIT_S = 5.0
TRIES = 2
"""An SMS that comes twice is no harm, and who waits for one is not kept waiting long."""


class NotSent(Exception):
    """The provider did not take the message; `status` is its answer, None when there was none."""

    def __init__(self, status: int | None) -> None:
        super().__init__("the provider of SMS did not take the message")
        self.status = status


class HttpSms:
    """`POST url {"phone": "+86…", "code": "123456", "language": "zh-CN"}` with a bearer token; any 2xx is sent."""

    def __init__(self, url: str, token: str, *, wait_s: float = WAIT_S) -> None:
        self._url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=wait_s, follow_redirects=False, trust_env=False)

    async def send(self, phone: str, code: str, language: Language) -> None:
        """Raises NotSent. What the provider refuses (4xx) is not tried again."""
        message = {"phone": phone, "code": code, "language": language}
        async for attempt in stamina.retry_context(
            on=_is_passing, attempts=TRIES, wait_initial=0.2, wait_max=0.5, wait_jitter=0.1
        ):
            with attempt:
                await self._post(message)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _post(self, message: dict[str, str]) -> None:
        try:
            answer = await self._client.post(self._url, json=message)
        except httpx.HTTPError:
            raise NotSent(None) from None
        if not answer.is_success:
            raise NotSent(answer.status_code)


def _is_passing(error: Exception) -> bool:
    return isinstance(error, NotSent) and (error.status is None or error.status >= 500 or error.status == 429)
