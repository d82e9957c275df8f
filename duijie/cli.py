"""The command line. Here: `duijie up|down|status|reset`, `duijie demo`, `duijie token`, `duijie client create`."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, get_args

import typer

from chassis.telemetry import configure_logging
from contracts.accounts import Role
from duijie import dead_letters, ledger_audit, operating, partner, policies
from duijie.datafolder import DataFolder, Run, default_path
from duijie.problems import CannotStart

DOWN_PATIENCE_S = 30
HALF_PLAYED = (
    "The demonstration of seed {seed} was interrupted, and rounds stand still until it is played to its end: "
    "`duijie up --demo --seed {seed}`."
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they show what variables hold
)
clients = typer.Typer(no_args_is_help=True, help="Machines that sign in with an id and a secret.")
app.add_typer(clients, name="client")
keys = typer.Typer(no_args_is_help=True, help="What access tokens are signed with.")
app.add_typer(keys, name="keys")
for command in (operating.serve, operating.work, operating.migrate):
    app.command()(command)
app.add_typer(operating.topics, name="topics")
app.add_typer(dead_letters.app, name="dlq")
app.add_typer(policies.app, name="policy")
app.add_typer(ledger_audit.app, name="ledger")
app.add_typer(ledger_audit.programmes, name="programme")
app.add_typer(partner.listings, name="listings")
app.add_typer(partner.feed, name="feed")
app.add_typer(partner.routes, name="routes")

Data = Annotated[Path | None, typer.Option(help="The data folder; else $DUIJIE_DATA, else one of this checkout's own.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Where to answer on loopback; 0 takes a free port.")]

OfPort = Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Only if it answers on this port.")]


def main() -> None:
    """Run a command; what can't be done is one sentence on standard error and exit code 1."""
    try:
        app()
    except CannotStart as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"duijie {version('duijie')}")
        raise typer.Exit


@app.callback()
def duijie(
    _: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say it, and end.")
    ] = False,
) -> None:
    """Duijie 对接: unsold produce finds its buyer."""


@app.command()
def up(
    data: Data = None,
    port: Port = 8000,
    demo: Annotated[bool, typer.Option(help="Then play the demonstration, if this store has not finished it.")] = False,
    seed: Annotated[int, typer.Option(help="The demonstration's seed.")] = 1,
) -> None:
    """Run everything on this machine, in the foreground, until SIGINT or SIGTERM."""
    from duijie.demo.journal import unfinished
    from duijie.standalone import serve

    configure_logging("WARNING")
    folder = folder_at(data)

    @contextmanager
    def meanwhile(url: str) -> Iterator[None]:
        print(f"ready {url}", flush=True)
        if not demo:
            for begun in unfinished(folder.path / "demo"):
                print(HALF_PLAYED.format(seed=begun), file=sys.stderr)
            yield
            return
        command = [sys.argv[0], "demo", "--url", url, "--seed", str(seed), "--data", str(folder.path)]
        with subprocess.Popen(command) as player:
            try:
                yield
            finally:
                player.terminate()

    asyncio.run(serve(folder, port, meanwhile))


@app.command()
def down(data: Data = None, port: OfPort = None) -> None:
    """Stop the platform that runs on this data folder."""
    folder = folder_at(data)
    run = run_of(folder, port)
    if run is None:
        print("not running")
        return
    stop(folder, run)
    print("stopped")


@app.command()
def status(data: Data = None, port: OfPort = None) -> None:
    """Say whether a platform runs on this data folder, and where; exit code 3 when none does."""
    folder = folder_at(data)
    run = run_of(folder, port)
    if run is None:
        print(f"not running ({folder.path})")
        raise typer.Exit(3)
    print(f"running {run.url} since {run.started}, process {run.pid} ({folder.path})")


@app.command()
def reset(
    data: Data = None,
    port: OfPort = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop the platform and delete all its data; at once where no terminal is there to ask at."""
    folder = folder_at(data)
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Delete everything in {folder.path}?", abort=True)
    run = run_of(folder, port)
    if run is not None:
        stop(folder, run)
    folder.wipe()
    print(f"empty ({folder.path})")


@app.command()
def demo(
    url: Annotated[str, typer.Option(help="Where the platform answers.")] = "http://127.0.0.1:8000",
    seed: Annotated[int, typer.Option(help="Which world; its date is the day it begins.")] = 1,
    data: Data = None,
    listings: Annotated[int, typer.Option(min=1, help="How many lots; a smaller world plays sooner.")] = 2400,
    orders: Annotated[int, typer.Option(min=1, help="How many orders.")] = 720,
    parcels: Annotated[int, typer.Option(min=0, help="About how many parcels.")] = 12_000,
) -> None:
    """Play the demonstration through the public surface; killed, it goes on where it was."""
    from duijie.client import NoAnswer, Problem
    from duijie.demo.client import Refused
    from duijie.demo.run import play
    from duijie.demo.world import Size

    configure_logging("WARNING")
    try:
        asyncio.run(play(folder_at(data), url, seed, Size(listings, orders, parcels)))
    except* (Refused, Problem, NoAnswer) as refused:
        print(f"The demonstration can't go on: {refused.exceptions[0]}", file=sys.stderr)
        sys.exit(1)


@app.command()
def token(
    role: Annotated[str, typer.Option(help=f"One of {', '.join(get_args(Role))}.")],
    account: Annotated[str, typer.Option(help="The account's name; it is made if need be.")],
    ttl: Annotated[str, typer.Option(help="How long it is good for: 90s, 30m, 1h, 7d.")] = "1h",
    data: Data = None,
) -> None:
    """Print an access token of that account, and nothing else."""
    from duijie.accounts import token_of

    lasting, folder = lasting_of(ttl), folder_or_environment(data)
    if folder is not None and folder.current_run() is None:
        print(f"no platform runs on {folder.path}; the token is good once one does", file=sys.stderr)
    print(asyncio.run(token_of(folder, role_of(role), account, lasting)))


@clients.command("create")
def client_create(
    role: Annotated[str, typer.Option(help=f"One of {', '.join(get_args(Role))}.")],
    name: Annotated[str, typer.Option(help="The account's name; it is made if need be.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    data: Data = None,
) -> None:
    """Make a client for machines; its secret is shown this once."""
    from duijie.accounts import new_client_beside

    (client_id, secret), others = asyncio.run(new_client_beside(folder_or_environment(data), role_of(role), name))
    if others:
        print(f"{name!r} is also the name of another account, of role {', '.join(others)}", file=sys.stderr)
    show_secret(client_id, secret, as_json)


@clients.command("list")
def client_list(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False, data: Data = None
) -> None:
    """The clients there are: id, the account's id, role and name, when made. Their secrets are not kept."""
    from duijie.accounts import known_clients

    for each in asyncio.run(known_clients(folder_or_environment(data))):
        told = {
            "client_id": each.client_id,
            "account_id": str(each.account_id),
            "role": each.role,
            "name": each.name,
            "created_at": each.created_at.isoformat(),
        }
        print(json.dumps(told, ensure_ascii=False) if as_json else "  ".join(told.values()))


@clients.command("rotate")
def client_rotate(
    client_id: Annotated[str, typer.Argument(help="As `duijie client list` shows it.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    data: Data = None,
) -> None:
    """Give a client a new secret, shown this once; the old one and what it signed in end."""
    from duijie.accounts import rotate

    secret = asyncio.run(rotate(folder_or_environment(data), client_id))
    show_secret(client_id, secret, as_json)


@clients.command("revoke")
def client_revoke(
    client_id: Annotated[str, typer.Argument(help="As `duijie client list` shows it.")], data: Data = None
) -> None:
    """Take a client's way in; its sessions end with it."""
    from duijie.accounts import revoke

    asyncio.run(revoke(folder_or_environment(data), client_id))
    print(f"revoked {client_id}")


@keys.command("rotate")
def keys_rotate(
    keep: Annotated[str, typer.Option(help="How long tokens of the old key stay good: 90s, 30m, 1h, 7d.")] = "1d",
    forget: Annotated[bool, typer.Option("--forget", help="Not at all: somebody else has the old key.")] = False,
    data: Data = None,
) -> None:
    """Sign with a new key from here on, in a data folder; a platform that runs on it takes it up at once."""
    from duijie.keys import KeptKeys
    from gateway.tokens import Signer

    lasting = timedelta(0) if forget else lasting_of(keep)
    folder = folder_at(data)
    running = folder.current_run()
    if running is not None and running.kafka is not None:
        raise CannotStart("A cluster runs there, whose gateway was told its key when it started; stop it first.")
    folder.create()
    ring = KeptKeys(folder)
    ring.rotate(lasting)
    print(f"signing with {Signer(ring).kid}")


def show_secret(client_id: str, secret: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"client_id": client_id, "client_secret": secret}))
    else:
        print(f"client_id      {client_id}\nclient_secret  {secret}")


def folder_at(data: Path | None) -> DataFolder:
    return DataFolder(data or default_path())


def folder_or_environment(data: Path | None) -> DataFolder | None:
    """None for the gateway that the environment tells of, unless a data folder is named."""
    return None if data is None and os.environ.get("DUIJIE_GATEWAY_DATABASE_URL") else folder_at(data)


def run_of(folder: DataFolder, port: int | None) -> Run | None:
    """The platform that runs on that folder, when it answers on that port or none was named."""
    run = folder.current_run()
    return None if run is None or port not in {None, run.port} else run


def role_of(text: str) -> Role:
    for role in get_args(Role):
        if role == text:
            return role  # type: ignore[no-any-return]
    raise typer.BadParameter(f"{text} is no role; the roles are {', '.join(get_args(Role))}")


def lasting_of(text: str) -> timedelta:
    """A duration such as 90s, 30m, 1h or 7d."""
    read = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if read is None or int(read[1]) == 0:
        raise typer.BadParameter(f"{text} is no duration; write 90s, 30m, 1h or 7d")
    return timedelta(seconds=int(read[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[read[2]])


def stop(folder: DataFolder, run: Run) -> None:
    """End that platform cleanly, and wait until its folder is free."""
    os.kill(run.pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_PATIENCE_S
    while folder.current_run() is not None:
        if time.monotonic() > deadline:
            raise CannotStart(f"Process {run.pid} did not end within {DOWN_PATIENCE_S} s.")
        time.sleep(0.05)
