"""Whatever an application raises is answered as a problem."""

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.exceptions import HTTPException

from chassis.exception_handlers import answer_problems
from chassis.problems import StaleVersion


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    answer_problems(app)

    @app.get("/stale")
    async def stale() -> None:
        raise StaleVersion(current=3)

    @app.get("/numbers")
    async def numbers(most: int) -> int:
        return most

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418)

    @app.get("/failing")
    async def failing() -> None:
        raise RuntimeError("the password is 12345")

    return app


def client_of(app: FastAPI) -> AsyncClient:
    """A client that is answered where the application fails, as one on the wire is."""
    transport = ASGITransport(app, raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url="http://test", headers={"Accept-Language": "zh"})


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/stale", 412, "stale-version"),
        ("/numbers?most=x", 422, "invalid-input"),
        ("/nowhere", 404, "not-found"),
        ("/teapot", 418, "refused"),
        ("/failing", 500, "internal"),
    ],
)
async def test_every_error_is_a_problem_of_its_status(app: FastAPI, path: str, status: int, slug: str) -> None:
    async with client_of(app) as client:
        answer = await client.get(path)
    told = answer.json()
    assert (answer.status_code, told["status"], told["type"]) == (status, status, f"/problems/{slug}")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_failure_shows_nothing_of_the_inside(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/failing")
    assert answer.json()["detail"] == "我们的一方出了错，已记录。"
    assert "12345" not in answer.text


async def test_a_method_that_is_not_taken_is_a_problem(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.delete("/stale")
    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD"
    assert (answer.headers["content-language"], answer.headers["vary"]) == ("zh-CN", "Accept-Language")
