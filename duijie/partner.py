"""What a partner does from a terminal: `duijie listings post|import`, `duijie feed tail`, `duijie routes show`.

The platform is at `--url`, else $DUIJIE_URL, else the one that runs on this machine's data folder. The caller is that
of `--token` or $DUIJIE_TOKEN, of $DUIJIE_CLIENT_ID and $DUIJIE_CLIENT_SECRET, or, on this machine, an account by name,
which must be there: none of these commands makes one. Standard output is for what was asked for alone.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from catalogue.days import CHINA
from duijie.problems import CannotStart

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from duijie.client import Duijie, ImportRow, Route, Tokens

TOKEN_LIVES = timedelta(hours=1)
METRES_PER_KM: Final = 1000
PATIENCE_S: Final = 60
ROW: Final = "{:16}  {:16}  {:8}  {:>10}  {:>10}  {:36}  {}"

listings = typer.Typer(no_args_is_help=True, help="Listings: lots that are offered.")
feed = typer.Typer(no_args_is_help=True, help="The feed of your matches.")
routes = typer.Typer(no_args_is_help=True, help="Planned routes.")

Url = Annotated[str | None, typer.Option(envvar="DUIJIE_URL", help="Where the platform answers.")]
Token = Annotated[str | None, typer.Option(envvar="DUIJIE_TOKEN", help="An access token.", show_envvar=True)]
Account = Annotated[str | None, typer.Option(help="Or the name of an account that there is on this machine.")]
OfRole = Annotated[str | None, typer.Option("--role", help="Which, where several accounts have that name.")]
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
    role: str | None
    data: Path | None

    @asynccontextmanager
    async def connected(self, patience_s: float | None = PATIENCE_S) -> "AsyncIterator[Duijie]":
        """Raises CannotAnswer for all that may go wrong; while it waits it says so once on standard error."""
        from duijie.client import Duijie, FeedGap, NoAnswer, PlaceAhead, Problem

        url, tokens = self._address(), await self._tokens()
        try:
            with _saying_when_it_waits(url):
                async with Duijie(url, tokens, language=_language(), patience_s=patience_s) as duijie:
                    yield duijie
        except Problem as problem:
            raise CannotAnswer(str(problem)) from problem
        except (FeedGap, PlaceAhead) as lost:
            raise CannotAnswer(f"The feed can't be gone on with: {lost}.") from lost
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

    async def _tokens(self) -> "Tokens":
        from duijie.accounts import token_of_known
        from duijie.cli import folder_at, role_of
        from duijie.client import client_credentials, fixed

        if self.token:
            return fixed(self.token)
        if self.account:
            role = None if self.role is None else role_of(self.role)
            return fixed(await token_of_known(folder_at(self.data), self.account, role, TOKEN_LIVES))
        client_id, secret = os.environ.get("DUIJIE_CLIENT_ID"), os.environ.get("DUIJIE_CLIENT_SECRET")
        if client_id and secret:
            return client_credentials(client_id, secret)
        raise CannotAnswer("Say who calls: --token, or --account on this machine, or DUIJIE_CLIENT_ID and _SECRET.")


class _Waiting(logging.Handler):
    """One sentence when the platform is away, and no more until it was back."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._told = False

    def emit(self, record: logging.LogRecord) -> None:
        is_away = record.levelno >= logging.WARNING
        if is_away and not self._told:
            print(f"Waiting for the platform at {self._url}.", file=sys.stderr, flush=True)
        self._told = is_away


@contextmanager
def _saying_when_it_waits(url: str) -> Iterator[None]:
    log, waiting = logging.getLogger("duijie.client"), _Waiting(url)
    was, log.propagate = (log.level, log.propagate), False
    log.setLevel(logging.INFO)
    log.addHandler(waiting)
    try:
        yield
    finally:
        log.removeHandler(waiting)
        log.level, log.propagate = was


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
    role: OfRole = None,
    data: Data = None,
) -> None:
    """Offer a lot; prints it as JSON."""
    from pydantic import ValidationError

    from duijie.client import NewListing, Origin

    try:
        new = NewListing(
            produce=produce,
            quantity_kg=_kg(quantity_kg),
            min_price_fen_per_kg=min_price_fen_per_kg,
            origin=Origin(adcode=adcode),
            **_object(more),
        )
    except TypeError as error:
        raise typer.BadParameter("--more gives again what has an option of its own") from error
    except ValidationError as error:
        raise typer.BadParameter(_told_of(error)) from error

    async def post() -> None:
        async with Caller(url, token, account, role, data).connected() as duijie:
            listing = await duijie.post_listing(new, key=key)
        print(_json(listing, indent=2))

    asyncio.run(post())


@listings.command("import")
def import_listings(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A .csv, .ndjson or .jsonl file.")],
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="Each row's answer as JSON, a line each.")] = False,
    url: Url = None,
    token: Token = None,
    account: Account = None,
    role: OfRole = None,
    data: Data = None,
) -> None:
    """Offer the lots of a file: a line for each row that was refused, and the sum; exit code 2 when any was.

    Without --key the file's content names the request: importing the same file twice within two days changes nothing,
    and later offers its lots anew. The sum, which with --json is on standard error, says so.
    """
    from duijie.client.duijie import MEDIA_TYPES

    if file.suffix.lower() not in MEDIA_TYPES:
        raise typer.BadParameter(f"the file's name ends with one of {', '.join(MEDIA_TYPES)}")

    async def send() -> int:
        kept = refused = 0
        async with Caller(url, token, account, role, data).connected() as duijie:
            answer = duijie.import_listings(file, key=key or _content_key(file))
            async for row in answer:
                kept, refused = kept + (row.id is not None), refused + (row.problem is not None)
                if as_json:
                    print(_json(row))
                elif row.problem is not None:
                    print(f"{_where(row)}: {_said(row.problem)}")
        before = "; imported before, nothing was added" if answer.repeated else ""
        print(f"{kept} listings, {refused} rows refused{before}", file=sys.stderr if as_json else sys.stdout)
        return refused

    if asyncio.run(send()):
        raise typer.Exit(2)


@feed.command("tail")
def tail_feed(
    after: Annotated[int, typer.Option(min=0, help="Behind which seq; with --place while its file is not there.")] = 0,
    place: Annotated[Path | None, typer.Option(help="A file that keeps how far it came, to go on there.")] = None,
    follow: Annotated[bool, typer.Option(help="Wait for what happens next.")] = True,
    url: Url = None,
    token: Token = None,
    account: Account = None,
    role: OfRole = None,
    data: Data = None,
) -> None:
    """Print the events of your matches, one JSON object a line, in order and without a gap."""
    from duijie.client import FilePlace, MemoryPlace

    stands = MemoryPlace(after) if place is None else FilePlace(place, after)

    async def tail() -> None:
        async with (
            Caller(url, token, account, role, data).connected(None if follow else PATIENCE_S) as duijie,
            aclosing(duijie.feed(stands, follow=follow)) as items,
        ):
            async for item in items:
                print(_json(item), flush=True)

    with suppress(KeyboardInterrupt):
        asyncio.run(tail())


@routes.command("show")
def show_route(
    route_id: Annotated[UUID, typer.Argument(help="The plan's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    url: Url = None,
    token: Token = None,
    account: Account = None,
    role: OfRole = None,
    data: Data = None,
) -> None:
    """Print a plan: each vehicle's stops with their times (China's), loads and places, and what is left out."""

    async def show() -> None:
        async with Caller(url, token, account, role, data).connected() as duijie:
            route = await duijie.route(route_id)
            names = {} if as_json else {each.id: each.name async for each in duijie.vehicles()}
        print(_json(route, indent=2) if as_json else "\n".join(lines_of(route, names)))

    asyncio.run(show())


def lines_of(route: "Route", vehicles: Mapping[UUID, str]) -> list[str]:
    """The plan as a sheet, with these names of vehicles; one that has none is called by its id."""
    lines = [f"route {route.id}  {route.status}  by {route.distance_source or '-'}"]
    for vehicle in route.vehicles:
        km, hours = vehicle.distance_m / METRES_PER_KM, timedelta(seconds=vehicle.duration_s)
        name = vehicles.get(vehicle.vehicle_id) or vehicle.vehicle_id
        lines += ["", f"vehicle {name}  {km:.1f} km  {hours}  {vehicle.load_kg} kg"]
        lines.append(ROW.format("arr.", "dep.", "stop", "kg", "aboard", "shipment", "county"))
        lines += [
            ROW.format(
                f"{stop.arrival.astimezone(CHINA):%Y-%m-%d %H:%M}",
                f"{stop.departure.astimezone(CHINA):%Y-%m-%d %H:%M}",
                stop.type,
                str(stop.quantity_kg or ""),
                str("" if stop.load_kg is None else stop.load_kg),
                str(stop.shipment_id),
                _county(stop.adcode),
            )
            for stop in vehicle.stops
        ]
    for left in route.unassigned:
        lines += ["", f"left out: {left.shipment_id}  {', '.join(left.reasons)}"]
    return lines


def _county(adcode: str | None) -> str:
    """By its name; nothing at a hub."""
    from catalogue import places

    if adcode is None:
        return ""
    place = places.get(adcode)
    return adcode if place is None else place.name


def _json(shown: "BaseModel", indent: int | None = None) -> str:
    """What came, and nothing that did not."""
    return shown.model_dump_json(indent=indent, exclude_unset=True)


def _kg(text: str) -> Decimal:
    try:
        kg = Decimal(text)
    except ArithmeticError:
        kg = Decimal("NaN")
    if not kg.is_finite():
        raise typer.BadParameter(f"{text} is no quantity in kg; write 1200 or 1200.5", param_hint="--quantity-kg")
    return kg


def _object(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"that is no JSON: {error}", param_hint="--more") from error
    if not isinstance(read, dict):
        raise typer.BadParameter('that is no JSON object, such as {"grade": "A"}', param_hint="--more")
    return read


def _told_of(error: "ValidationError") -> str:
    """What is wrong with which field, without pydantic's own words around it."""
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False))


def _content_key(file: Path) -> str:
    from hashlib import sha256

    return f"import-{sha256(file.read_bytes()).hexdigest()}"


def _where(row: "ImportRow") -> str:
    return f"row {row.row}" if row.line is None else f"row {row.row} (line {row.line})"


def _said(problem: dict[str, Any]) -> str:
    errors = [f"{each.get('pointer', '')} {each.get('detail', '')}" for each in problem.get("errors", [])]
    return "; ".join(errors) or str(problem.get("detail") or problem.get("title"))


def _language() -> str:
    """Chinese where the terminal's language is, else English."""
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh-CN" if told.startswith("zh") else "en"
