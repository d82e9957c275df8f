"""What every client of aiokafka's needs: its settings, a start that says why it can't be, patience, and an end."""

# mypy: allow-untyped-calls

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping
from typing import Any, TypeVar

from aiokafka.conn import CloseReason, collect_hosts, create_conn
from aiokafka.errors import AuthenticationFailedError, KafkaConnectionError, KafkaError, SaslAuthenticationFailed

from chassis.transport.base import TransportUnavailable

WRONG_PASSWORD = "Kafka refused the user name or the password"
PASSED_ON = {
    "request_timeout_ms",
    "security_protocol",
    "ssl_context",
    "sasl_mechanism",
    "sasl_plain_username",
    "sasl_plain_password",
}
T = TypeVar("T")


def settings_of(bootstrap: str, timeout_s: float, connection: Mapping[str, Any] | None) -> dict[str, Any]:
    """`connection` holds aiokafka's settings for TLS and SASL, such as `security_protocol`."""
    return {"bootstrap_servers": bootstrap, "request_timeout_ms": int(timeout_s * 1000), **(connection or {})}


async def start(client: Any, connection: Mapping[str, Any]) -> None:
    """Start the client that was made with these settings.

    aiokafka only logs why no broker would have us, so a secured one is asked once more and its reason is raised.
    """
    try:
        await client.start()
    except KafkaConnectionError as error:
        reason = await _refusal(connection)
        if reason is None:
            raise
        raise KafkaConnectionError(reason) from error


async def _refusal(connection: Mapping[str, Any]) -> str | None:
    """Why the first broker refuses us; `None` when it does not, or when there is no security to be refused by."""
    if connection.get("security_protocol", "PLAINTEXT") == "PLAINTEXT":
        return None
    host, port, _ = collect_hosts(connection["bootstrap_servers"], randomize=False)[0]
    settings = {name: value for name, value in connection.items() if name in PASSED_ON}
    try:
        (await create_conn(host, port, **settings)).close(reason=CloseReason.SHUTDOWN)
    except (SaslAuthenticationFailed, AuthenticationFailedError):
        return WRONG_PASSWORD
    except (KafkaError, OSError, TimeoutError) as error:
        return f"{type(error).__name__}: {error}"
    return None


async def bounded(asked: Awaitable[T], timeout_s: float) -> T:
    """Await what aiokafka would retry for ever. Raises TransportUnavailable."""
    try:
        # not wait_for, which in Python 3.11 loses a cancellation that comes together with the answer
        async with asyncio.timeout(timeout_s):
            return await asked
    except (KafkaError, OSError, TimeoutError) as error:
        raise TransportUnavailable(f"Kafka did not answer: {error!r}") from error


async def closed(closing: Coroutine[Any, Any, None], timeout_s: float) -> None:
    """Run it to its end, however it ends, or cancel it."""
    task = asyncio.create_task(closing)
    await asyncio.wait({task}, timeout=timeout_s)
    if not task.cancel() and not task.cancelled():
        task.exception()  # asked for, so that it is not reported as forgotten
