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
    digest = _digests().get(name)
    return f"/static/{name}?v={digest}" if digest else ""


@cache
def _files() -> Mapping[str, Path]:
    """All there are, by name. What anybody asks for is looked up here, and nothing is kept of what is none of ours."""
    ours = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*")}
    return {name: path for name, path in {**ours, **VENDORED}.items() if path.is_file()}


@cache
def _digests() -> Mapping[str, str]:
    return {name: sha256(path.read_bytes()).hexdigest()[:HASH_CHARS] for name, path in _files().items()}


class _Files:
    """A browser keeps what it asked for by its hash; anything else it asks for again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._response(scope["path"].removeprefix(f"{scope.get('root_path', '')}/"), scope)
        await response(scope, receive, send)

    def _response(self, name: str, scope: Scope) -> Response:
        path = _files().get(name)
        if path is None or scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(404)
        kept = scope["query_string"] == f"v={_digests()[name]}".encode()
        return FileResponse(path, headers={"Cache-Control": KEPT if kept else "no-cache"})


def static_files() -> ASGIApp:
    """What answers at `/static/`; each file by its name, a 404 for whatever else."""
    return GZipMiddleware(_Files(), minimum_size=1024)
