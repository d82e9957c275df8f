"""Everything the logistics service does without being asked, wired."""

from functools import partial

from chassis.db import Database
from chassis.gauges import gauges
from chassis.idempotency import forget_old
from chassis.inbox import Consumer
from chassis.outbox import Relay
from chassis.retention import forgetting_notes
from chassis.transport.base import Transport
from chassis.worker import Task, Worker, every
from services.logistics.carriers import handlers as carriers
from services.logistics.carriers import service as vehicles
from services.logistics.carriers.models import ERASED
from services.logistics.clawbacks.service import notice_days_returned
from services.logistics.feed.models import FEED
from services.logistics.parcels.service import void_overdue
from services.logistics.programmes import handlers as programmes
from services.logistics.roads import Roads
from services.logistics.routes.planner import Planner
from services.logistics.shipments import handlers as shipments
from services.logistics.shipments.service import cancel_overdue, forget_released
from services.logistics.subsidy.service import seal_days

ERASURES_EVERY_S = 1
CANCEL_EVERY_S = 5
VOID_EVERY_S = 60
SEAL_EVERY_S = 60
RETURNED_EVERY_S = 600
FORGET_EVERY_S = 3600


SUBSCRIPTIONS = [*shipments.SUBSCRIPTIONS, *programmes.SUBSCRIPTIONS, *carriers.SUBSCRIPTIONS]


async def forget_erased(db: Database) -> None:
    """What erased accounts have here, some at a time."""
    await ERASED.forget(db, vehicles.forget_some)


def create_logistics_worker(
    db: Database, transport: Transport, *, planners: int = 1, roads: Roads | None = None
) -> Worker:
    """`planners` is how many routes are planned at once, each in a process of its own, by these `roads`."""
    consumer = Consumer("logistics", db, transport, SUBSCRIPTIONS)
    return Worker(
        "logistics",
        [
            Task("relay", Relay(db, transport).run),
            Task("consumer", consumer.run),
            Task("feed", partial(FEED.keep_appending, db)),
            gauges(db, consumer),
            every(ERASURES_EVERY_S, "erasures", forget_erased, db),
            every(CANCEL_EVERY_S, "overdue", cancel_overdue, db),
            every(VOID_EVERY_S, "void", void_overdue, db),
            every(SEAL_EVERY_S, "seals", seal_days, db),
            every(RETURNED_EVERY_S, "returned", notice_days_returned, db),
            *(Task(f"planner-{number}", Planner(db, roads).run) for number in range(planners)),
            every(FORGET_EVERY_S, "idempotency", forget_old, db),
            every(FORGET_EVERY_S, "released", forget_released, db),
            forgetting_notes(db, "logistics"),
        ],
    )
