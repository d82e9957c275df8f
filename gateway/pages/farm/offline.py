"""What makes an app of the farmer's pages: its manifest, its service worker, and the places that a phone looks up."""

import gzip
import json
from functools import cache
from hashlib import sha256
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from catalogue import places
from chassis.gzipped import takes_gzip
from chassis.problems import Language
from gateway.pages.assets import STATIC, address_of
from gateway.pages.reader import page_router
from gateway.pages.render import reader_language
from gateway.pages.texts import TEXTS

router = page_router()

WORKER_POLICY = "default-src 'self'"
"""The worker fetches for the pages: with the policy of what is no page it could fetch nothing."""
SHELL = (
    "duijie.css",
    "leaf.svg",
    "once.js",
    "farm/queue.js",
    "farm/app.js",
    "farm/waiting.js",
    "farm/post.js",
    "farm/no-photo.svg",
)
ICONS = (
    (".svg", "any", "image/svg+xml"),
    ("-192.png", "192x192", "image/png"),
    ("-512.png", "512x512", "image/png"),
)
"""By the ends of their names; iOS takes another, which the frame of the pages names."""
ASKED_ANEW = {"Cache-Control": "no-cache"}
KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
HASH_CHARS = 12


@router.get("/sw.js")
async def worker() -> Response:
    headers = {**ASKED_ANEW, "Content-Security-Policy": WORKER_POLICY}
    return Response(_worker(), media_type="text/javascript", headers=headers)


@router.get("/manifest.webmanifest")
async def manifest(request: Request) -> JSONResponse:
    told = _manifest(reader_language(request))
    return JSONResponse(told, media_type="application/manifest+json", headers=ASKED_ANEW)


@router.get("/farm/places.json")
async def all_places(request: Request) -> Response:
    """Every county by its full name, with its seat: the phone finds the nearest, and tells nobody where it is."""
    packed = takes_gzip(request)
    lasts = KEPT if str(request.url).endswith(places_address()) else ASKED_ANEW
    headers = lasts | {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if packed else {})
    return Response(_packed_places() if packed else _places(), media_type="application/json", headers=headers)


def places_address() -> str:
    """With the hash of what is there: a new catalogue has another."""
    return f"/farm/places.json?v={sha256(_places()).hexdigest()[:HASH_CHARS]}"


@cache
def _places() -> bytes:
    rows = [[each.full_name, each.name, each.lon, each.lat, each.adcode] for each in places.all_places()]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _packed_places() -> bytes:
    return gzip.compress(_places(), mtime=0)


@cache
def _worker() -> str:
    """Versioned by what it keeps: whenever a file changes, so does this text, and the browser installs it anew."""
    files = [address_of(name) for name in SHELL] + [places_address()]
    text = (STATIC / "farm/sw.js").read_text(encoding="utf-8")
    version = sha256((text + "".join(files)).encode()).hexdigest()[:HASH_CHARS]
    told = {"version": version, "files": files, "queue": address_of("farm/queue.js")}
    return f"const TOLD = {json.dumps(told)};\n{text}"


def _manifest(language: Language) -> dict[str, Any]:
    name = TEXTS["name"].in_language(language)
    return {
        "id": "/farm",
        "name": f"{name} · {TEXTS['nav.farm'].in_language(language)}",
        "short_name": name,
        "description": TEXTS["home.farmer.about"].in_language(language),
        "lang": language,
        "start_url": "/farm",
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf8f2",
        "theme_color": "#2a663b",
        "icons": [
            {"src": address_of(f"farm/icon{name}"), "sizes": sizes, "type": kind, "purpose": "any maskable"}
            for name, sizes, kind in ICONS
        ],
    }
