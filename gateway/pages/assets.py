"""What pages load: our own few files, and libraries that npm brings (`gateway/pages/package-lock.json`).

All are served by ourselves, as they come. Without npm those libraries are missing: every page works, with tables
instead of charts.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
MODULES = FOLDER / "node_modules"
VENDORED: Mapping[str, Path] = {
    "vendor/htmx.js": MODULES / "htmx.org/dist/htmx.min.js",
    "vendor/echarts.js": MODULES / "echarts/dist/echarts.common.min.js",
}
KEPT = "public, max-age=31536000, immutable"
HASH_CHARS = 12


def address_of(name: str) -> str:
    """Where the file of that name is: with its content's hash, so that a browser may keep it for ever. Empty when it is
    missing, which a template asks before it names a script."""
    digest = _digest(name)
    return f"/static/{name}?v={digest}" if digest else ""


@cache
def _digest(name: str) -> str:
    path = _path(name)
    return sha256(path.read_bytes()).hexdigest()[:HASH_CHARS] if path else ""


@cache
def _path(name: str) -> Path | None:
    """The file behind a name; None for what is none of ours."""
    path = VENDORED.get(name, STATIC / name)
    inside = name in VENDORED or STATIC in path.resolve().parents
    return path if inside and path.is_file() else None


class _Files:
    """A browser keeps what it asked for by its hash; anything else it asks for again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._response(scope["path"].removeprefix(f"{scope.get('root_path', '')}/"), scope)
        await response(scope, receive, send)

    def _response(self, name: str, scope: Scope) -> Response:
        path = _path(name) if "\0" not in name else None
        if path is None or scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(404)
        kept = scope["query_string"] == f"v={_digest(name)}".encode()
        return FileResponse(path, headers={"Cache-Control": KEPT if kept else "no-cache"})


def static_files() -> ASGIApp:
    return GZipMiddleware(_Files(), minimum_size=1024)
