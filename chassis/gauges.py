"""What a worker measures now and then, since it takes a query: never at a scrape, and never for a caller."""

import asyncio

from chassis.db import Database
from chassis.inbox import Consumer
from chassis.metrics import CONSUMER_LAG, OUTBOX_AGE, OUTBOX_SIZE
from chassis.outbox import oldest_age_s, size
from chassis.worker import Task

EVERY_S = 5.0


def gauges(db: Database, *consumers: Consumer, every_s: float = EVERY_S) -> Task:
    """Keeps the outbox's and the consumers' gauges fresh."""

    async def run() -> None:
        while True:
            await measure(db, *consumers)
            await asyncio.sleep(every_s)

    return Task("gauges", run)


async def measure(db: Database, *consumers: Consumer) -> None:
    OUTBOX_AGE.labels(db.service).set(await oldest_age_s(db))
    OUTBOX_SIZE.labels(db.service).set(await size(db))
    for consumer in consumers:
        for topic, records in (await consumer.lag()).items():
            CONSUMER_LAG.labels(consumer.name, topic).set(records)
