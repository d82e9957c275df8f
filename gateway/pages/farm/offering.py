"""Posting a lot with its photo, from the form and from the queue of a phone alike: once, however often it is sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from chassis.problems import Problem, Text
from gateway.pages.asking import Told
from gateway.pages.farm.form import Filled
from gateway.pages.forms import new_key
from gateway.pages.ordering import key_for
from gateway.pages.reader import Reader

KEYS_ARE_KEPT = timedelta(hours=24)
"""At least so long a service remembers what it answered under a key."""


class AnotherAccount(Problem):
    """Whoever else is signed in on that phone now must not post it as theirs."""

    slug, status = "filled-by-another-account", 409
    title = Text("由另一个账户填写", "Filled in by another account")
    detail = Text(
        "这批货是另一个账户填写的，须由它发布；请换回那个账户登录。没有任何内容被更改。",
        "Another account filled in this lot, and it alone may post it; sign in as that one. Nothing was changed.",
    )


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form that came: its fields, and its photo, empty where there is none."""

    filled: Filled = field(default_factory=Filled)
    photo: bytes = b""


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of it: the lot's id, or what the API said against it."""

    told: Told
    listing_id: str = ""
    photo: Told | None = None

    @property
    def path(self) -> str:
        refused = self.photo is not None and not self.photo.ok
        return f"/farm/listings/{self.listing_id}?{'photo=refused' if refused else 'done=posted'}"


async def sheet_of(request: Request) -> Sheet:
    """The form of this request, read whole; the route limits how large it may be."""
    form = await request.form()
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    photo = form.get("photo")
    return Sheet(Filled(fields), await photo.read() if isinstance(photo, UploadFile) else b"")


def key_of(filled: Filled) -> str:
    """The Idempotency-Key of a form that a browser sends by itself: the same when it is sent twice, another when
    somebody comes back to it and offers something else."""
    return key_for(filled.key or new_key(), json.dumps(filled.body(), sort_keys=True))


async def post(reader: Reader, sheet: Sheet, key: str) -> Posted:
    """Offer the lot under that key, then show its photo. A photo that is refused leaves the lot as it is.

    Raises AnotherAccount where somebody else had filled the form in.
    """
    filled = sheet.filled
    must_be_theirs(reader, filled)
    known = await _posted_before(reader, filled)
    if known:
        return Posted(Told(200, None, None), known)
    told = await reader.api.send("POST", "/v1/listings", filled.body(), key=key)
    if not told.ok:
        return Posted(told)
    listing_id = told.said["id"]
    photo_key = key_for(key, sha256(sheet.photo).hexdigest())
    photo = await show(reader, listing_id, sheet.photo, photo_key) if sheet.photo else None
    return Posted(told, listing_id, photo)


async def show(reader: Reader, listing_id: str, photo: bytes, key: str) -> Told:
    """One more photo of a lot."""
    return await reader.api.upload(f"/v1/listings/{listing_id}/photos", photo, key=key)


async def show_once(reader: Reader, listing_id: str, sheet: Sheet) -> Told:
    """The photo that a phone's queue has for a lot of its own. Raises Refused, AnotherAccount."""
    must_be_theirs(reader, sheet.filled)
    if await _shown_before(reader, listing_id, sheet.filled):
        return Told(200, None, None)
    return await show(reader, listing_id, sheet.photo, sheet.filled.key)


def must_be_theirs(reader: Reader, filled: Filled) -> None:
    """Raises AnotherAccount."""
    mine = str(reader.caller.account_id) if reader.caller else ""
    if filled["account"] and filled["account"] != mine:
        raise AnotherAccount()


async def _posted_before(reader: Reader, filled: Filled) -> str:
    """The lot that an earlier try made, whose answer was lost so long ago that its key may be forgotten; else empty.

    A lot is known by the moment it was filled in, to the millisecond.
    """
    tried_at, filled_at = _instant(filled["tried_at"]), _instant(filled["filled_at"])
    if tried_at is None or filled_at is None or not _is_forgotten(tried_at):
        return ""
    after: str | None = None
    while True:
        page = await reader.api.get("/v1/listings", limit=500, after=after)
        for each in page["items"]:
            if datetime.fromisoformat(each["available_from"]) == filled_at:
                return str(each["id"])
        after = page["next"]
        if after is None or _is_older(page["items"][-1], tried_at):
            return ""


async def _shown_before(reader: Reader, listing_id: str, filled: Filled) -> bool:
    """Whether an earlier try, whose key may be forgotten, has shown the photo: the only one that this lot has of it."""
    tried_at = _instant(filled["tried_at"])
    if tried_at is None or not _is_forgotten(tried_at):
        return False
    photos = await reader.api.get(f"/v1/listings/{listing_id}/photos")
    return bool(photos["items"])


def _is_forgotten(tried_at: datetime) -> bool:
    return datetime.now(UTC) - tried_at >= KEYS_ARE_KEPT


def _is_older(item: Mapping[str, Any], than: datetime) -> bool:
    return datetime.fromisoformat(item["created_at"]) < than - KEYS_ARE_KEPT


def _instant(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else None
