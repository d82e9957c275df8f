"""What every client of Kafka needs."""

import asyncio

import pytest

from chassis.transport.kafka_clients import bounded


async def test_a_cancellation_that_comes_together_with_kafkas_answer_is_not_lost() -> None:
    answered = asyncio.Event()
    asking = asyncio.create_task(bounded(answered.wait(), 10.0))
    await asyncio.sleep(0.01)
    answered.set()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
