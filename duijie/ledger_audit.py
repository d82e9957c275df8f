"""The ledger before an auditor: `duijie ledger verify|replay`, `duijie programme whatif`.

`verify` needs neither a database nor a platform; the others read the database of logistics, and write nothing.
"""

import asyncio
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from catalogue.days import local_day
from duijie.options import DataOfDesk

app = typer.Typer(no_args_is_help=True, help="The subsidy ledger, audited.")
programmes = typer.Typer(no_args_is_help=True, help="Programmes: what other rules would have come to.")

File = Annotated[Path, typer.Argument(help="What `GET /v1/programmes/{id}/ledger` answered; - is standard input.")]


@app.command()
def verify(
    file: File,
    head: Annotated[
        str | None, typer.Option(help="A hash that you kept, of a transfer or a seal: it has to be in the file.")
    ] = None,
) -> None:
    """Walk a ledger from its first transfer to its end: any byte that was changed, lost, added or moved is found."""
    from services.logistics.subsidy.seals import verify_lines

    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as lines:
            verdict = verify_lines(lines, keep=head and head.strip().lower())  # hex is one hash in either case
    except OSError as error:
        print(f"{file} can't be read: {error.strerror}", file=sys.stderr)
        raise typer.Exit(2) from error
    if not verdict.ok:
        print(f"not sound: line {verdict.line}: {verdict.why}", file=sys.stderr)
        raise typer.Exit(1)
    assert verdict.head is not None
    stood = verdict.head.balances
    print(f"sound: {verdict.transfers} transfers, {verdict.seals} sealed days, to the head {verdict.head.hash}")
    print(f"programme {verdict.head.programme_id}: budget {stood.budget_fen} fen = available {stood.available}", end="")
    print(f" + reserved {stood.reserved} + posted {stood.posted} + paid {stood.paid}")


@app.command()
def replay(
    day: Annotated[str, typer.Option(help="Which day, Asia/Shanghai, as 2026-12-01.")],
    data: DataOfDesk = None,
) -> None:
    """Recompute a day from what was registered, told and decided, and compare it with the ledger to the fen."""
    from duijie import audit_desk

    replayed = asyncio.run(audit_desk.replayed(data, _day(day)))
    for line in audit_desk.told(replayed):
        print(line)
    if not replayed.exact:
        raise typer.Exit(1)


@programmes.command()
def whatif(
    rules: Annotated[Path, typer.Option(help="JSON: kind, rate_fen, and budget_fen, eligibility, caps as you like.")],
    start: Annotated[str, typer.Option("--from", help="The first day, Asia/Shanghai.")],
    end: Annotated[str, typer.Option("--to", help="The last day.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    data: DataOfDesk = None,
) -> None:
    """Say what a programme with these rules would have granted to those that asked on these days, had it been alone."""
    from duijie import audit_desk

    first, last = _day(start), _day(end)
    if last < first:
        raise typer.BadParameter("--to is before --from")
    tried = asyncio.run(audit_desk.tried(data, audit_desk.rules_in(rules), first, last))
    if as_json:
        print(json.dumps(audit_desk.as_json(tried), ensure_ascii=False, indent=2))
    else:
        print("\n".join(audit_desk.compared(tried)))


# a separate command needs its group's name
@programmes.callback()
def _programme() -> None:
    """Programmes: what other rules would have come to."""


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is no day such as 2026-12-01") from error
    if not date(2000, 1, 1) <= day <= local_day(datetime.now(UTC)):
        raise typer.BadParameter(f"{text} is no day that has begun")
    return day
