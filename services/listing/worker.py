"""Everything the listing service does without being asked, wired."""

from chassis.db import Database
from chassis.gauges import gauges
from chassis.idempotency import forget_old
from chassis.inbox import Consumer
from chassis.outbox import Relay
from chassis.retention import forgetting_notes
from chassis.transport.base import Transport
from chassis.worker import Task, Worker, every
from services.listing.backlog import service as backlog
from services.listing.listings import handlers as listings
from services.listing.listings import service
from services.listing.listings.importing import IMPORTER
from services.listing.photos import service as photos
from services.listing.producers import handlers as producers
from services.listing.producers.models import ERASED

ERASURES_EVERY_S = 1
EXPIRY_EVERY_S = 5
REFIT_EVERY_S = 300
FORGET_EVERY_S = 3600

SUBSCRIPTIONS = [
    *producers.SUBSCRIPTIONS,
    *listings.subscriptions(backlog.note),
]


async def forget_erased(db: Database) -> None:
    """What erased accounts have here, some at a time."""
    await ERASED.forget(db, service.forget_some, photos.forget_some, IMPORTER.forget_some)


def create_listing_worker(db: Database, transport: Transport) -> Worker:
    consumer = Consumer("listing", db, transport, SUBSCRIPTIONS)
    return Worker(
        "listing",
        [
            Task("relay", Relay(db, transport).run),
            Task("consumer", consumer.run),
            gauges(db, consumer),
            every(ERASURES_EVERY_S, "erasures", forget_erased, db),
            every(EXPIRY_EVERY_S, "expiry", service.expire_spoiled, db),
            every(EXPIRY_EVERY_S, "backlog_snapshot", backlog.keep_snapshot, db),
            every(EXPIRY_EVERY_S, "backlog_tally", backlog.tally_ended, db),
            every(REFIT_EVERY_S, "backlog_refit", backlog.refit, db),
            every(FORGET_EVERY_S, "backlog_days", backlog.forget_old, db),
            every(FORGET_EVERY_S, "idempotency", forget_old, db),
            every(FORGET_EVERY_S, "imports", IMPORTER.forget_old, db),
            forgetting_notes(db, "listing"),
        ],
    )
