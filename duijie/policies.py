"""Policies from the command line: `duijie policy show|propose|activate|compare`.

They are those of matching's database where DUIJIE_MATCHING_DATABASE_URL says where it is, else those of a data folder.
"""

import asyncio
import getpass
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from duijie.options import DataOfDesk

app = typer.Typer(no_args_is_help=True, help="Policies: the numbers that rounds decide by.")

By = Annotated[str | None, typer.Option("--by", help="Who decides it; else who is signed in here.")]
Which = Annotated[str, typer.Argument(help="A version, or a file with a policy's JSON.")]


@app.command()
def show(
    version: Annotated[int | None, typer.Argument(help="Which version; else the one in force.")] = None,
    every: Annotated[bool, typer.Option("--all", help="One line a version.")] = False,
    data: DataOfDesk = None,
) -> None:
    """Print a policy as JSON: its numbers as `GET /v1/policy` tells them, and its record."""
    from duijie import policy_desk

    if every and version is not None:
        raise typer.BadParameter("name a version, or say --all")
    if every:
        print("\n".join(asyncio.run(policy_desk.listed(data))))
    else:
        print(json.dumps(asyncio.run(policy_desk.told(data, version)), ensure_ascii=False, indent=2))


@app.command()
def propose(
    file: Annotated[Path, typer.Argument(help="JSON as `duijie policy show` prints it, changed.")],
    why: Annotated[str, typer.Option(help="What it is for; kept with it.")],
    by: By = None,
    data: DataOfDesk = None,
) -> None:
    """Keep these numbers as the next version. Nothing is decided by it until it is activated."""
    from duijie import policy_desk

    version = asyncio.run(policy_desk.propose(data, policy_desk.policy_in(file), why=why, by=by or _who()))
    print(f"policy {version} is proposed")


@app.command()
def activate(
    version: Annotated[int, typer.Argument(help="Which version.")],
    start: Annotated[str | None, typer.Option("--from", help="From when, as 2026-12-01T00:00:00Z; else now.")] = None,
    by: By = None,
    data: DataOfDesk = None,
) -> None:
    """Put a version in force. The past stays as it was: every round keeps the version that it was decided by."""
    from duijie import policy_desk

    starts_at = None if start is None else _instant(start)
    begins = asyncio.run(policy_desk.activate(data, version, starts_at, by=by or _who()))
    print(f"policy {version} is in force from {begins.isoformat()}")


@app.command()
def compare(
    a: Which,
    b: Which,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many worlds.")] = 5,
    lots: Annotated[int, typer.Option(min=1, max=20_000, help="Lots of a world, each day.")] = 240,
    orders: Annotated[int, typer.Option(min=1, max=20_000, help="Orders of a world, each day.")] = 120,
    days: Annotated[int, typer.Option(min=1, max=60, help="Days of a world.")] = 7,
    market: Annotated[str | None, typer.Option(help="No worlds, but one round of this produce as it stands.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    data: DataOfDesk = None,
) -> None:
    """Replay the same worlds under both policies, side by side, with the price of fairness. Nothing is written."""
    from duijie import policy_compare
    from services.matching.policies.worlds import Size

    asked = policy_compare.Question(a, b, seeds, Size(lots, orders, days), market)
    answer = asyncio.run(policy_compare.answered(data, asked))
    told = answer.as_json() if as_json else answer.as_table()
    print(told)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise typer.BadParameter(f"{text} is no instant; write 2026-12-01T00:00:00Z")
    return instant


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # a container's user often has no name
        raise typer.BadParameter("nobody is signed in here; say --by") from error
