"""The least that could serve: FastAPI on uvicorn with an asyncpg pool, one insert. `python -m bench.bare PORT DSN`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
from fastapi import FastAPI


def main(port: int, dsn: str) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn, ssl=False) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/rows", status_code=201)
    async def add(row: dict[str, str]) -> dict[str, str]:
        await app.state.pool.execute("INSERT INTO bench_rows (text) VALUES ($1)", row["text"])
        return row

    uvicorn.run(app, port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
