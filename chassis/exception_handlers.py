"""Every error of an application is answered as a problem; a 5xx shows nothing of the inside."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from chassis.problems import (
    Internal,
    MethodNotAllowed,
    NotFound,
    Problem,
    Refused,
    TooLarge,
    TooSlow,
    Unauthenticated,
    problem_response,
)
from chassis.validation import from_validation

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

log = structlog.get_logger()

_BY_STATUS: dict[int, type[Problem]] = {
    404: NotFound,
    405: MethodNotAllowed,
    408: TooSlow,
    413: TooLarge,
    401: Unauthenticated,
}


def from_http(error: HTTPException) -> Problem:
    """What the framework refuses."""
    known = _BY_STATUS.get(error.status_code)
    # a 405 says which methods there are: RFC 9110, section 15.5.6
    return known(headers=error.headers) if known else Refused(error.status_code)


def allowed_at(app: FastAPI, scope: Mapping[str, Any]) -> list[str]:
    """The methods of a path, whichever of its routes have them."""
    asked = [(method, {**scope, "method": method}) for method in METHODS]
    taken = [method for method, each in asked if any(r.matches(each)[0] is Match.FULL for r in app.router.routes)]
    return ["GET", "HEAD", *(each for each in taken if each != "GET")] if "GET" in taken else taken


def answer_problems(app: FastAPI) -> None:
    """Make every error of `app` a problem; a 5xx shows nothing of the inside."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return problem_response(problem, request)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return problem_response(from_validation(error, request.scope.get("route")), request)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405 and error.headers is not None:
            error.headers = {**error.headers, "Allow": ", ".join(allowed_at(app, request.scope))}
        return problem_response(from_http(error), request)

    @app.exception_handler(Exception)
    async def on_failure(request: Request, error: Exception) -> Response:
        log.error("request_failed", path=request.url.path, exc_info=error)
        return problem_response(Internal(), request)
