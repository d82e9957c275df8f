"""`/v1/webhooks`: being told of your feed, instead of asking for it."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from chassis.auth import Caller, only
from chassis.feed import SEQ_MAX
from chassis.fields import Limit, Page
from chassis.routes import IfMatch, Read, SecretRoute, Write, set_etag, set_location, slice_router
from services.matching.webhooks import queries, service
from services.matching.webhooks.models import Status
from services.matching.webhooks.schemas import (
    DeliveryOut,
    NewWebhook,
    Rewind,
    Rewound,
    WebhookChange,
    WebhookOut,
    WebhookWithSecret,
)

router = slice_router("/v1/webhooks", tag="webhooks", route_class=SecretRoute)
Buyer = Annotated[Caller, Depends(only("platform", "group_leader", "citizen"))]
Seq = Annotated[int, Path(ge=0, le=SEQ_MAX)]
EventSeq = Annotated[int, Path(ge=1, le=SEQ_MAX)]
"""Not that of a ping: those have a route of their own, with a pause between two."""
Before = Annotated[int | None, Query(ge=1, le=SEQ_MAX)]


def _desk(request: Request) -> service.Desk:
    desk: service.Desk = request.app.state.webhooks
    return desk


Desk = Annotated[service.Desk, Depends(_desk)]


@router.post("", status_code=201)
async def register_webhook(
    new: NewWebhook, caller: Buyer, desk: Desk, session: Write, response: Response
) -> WebhookWithSecret:
    """Have your feed sent to a URL from now on. The secret is shown this once."""
    endpoint, secret = await service.register(session, desk, caller, new)
    set_etag(response, endpoint.version)
    set_location(response, f"/v1/webhooks/{endpoint.id}")
    return WebhookWithSecret.of(endpoint, secret)


@router.get("")
async def list_webhooks(caller: Buyer, session: Read, after: UUID | None = None, limit: Limit = 50) -> Page[WebhookOut]:
    """Your webhooks, newest first, without their secrets."""
    rows = await queries.endpoints_of(session, caller.owner_id, before=after, limit=limit + 1)
    return Page.of([WebhookOut.model_validate(row) for row in rows], limit, lambda last: last.id)


@router.get("/{webhook_id}")
async def read_webhook(webhook_id: UUID, caller: Buyer, session: Read, response: Response) -> WebhookOut:
    """One of your webhooks, with its version as ETag."""
    endpoint = await service.find(session, caller, webhook_id)
    set_etag(response, endpoint.version)
    return WebhookOut.model_validate(endpoint)


@router.patch("/{webhook_id}")
async def change_webhook(
    webhook_id: UUID,
    wanted: WebhookChange,
    caller: Buyer,
    desk: Desk,
    version: IfMatch,
    session: Write,
    response: Response,
) -> WebhookOut:
    """Change the URL or the types, pause it, or enable it again: it goes on where it was, and loses nothing."""
    endpoint = await service.change(session, desk, caller, webhook_id, version, wanted)
    set_etag(response, endpoint.version)
    return WebhookOut.model_validate(endpoint)


@router.get("/{webhook_id}/deliveries")
async def list_deliveries(
    webhook_id: UUID,
    caller: Buyer,
    session: Read,
    status: Status | None = None,
    after: Before = None,
    limit: Limit = 50,
) -> Page[DeliveryOut]:
    """What was sent, is to be sent, or was given up, newest first; what ended is kept for 30 days."""
    rows = await service.deliveries(session, caller, webhook_id, status=status, before=after, limit=limit + 1)
    return Page.of([DeliveryOut.of(*row) for row in rows], limit, lambda last: last.seq)


@router.get("/{webhook_id}/deliveries/{seq}")
async def read_delivery(webhook_id: UUID, seq: Seq, caller: Buyer, session: Read) -> DeliveryOut:
    """What became of one event of your feed, by its seq; 0 is the last ping."""
    return DeliveryOut.of(*await service.delivery(session, caller, webhook_id, seq))


@router.post("/{webhook_id}/deliveries/{seq}/redeliver")
async def redeliver_event(webhook_id: UUID, seq: EventSeq, caller: Buyer, session: Write) -> DeliveryOut:
    """Have one event sent again, with the same `webhook-id`."""
    return DeliveryOut.of(*await service.redeliver_one(session, caller, webhook_id, seq))


@router.post("/{webhook_id}/ping", status_code=202)
async def ping_webhook(webhook_id: UUID, caller: Buyer, session: Write, response: Response) -> DeliveryOut:
    """Have a `webhook.ping` sent, signed as every event is; tried once. What became of it is at `Location`."""
    told = DeliveryOut.of(*await service.ping(session, caller, webhook_id))
    set_location(response, f"/v1/webhooks/{webhook_id}/deliveries/{told.seq}")
    return told


@router.post("/{webhook_id}/redeliver")
async def redeliver_events(webhook_id: UUID, wanted: Rewind, caller: Buyer, session: Write) -> Rewound:
    """Have everything behind a seq of your feed sent again, with the same `webhook-id`."""
    return Rewound.of(*await service.redeliver(session, caller, webhook_id, wanted))


@router.post("/{webhook_id}/rotate")
async def rotate_secret(
    webhook_id: UUID, caller: Buyer, desk: Desk, session: Write, response: Response
) -> WebhookWithSecret:
    """Get a new secret, shown this once. For 24 hours the one before signs as well."""
    endpoint, secret = await service.rotate(session, desk, caller, webhook_id)
    set_etag(response, endpoint.version)
    return WebhookWithSecret.of(endpoint, secret)


@router.delete("/{webhook_id}")
async def delete_webhook(webhook_id: UUID, caller: Buyer, session: Write) -> WebhookOut:
    """Delete a webhook, with what waited for it; the answer is what it was."""
    return WebhookOut.model_validate(await service.remove(session, caller, webhook_id))
