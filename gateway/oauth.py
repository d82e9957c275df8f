"""Problems as OAuth clients know them: `error` and `error_description` beside the members of every problem
(RFC 6749, section 5.2)."""

import re
from collections.abc import Mapping
from typing import Any

from chassis.problems import Language, Problem

OAUTH_ERRORS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "temporarily_unavailable",
    "server_error",
)
NOT_OF_OAUTH = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def for_oauth(error: str, body: Mapping[str, Any]) -> dict[str, str]:
    """What RFC 6749, section 5.2, adds to an error's body in English: its descriptions are ASCII, without `"`."""
    told = [body["detail"], *(f"{each['pointer']}: {each['detail']}" for each in body.get("errors", ()))]
    return {"error": error, "error_description": NOT_OF_OAUTH.sub("'", " ".join(told))}


class OAuthError(Problem):
    """A problem of `POST /v1/auth/token`; `error` is its name in RFC 6749, section 5.2, for OAuth clients."""

    error: str

    def body(self, language: Language) -> dict[str, Any]:
        return super().body(language) | for_oauth(self.error, super().body("en"))


class ForOAuth(Problem):
    """Any other problem, as `POST /v1/auth/token` tells it. The names for a server's own trouble are of 4.1.2.1."""

    def __init__(self, problem: Problem) -> None:
        super(Problem, self).__init__(problem.slug)
        self.headers = problem.headers
        self._problem = problem

    def body(self, language: Language) -> dict[str, Any]:
        body = self._problem.body(language)
        return body | for_oauth(_error_of(body["status"]), self._problem.body("en"))


def _error_of(status: int) -> str:
    if status in {429, 503}:
        return "temporarily_unavailable"
    if status >= 500:
        return "server_error"
    return "invalid_grant" if status == 401 else "invalid_request"
