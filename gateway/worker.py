"""Everything the gateway does without being asked, wired."""

from chassis.db import Database
from chassis.gauges import gauges
from chassis.idempotency import forget_old
from chassis.outbox import Relay
from chassis.transport.base import Transport
from chassis.worker import Task, Worker, every
from gateway.accounts.service import forget_codes
from gateway.sessions.service import forget_ended

FORGET_EVERY_S = 3600


def create_gateway_worker(db: Database, transport: Transport) -> Worker:
    return Worker(
        "gateway",
        [
            Task("relay", Relay(db, transport).run),
            gauges(db),
            every(FORGET_EVERY_S, "idempotency", forget_old, db),
            every(FORGET_EVERY_S, "codes", forget_codes, db),
            every(FORGET_EVERY_S, "sessions", forget_ended, db),
        ],
    )
