"""The address of a page as one gives it to others: whole, and as a QR code that stands in the page as plain SVG."""

from dataclasses import dataclass
from functools import lru_cache

import segno
from fastapi import Request
from markupsafe import Markup

DRAWN_MAX = 500


@dataclass(frozen=True, slots=True)
class Share:
    """`qr` is an SVG without any style of its own."""

    address: str
    qr: Markup
    origin: str

    def whole(self, path: str) -> str:
        """Another address of ours as others may open it."""
        return f"{self.origin}{path}"


def share_of(request: Request, path: str) -> Share:
    """As this reader may pass it on."""
    address = address_of(request, path)
    return Share(address, _drawn(address), address.removesuffix(path))


def address_of(request: Request, path: str) -> str:
    """The whole address of a page of ours, by the name under which this reader came."""
    scheme = "https" if request.app.state.proxies.origin(request.scope).secure else "http"
    return f"{scheme}://{request.headers.get('host', '')}{path}"


@lru_cache(maxsize=DRAWN_MAX)
def _drawn(address: str) -> Markup:
    """It takes 6 ms to work out, and a lot is looked at by many."""
    return Markup(segno.make(address, micro=False).svg_inline(omitsize=True, border=2))
