"""Starting a client of aiokafka's, with the reason when it can't be."""

# mypy: allow-untyped-calls

from collections.abc import Mapping
from typing import Any

from aiokafka.conn import CloseReason, collect_hosts, create_conn
from aiokafka.errors import AuthenticationFailedError, KafkaConnectionError, KafkaError, SaslAuthenticationFailed

WRONG_PASSWORD = "Kafka refused the user name or the password"
PASSED_ON = {
    "request_timeout_ms",
    "security_protocol",
    "ssl_context",
    "sasl_mechanism",
    "sasl_plain_username",
    "sasl_plain_password",
}


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
