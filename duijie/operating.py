"""Commands for running Duijie apart: `duijie serve|work|migrate` and `duijie topics apply|check`."""

import asyncio
import sys
from collections.abc import Coroutine
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer

from chassis.transport.base import TransportUnavailable

topics = typer.Typer(no_args_is_help=True, help="The topics on Apache Kafka.")

Answer = TypeVar("Answer")


class Service(StrEnum):
    """Whoever has an API and a worker."""

    gateway = "gateway"
    listing = "listing"
    matching = "matching"
    logistics = "logistics"


Which = Annotated[Service, typer.Argument(help="Which service; the rest is told by DUIJIE_ variables.")]


def serve(service: Which) -> None:
    """Run the API of a service until SIGTERM; any number may run."""
    from duijie import processes

    asyncio.run(processes.serve(service))


def work(service: Which) -> None:
    """Run the worker of a service until SIGTERM: relay, consumers and jobs; any number may run."""
    from duijie import processes

    asyncio.run(processes.work(service))


def migrate(services: Annotated[list[Service] | None, typer.Argument(help="All when none is named.")] = None) -> None:
    """Bring databases to the newest version."""
    from duijie import processes

    asyncio.run(processes.migrate(services or list(Service)))


def asked(question: Coroutine[Any, Any, Answer]) -> Answer:
    """Ask the transport; where it does not answer, say so and end with 1."""
    try:
        return asyncio.run(question)
    except TransportUnavailable as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error


@topics.command("apply")
def apply_topics() -> None:
    """Make the topics that are missing, and set how each is kept; what else was set on one stays.

    One that has fewer partitions than declared is refused: keys would move and lose their order.
    """
    from duijie import processes

    made = asked(processes.apply_topics())
    print("\n".join(f"made {name}" for name in made) or "every topic is there")
    _warn_of(asked(processes.compare_topics()).thin)


@topics.command("check")
def check_topics() -> None:
    """Say which topics are missing or have fewer partitions than declared; exit code 1 when any is or has."""
    from duijie import processes

    missing, narrow, thin = asked(processes.compare_topics())
    print("\n".join([*(f"missing {name}" for name in missing), *narrow]) or "every topic is there")
    _warn_of(thin)
    raise typer.Exit(bool(missing or narrow))


def _warn_of(thin: list[str]) -> None:
    """Kafka's own tools move a topic to more brokers; meanwhile it works."""
    for sentence in thin:
        print(f"warning: {sentence}", file=sys.stderr)
