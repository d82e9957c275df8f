"""The least that could answer: FastAPI on uvicorn that returns fixed bytes. `python -m bench.fixed FILE`."""

import socket
import sys
from pathlib import Path

import uvicorn
import uvloop
from fastapi import FastAPI
from fastapi.responses import Response


async def main(file: Path) -> None:
    body = file.read_bytes()
    app = FastAPI()

    @app.get("/{path:path}")
    async def fixed() -> Response:
        return Response(body, media_type="application/json")

    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        # as ours has it, see duijie.running
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"ready http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
        await server.serve(sockets=[listener])


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
