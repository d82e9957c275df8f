"""A farmer's pages: their lots, a lot, the form of a new one; each form goes to the API in the reader's name."""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from chassis.routes import Db
from gateway.accounts.api import Desk
from gateway.pages.asking import Told
from gateway.pages.farm import service
from gateway.pages.farm.consents import names_of, producers_for
from gateway.pages.farm.form import FIELDS, Filled
from gateway.pages.farm.offering import Sheet, key_of, post, sheet_of, show
from gateway.pages.farm.offline import places_address
from gateway.pages.forms import new_key
from gateway.pages.reader import PhotoPageRoute, Reader, page_router, reader_who_is
from gateway.pages.render import page
from gateway.pages.sharing import address_of

router = page_router(PhotoPageRoute)

Farmer = Annotated[Reader, Depends(reader_who_is("producer", "agent"))]
Came = Annotated[Sheet, Depends(sheet_of)]
Line = Annotated[str, Form(max_length=4000)]
After = Annotated[str | None, Query(max_length=100)]
Note = Annotated[str, Query(max_length=20)]
Size = Literal["full", "medium", "thumbnail"]
PRIVATE_PHOTO = {"Cache-Control": "private, max-age=300"}
NOBODY: Mapping[str, str] = {}


@router.get("/farm")
async def lots(request: Request, reader: Farmer, db: Db, desk: Desk, after: After = None) -> HTMLResponse:
    farm = await service.farm_of(reader, after)
    names = await names_of(reader, db, desk.vault, farm.producer_ids)
    return page(request, "farm/lots.html", farm=farm, names=names, after=after)


@router.get("/farm/no-signal")
async def no_signal(request: Request, _: Farmer) -> HTMLResponse:
    """What an installed app shows instead of a page that it can't have now (static/farm/sw.js)."""
    return page(request, "farm/no_signal.html")


@router.get("/farm/new")
async def begin(request: Request, reader: Farmer, db: Db, desk: Desk) -> HTMLResponse:
    return await _form(request, reader, db, desk, await service.start(reader))


@router.post("/farm/new")
async def offer(request: Request, reader: Farmer, sheet: Came, db: Db, desk: Desk) -> Response:
    posted = await post(reader, sheet, key_of(sheet.filled))
    return _to(posted.path) if posted.told.ok else await _form(request, reader, db, desk, sheet.filled, posted.told)


@router.get("/farm/listings/{listing_id}")
async def lot(
    request: Request, listing_id: UUID, reader: Farmer, db: Db, desk: Desk, done: Note = "", photo: Note = ""
) -> HTMLResponse:
    shown = await service.lot_page(reader, str(listing_id))
    names = await names_of(reader, db, desk.vault, [shown.lot.producer_id])
    return _lot(request, listing_id, shown, names, done, photo)


Moment = Annotated[int | None, Query(ge=0, le=10**11)]


@router.get("/farm/listings/{listing_id}/live")
async def live(request: Request, listing_id: UUID, reader: Farmer, seen: Note = "", since: Moment = None) -> Response:
    """The part of the page that changes by itself; 204 while it stands as it was seen."""
    shown = await service.live(reader, str(listing_id), seen, since)
    return page(request, "farm/live.html", shown=shown, done="") if shown else Response(status_code=204)


@router.post("/farm/listings/{listing_id}")
async def change(request: Request, listing_id: UUID, reader: Farmer, sheet: Came) -> Response:
    told = await service.change(reader, str(listing_id), sheet.filled.fields)
    return await _answer(request, reader, listing_id, told, sheet, done=sheet.filled["done"])


@router.post("/farm/listings/{listing_id}/withdraw")
async def withdraw(request: Request, listing_id: UUID, reader: Farmer, sheet: Came) -> Response:
    path = f"/v1/listings/{listing_id}/withdraw"
    return await _answer(request, reader, listing_id, await reader.api.send("POST", path, key=sheet.filled.key))


@router.post("/farm/listings/{listing_id}/photos")
async def add_photo(request: Request, listing_id: UUID, reader: Farmer, sheet: Came) -> Response:
    told = await show(reader, str(listing_id), sheet.photo, sheet.filled.key)
    return await _answer(request, reader, listing_id, told)


@router.post("/farm/listings/{listing_id}/photos/{photo_id}/remove")
async def remove_photo(request: Request, listing_id: UUID, photo_id: UUID, reader: Farmer) -> Response:
    told = await reader.api.send("DELETE", f"/v1/listings/{listing_id}/photos/{photo_id}")
    return await _answer(request, reader, listing_id, told)


@router.post("/farm/listings/{listing_id}/matches/{match_id}/agree")
async def agree(request: Request, listing_id: UUID, match_id: UUID, reader: Farmer, sheet: Came) -> Response:
    told = await reader.api.send("POST", f"/v1/matches/{match_id}/agree", key=sheet.filled.key)
    return await _answer(request, reader, listing_id, told)


@router.post("/farm/listings/{listing_id}/matches/{match_id}/decline")
async def decline(request: Request, listing_id: UUID, match_id: UUID, reader: Farmer, sheet: Came) -> Response:
    why = {"reason": sheet.filled["reason"] or None}
    told = await reader.api.send("POST", f"/v1/matches/{match_id}/decline", why, key=sheet.filled.key)
    return await _answer(request, reader, listing_id, told)


@router.get("/farm/listings/{listing_id}/photos/{photo_id}")
async def photo(listing_id: UUID, photo_id: UUID, reader: Farmer, size: Size = "full") -> Response:
    jpeg = await service.photo(reader, str(listing_id), str(photo_id), size)
    return Response(jpeg, media_type="image/jpeg", headers=PRIVATE_PHOTO)


async def _form(
    request: Request, reader: Reader, db: Db, desk: Desk, filled: Filled, told: Told = service.NOTHING
) -> HTMLResponse:
    kinds = await service.kinds(reader)
    producers = await producers_for(reader, db, desk.vault)
    faults = filled.faults(told.faults(), reader.language)
    beside = FIELDS if producers else FIELDS - {"producer"}
    return page(
        request,
        "farm/new.html",
        told.status,
        filled=filled,
        told=told,
        faults=faults,
        faults_of_no_field=[fault for name, fault in faults.items() if name not in beside],
        kinds=kinds,
        going=service.going(filled, kinds),
        producers=producers,
        key=filled.key or new_key(),
        places=places_address(),
    )


async def _answer(
    request: Request, reader: Reader, listing_id: UUID, told: Told, sheet: Sheet | None = None, done: str = ""
) -> Response:
    """Back to the lot; to what went wrong with it, where something did."""
    if told.ok:
        return _to(f"/farm/listings/{listing_id}" + (f"?{urlencode({'done': done})}" if done else ""))
    shown = await service.lot_page(reader, str(listing_id), told, sheet.filled.fields if sheet else None)
    return _lot(request, listing_id, shown)


def _lot(
    request: Request,
    listing_id: UUID,
    shown: service.LotPage,
    names: Mapping[str, str] = NOBODY,
    done: str = "",
    photo: str = "",
) -> HTMLResponse:
    return page(
        request,
        "farm/lot.html",
        shown.told.status,
        here=f"/farm/listings/{listing_id}",
        shown=shown,
        done=done,
        photo=photo,
        names=names,
        board_page=address_of(request, f"/board/{listing_id}"),
    )


def _to(path: str) -> Response:
    return RedirectResponse(path, 303)
