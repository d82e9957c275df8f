"""The ledger from outside: `duijie ledger verify FILE` needs neither a database nor a platform."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The subsidy ledger, checked from outside.")

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
            verdict = verify_lines(lines, keep=head)
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
