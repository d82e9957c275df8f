"""Everything the matching service does without being asked, wired."""

from functools import partial

from chassis.db import Database
from chassis.gauges import EVERY_S as GAUGES_EVERY_S
from chassis.gauges import gauges
from chassis.idempotency import forget_old
from chassis.inbox import Consumer
from chassis.outbox import Relay
from chassis.retention import forgetting_notes
from chassis.transport.base import Transport
from chassis.worker import Task, Worker, every
from services.matching.feed.models import FEED
from services.matching.matches import handlers as matches
from services.matching.matches import pruning
from services.matching.matches import service as match_service
from services.matching.orders import service as order_service
from services.matching.orders.importing import IMPORTER
from services.matching.orders.models import ERASED
from services.matching.policies import service as policy_service
from services.matching.rounds.pool import SolverPool
from services.matching.rounds.timer import Timer
from services.matching.supply import handlers as supply
from services.matching.webhooks import handlers as webhooks
from services.matching.webhooks import leasing
from services.matching.webhooks import service as webhook_service
from services.matching.webhooks.delivering import Deliverer

DEADLINES_EVERY_S = 1
POLICIES_EVERY_S = 1
ERASURES_EVERY_S = 1
EXPIRY_EVERY_S = 5
DISABLED_EVERY_S = 5
REMOVED_EVERY_S = 60
FORGET_EVERY_S = 3600

# Supply first: matches judge a listing by what supply has applied of it.
SUBSCRIPTIONS = [*supply.SUBSCRIPTIONS, *matches.SUBSCRIPTIONS, *webhooks.SUBSCRIPTIONS]


async def forget_erased(db: Database) -> None:
    """What erased accounts have here, some at a time."""
    await ERASED.forget(
        db,
        match_service.forget_open,
        order_service.forget_closed,
        webhook_service.forget_some,
        match_service.forget_places,
        IMPORTER.forget_some,
    )


def create_matching_worker(db: Database, transport: Transport, pool: SolverPool, deliverer: Deliverer) -> Worker:
    """Starts the solvers of `pool` and stops them; an API of the same process may share it."""
    consumer = Consumer("matching", db, transport, SUBSCRIPTIONS)
    return Worker(
        "matching",
        [
            Task("relay", Relay(db, transport).run),
            Task("consumer", consumer.run),
            gauges(db, consumer),
            every(GAUGES_EVERY_S, "holds", match_service.count_holds, db),
            Task("feed", partial(FEED.keep_appending, db)),
            Task("webhooks", deliverer.run),
            every(GAUGES_EVERY_S, "webhook_lag", leasing.measure_lag, db),
            every(DISABLED_EVERY_S, "webhooks_disabled", leasing.end_disabled, db),
            every(FORGET_EVERY_S, "webhook_deliveries", leasing.forget_old, db),
            every(REMOVED_EVERY_S, "webhooks_removed", webhook_service.forget_removed, db),
            Task("rounds", Timer(db, pool).run),
            every(DEADLINES_EVERY_S, "deadlines", match_service.release_lapsed, db),
            every(ERASURES_EVERY_S, "erasures", forget_erased, db),
            every(POLICIES_EVERY_S, "policies", policy_service.begin_due, db),
            every(EXPIRY_EVERY_S, "expiry", order_service.expire_overdue, db),
            every(FORGET_EVERY_S, "idempotency", forget_old, db),
            every(FORGET_EVERY_S, "imports", IMPORTER.forget_old, db),
            every(FORGET_EVERY_S, "refusals", pruning.forget_refusals, db),
            every(FORGET_EVERY_S, "deliveries", pruning.forget_deliveries, db),
            forgetting_notes(db, "matching"),
        ],
    )
