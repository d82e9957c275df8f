"""What a partner does from a terminal: `duijie listings post|import`, `duijie feed tail`, `duijie routes show`.

The platform is at `--url`, else $DUIJIE_URL, else the one that runs on this machine's data folder. The caller is that
of `--token` or $DUIJIE_TOKEN, of $DUIJIE_CLIENT_ID and $DUIJIE_CLIENT_SECRET, or, on this machine, an account by name.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from contracts.accounts import Role
from duijie.problems import CannotStart

if TYPE_CHECKING:
    from duijie.client import Duijie, Route, Tokens

TOKEN_LIVES = timedelta(hours=1)
CHINA: Final = ZoneInfo("Asia/Shanghai")
METRES_PER_KM: Final = 1000
ROW: Final = "{:5}  {:5}  {:8}  {:>10}  {:>10}  {:8}  {}"

listings = typer.Typer(no_args_is_help=True, help="Listings: lots that are offered.")
feed = typer.Typer(no_args_is_help=True, help="The feed of your matches.")
routes = typer.Typer(no_args_is_help=True, help="Planned routes.")

Url = Annotated[str | None, typer.Option(envvar="DUIJIE_URL", help="Where the platform answers.")]
Token = Annotated[str | None, typer.Option(envvar="DUIJIE_TOKEN", help="An access token.", show_envvar=True)]
Account = Annotated[str | None, typer.Option(help="Or the name of an account of the platform on this machine.")]
Data = Annotated[Path | None, typer.Option(help="The data folder of that platform.")]
Key = Annotated[str | None, typer.Option(help="Names this very request: sent again with it, nothing happens twice.")]


class CannotAnswer(CannotStart):
    """The platform refused, or did not answer: one sentence on standard error."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where, and as whom, a command calls."""

    url: str | None
    token: str | None
    account: str | None
    data: Path | None

    @asynccontextmanager
    async def connected(self, role: Role) -> "AsyncIterator[Duijie]":
        """`role` is that of an account that is named and not there yet."""
        from duijie.client import Duijie, NoAnswer, Problem

        try:
            async with Duijie(self._address(), await self._tokens(role), language=_language()) as duijie:
                yield duijie
        except Problem as problem:
            raise CannotAnswer(str(problem)) from problem
        except NoAnswer as error:
            raise CannotAnswer(f"No answer: {error}") from error

    def _address(self) -> str:
        from duijie.cli import folder_at

        if self.url:
            return self.url
        run = folder_at(self.data).current_run()
        if run is None:
            raise CannotAnswer("No platform runs on this machine's data folder; say where one answers with --url.")
        return run.url

    async def _tokens(self, role: Role) -> "Tokens":
        from duijie.accounts import token_of
        from duijie.cli import folder_at
        from duijie.client import client_credentials, fixed

        if self.token:
            return fixed(self.token)
        if self.account:
            return fixed(await token_of(folder_at(self.data), role, self.account, TOKEN_LIVES))
        client_id, secret = os.environ.get("DUIJIE_CLIENT_ID"), os.environ.get("DUIJIE_CLIENT_SECRET")
        if client_id and secret:
            return client_credentials(client_id, secret)
        raise CannotAnswer("Say who calls: --token, or --account on this machine, or DUIJIE_CLIENT_ID and _SECRET.")


@listings.command("post")
def post_listing(
    produce: Annotated[str, typer.Option(help="Slug of the produce, such as strawberry.")],
    quantity_kg: Annotated[str, typer.Option(help="How much, kg.")],
    min_price_fen_per_kg: Annotated[int, typer.Option(help="The floor price, fen/kg.")],
    adcode: Annotated[str, typer.Option(help="The county, GB/T 2260.")],
    more: Annotated[str, typer.Option(help='Any other fields as JSON, such as {"grade": "A"}.')] = "{}",
    key: Key = None,
    url: Url = None,
    token: Token = None,
    account: Account = None,
    data: Data = None,
) -> None:
    """Offer a lot; prints it as JSON."""
    from duijie.client import NewListing, Origin

    try:
        new = NewListing(
            produce=produce,
            quantity_kg=Decimal(quantity_kg),
            min_price_fen_per_kg=min_price_fen_per_kg,
            origin=Origin(adcode=adcode),
            **json.loads(more),
        )
    except (ValueError, ArithmeticError, TypeError) as error:
        raise typer.BadParameter(str(error)) from error

    async def post() -> None:
        async with Caller(url, token, account, data).connected("producer") as duijie:
            listing = await duijie.post_listing(new, key=key)
        print(listing.model_dump_json(indent=2))

    asyncio.run(post())


@listings.command("import")
def import_listings(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A .csv, .ndjson or .jsonl file.")],
    key: Key = None,
    url: Url = None,
    token: Token = None,
    account: Account = None,
    data: Data = None,
) -> None:
    """Offer the lots of a file: a line for each row that was refused, and the sum; exit code 2 when any was.

    Without --key the file's content names the request: importing the same file twice changes nothing.
    """
    from duijie.client.duijie import MEDIA_TYPES

    if file.suffix.lower() not in MEDIA_TYPES:
        raise typer.BadParameter(f"the file's name ends with one of {', '.join(MEDIA_TYPES)}")

    async def send() -> int:
        kept = refused = 0
        async with Caller(url, token, account, data).connected("producer") as duijie:
            async for row in duijie.import_listings(file, key=key or _content_key(file)):
                kept, refused = kept + (row.id is not None), refused + (row.problem is not None)
                if row.problem is not None:
                    print(f"row {row.row}: {_said(row.problem)}")
        print(f"{kept} listings, {refused} rows refused")
        return refused

    if asyncio.run(send()):
        raise typer.Exit(2)


@feed.command("tail")
def tail_feed(
    after: Annotated[int, typer.Option(min=0, help="Behind which seq.")] = 0,
    place: Annotated[Path | None, typer.Option(help="A file that keeps how far it came, to go on there.")] = None,
    follow: Annotated[bool, typer.Option(help="Wait for what happens next.")] = True,
    url: Url = None,
    token: Token = None,
    account: Account = None,
    data: Data = None,
) -> None:
    """Print the events of your matches, one JSON object a line, in order and without a gap."""
    from duijie.client import FilePlace, MemoryPlace

    stands = MemoryPlace(after) if place is None else FilePlace(place)

    async def tail() -> None:
        async with (
            Caller(url, token, account, data).connected("platform") as duijie,
            aclosing(duijie.feed(stands, follow=follow)) as items,
        ):
            async for item in items:
                print(item.model_dump_json(), flush=True)

    with suppress(KeyboardInterrupt):
        asyncio.run(tail())


@routes.command("show")
def show_route(
    route_id: Annotated[UUID, typer.Argument(help="The plan's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    url: Url = None,
    token: Token = None,
    account: Account = None,
    data: Data = None,
) -> None:
    """Print a plan: each vehicle's stops with their times (China's), loads and places, and what is left out."""

    async def show() -> None:
        async with Caller(url, token, account, data).connected("carrier") as duijie:
            route = await duijie.route(route_id)
        print(route.model_dump_json(indent=2) if as_json else "\n".join(lines_of(route)))

    asyncio.run(show())


def lines_of(route: "Route") -> list[str]:
    """The plan as a sheet."""
    lines = [f"route {route.id}  {route.status}  by {route.distance_source or '-'}"]
    for vehicle in route.vehicles:
        km, hours = vehicle.distance_m / METRES_PER_KM, timedelta(seconds=vehicle.duration_s)
        lines += ["", f"vehicle {vehicle.vehicle_id}  {km:.1f} km  {hours}  {vehicle.load_kg} kg"]
        lines.append(ROW.format("arr.", "dep.", "stop", "kg", "aboard", "county", "shipment"))
        lines += [
            ROW.format(
                f"{stop.arrival.astimezone(CHINA):%H:%M}",
                f"{stop.departure.astimezone(CHINA):%H:%M}",
                stop.type,
                str(stop.quantity_kg or ""),
                str("" if stop.load_kg is None else stop.load_kg),
                stop.adcode or "",
                stop.shipment_id,
            )
            for stop in vehicle.stops
        ]
    for left in route.unassigned:
        lines += ["", f"left out: {left.shipment_id}  {', '.join(left.reasons)}"]
    return lines


def _content_key(file: Path) -> str:
    from hashlib import sha256

    return f"import-{sha256(file.read_bytes()).hexdigest()}"


def _said(problem: dict[str, Any]) -> str:
    errors = [f"{each.get('pointer', '')} {each.get('detail', '')}" for each in problem.get("errors", [])]
    return "; ".join(errors) or str(problem.get("detail") or problem.get("title"))


def _language() -> str:
    """Chinese where the terminal's language is, else English."""
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh-CN" if told.startswith("zh") else "en"
