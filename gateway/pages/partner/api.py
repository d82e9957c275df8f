"""`/partner`: one's machines' keys, webhooks with what became of each delivery, and the feed's last events."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from chassis.feed import SEQ_MAX
from gateway.pages.asking import Told
from gateway.pages.forms import NOTHING_TRIED, Form, Tried
from gateway.pages.partner import service, views
from gateway.pages.reader import Reader, page_router, reader_who_is
from gateway.pages.render import page
from gateway.pages.sharing import address_of

router = page_router()

Partner = Annotated[Reader, Depends(reader_who_is("platform", "group_leader", "carrier"))]
Hooked = Annotated[Reader, Depends(reader_who_is("platform", "group_leader"))]
Verb = Literal["redeliver", "enable", "ping", "delete"]
HOME = "/partner"


@router.get(HOME)
async def home(request: Request, reader: Partner) -> HTMLResponse:
    return await _home(request, reader, NOTHING_TRIED)


@router.post(f"{HOME}/keys")
async def make_key(request: Request, reader: Partner, typed: Form) -> HTMLResponse:
    return await _secret(request, reader, Tried("key", typed, await service.make_key(reader.api, typed)))


@router.post(f"{HOME}/keys/{{client_id}}/rotate")
async def rotate_key(request: Request, client_id: str, reader: Partner, typed: Form) -> HTMLResponse:
    return await _secret(request, reader, Tried("key", typed, await service.rotate_key(reader.api, client_id, typed)))


@router.post(f"{HOME}/keys/{{client_id}}/revoke")
async def revoke_key(request: Request, client_id: str, reader: Partner, typed: Form) -> Response:
    return await _after(request, reader, Tried("key", typed, await service.revoke_key(reader.api, client_id)))


@router.post(f"{HOME}/webhooks")
async def make_webhook(request: Request, reader: Hooked, typed: Form) -> HTMLResponse:
    return await _secret(request, reader, Tried("webhook", typed, await service.make_webhook(reader.api, typed)))


@router.get(f"{HOME}/webhooks/{{webhook_id}}")
async def webhook(
    request: Request,
    webhook_id: UUID,
    reader: Hooked,
    status: Annotated[str | None, Query(max_length=20)] = None,
    after: Annotated[int | None, Query(ge=1)] = None,
) -> HTMLResponse:
    shown = await views.read_webhook(reader, webhook_id, status, after)
    return page(request, "partner/webhook.html", shown=shown, tried=NOTHING_TRIED)


@router.post(f"{HOME}/webhooks/{{webhook_id}}/rotate")
async def rotate_webhook(request: Request, webhook_id: UUID, reader: Hooked, typed: Form) -> HTMLResponse:
    told = await service.rotate_webhook(reader.api, webhook_id, typed)
    return await _secret(request, reader, Tried("webhook", typed, told))


@router.post(f"{HOME}/webhooks/{{webhook_id}}/{{verb}}")
async def change_webhook(request: Request, webhook_id: UUID, verb: Verb, reader: Hooked, typed: Form) -> Response:
    tried = Tried(verb, typed, await service.change_webhook(reader.api, webhook_id, verb, typed))
    return await _after_change(request, reader, webhook_id, tried)


@router.post(f"{HOME}/webhooks/{{webhook_id}}/deliveries/{{seq}}/redeliver")
async def resend(
    request: Request, webhook_id: UUID, seq: Annotated[int, Path(ge=0, le=SEQ_MAX)], reader: Hooked, typed: Form
) -> Response:
    tried = Tried("resend", typed, await service.resend(reader.api, webhook_id, seq, typed))
    return await _after_change(request, reader, webhook_id, tried)


async def _after_change(request: Request, reader: Reader, webhook_id: UUID, tried: Tried) -> Response:
    if tried.status < 400:
        return RedirectResponse(service.after(webhook_id, tried.form), 303)
    shown = await views.read_webhook(reader, webhook_id, None, None)
    here = f"{HOME}/webhooks/{webhook_id}"
    return page(request, "partner/webhook.html", tried.status, here=here, shown=shown, tried=tried)


async def _home(request: Request, reader: Reader, tried: Tried) -> HTMLResponse:
    return page(request, "partner/home.html", tried.status, here=HOME, shown=await views.read_home(reader), tried=tried)


async def _secret(request: Request, reader: Reader, tried: Tried) -> HTMLResponse:
    """Shown this once: so it is the answer to the form, and no page to come back to. Sent again it says the same."""
    told = tried.told
    if isinstance(told, Told) and told.ok:
        address = address_of(request, "/v1/auth/token")
        return page(request, "partner/secret.html", told.status, here=HOME, made=told.said, token_address=address)
    return await _home(request, reader, tried)


async def _after(request: Request, reader: Reader, tried: Tried) -> Response:
    if tried.status < 400:
        return RedirectResponse(HOME, 303)
    return await _home(request, reader, tried)
