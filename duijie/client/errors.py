"""What a call may come to, besides an answer."""

from collections.abc import Mapping
from typing import Any


class Problem(Exception):
    """An answer that asking again won't change (RFC 9457). `type` is stable; the texts are in the client's language."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.type: str = body.get("type", "about:blank")
        self.title: str = body.get("title", "")
        self.detail: str = body.get("detail", "")
        self.errors: list[dict[str, str]] = body.get("errors", [])
        where = "; ".join(f"{each.get('pointer', '')} {each.get('detail', '')}" for each in self.errors)
        super().__init__(f"{status} {self.type} {where or self.detail or self.title}".strip())


class NoAnswer(Exception):
    """Nobody answered, or only that it can't be done now: the outcome may be unknown, so send the same again."""

    def __init__(self, why: str, after_s: float | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s
