"""What a call may come to, besides an answer."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

AGAIN: Final = frozenset({429, 502, 503, 504})
STILL_RUNNING: Final = "/problems/still-running"
RETRY_AFTER_MAX_S: Final = 60.0


class Problem(Exception):
    """An answer that asking again won't change (RFC 9457). `type` is stable; the texts are in the client's language.

    `may_be_done`: an earlier try, whose answer was lost, may have done it, and this be what came of doing it twice.
    """

    may_be_done = False

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.type: str = body.get("type", "about:blank")
        self.title: str = body.get("title", "")
        self.detail: str = body.get("detail", "")
        self.errors: list[dict[str, str]] = body.get("errors", [])
        where = "; ".join(f"{each.get('pointer', '')} {each.get('detail', '')}" for each in self.errors)
        super().__init__(f"{status} {self.type} {where or self.detail or self.title}".strip())


class NoAnswer(Exception):
    """Nobody answered, or only that it can't be done now: send the same again. `may_be_done`: nobody knows."""

    def __init__(self, why: str, after_s: float | None = None, *, may_be_done: bool = True) -> None:
        super().__init__(why)
        self.after_s = after_s
        self.may_be_done = may_be_done


def read_refusal(answer: httpx.Response) -> Problem:
    """What an answer that is not good, and read whole, says. Raises NoAnswer where the same may be sent again.

    A proxy on the way answers as it likes: what is no problem in JSON is one all the same.
    """
    try:
        body = answer.json()
    except ValueError:
        body = {"detail": answer.text[:200]}
    problem = Problem(answer.status_code, body if isinstance(body, dict) else {})
    if answer.status_code in AGAIN or problem.type == STILL_RUNNING:
        is_refused = answer.status_code == 429
        raise NoAnswer(str(problem), _seconds(answer.headers.get("retry-after")), may_be_done=not is_refused)
    return problem


def _seconds(retry_after: str | None) -> float | None:
    """Of `Retry-After`, seconds are understood; a date is as if nothing was said."""
    return min(float(retry_after), RETRY_AFTER_MAX_S) if retry_after and retry_after.isdecimal() else None
