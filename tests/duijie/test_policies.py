"""`duijie policy`: what it tells, what it refuses in which words, and what a comparison says."""

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from chassis.db import Database
from duijie import policies
from duijie.policy_compare import sentence
from duijie.postgres import EmbeddedPostgres
from duijie.problems import CannotStart, DatabaseAway, DatabaseTooOld
from services.matching.optimiser.policy import POLICY_1, Policy
from services.matching.orders.models import Order
from services.matching.policies import queries
from services.matching.policies.comparing import Price
from services.matching.policies.schemas import PolicyOut
from tests.deploy.support import parse_command
from tests.services.matching.scene import consume, published, soon
from tests.support.services import service_database

runner = CliRunner()
KINDER = replace(POLICY_1, rescue_fen_per_kg=300)
FEW = ("--seeds", "3", "--lots", "40", "--orders", "20", "--days", "2")


class Store:
    """Matching's database, and the command line in front of it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    def run(self, *arguments: str) -> Result:
        return runner.invoke(policies.app, list(arguments), env={"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"})

    def said(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def refused(self, *arguments: str) -> str:
        """The one sentence that `duijie` ends with, exit code 1."""
        done = self.run(*arguments)
        assert isinstance(done.exception, CannotStart), (done.output, done.exception)
        assert "\n" not in str(done.exception)
        return str(done.exception)

    def shown(self, *arguments: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.said("show", *arguments))
        return told

    def file(self, text: str, name: str = "policy.json") -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def of(self, policy: Policy, name: str = "policy.json") -> str:
        return self.file(PolicyOut.of(policy).model_dump_json(), name)

    def propose(self, policy: Policy = KINDER) -> str:
        return self.said("propose", self.of(policy), "--why", "kinder", "--by", "officer")

    def ask(self, question: Callable[[Database], Coroutine[Any, Any, Any]]) -> Any:
        async def asked() -> Any:
            db = Database(self.url, source="/duijie/test")
            try:
                return await question(db)
            finally:
                await db.close()

        return asyncio.run(asked())

    def versions(self) -> list[Policy]:
        async def read(db: Database) -> list[Policy]:
            async with db.reading() as session:
                return [each.policy for each in await queries.versions(session)]

        found: list[Policy] = self.ask(read)
        return found


@pytest.fixture
async def store(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Store]:
    async with service_database(postgres, "matching") as db:
        url = db.engine.url.render_as_string(hide_password=False)
        monkeypatch.setenv("DUIJIE_MATCHING_DATABASE_URL", url)
        yield Store(url, tmp_path)


def test_it_shows_the_policy_in_force_with_its_record(store: Store) -> None:
    told = store.shown()
    record = told.pop("record")
    assert told == PolicyOut.of(POLICY_1).model_dump(mode="json")
    assert (record["proposed_by"], record["proposed_at"]) == ("duijie", "1970-01-01T00:00:00+00:00")
    (span,) = record["in_force"]
    assert span == {"from": "1970-01-01T00:00:00+00:00", "until": None, "activated_by": "duijie"}


def test_what_is_shown_can_be_proposed_and_loses_nothing(store: Store) -> None:
    file = store.file(store.said("show"))
    assert store.said("propose", file, "--why", "the same again") == "policy 2 is proposed\n"
    assert store.versions() == [POLICY_1, replace(POLICY_1, version=2)]
    assert store.shown()["version"] == 1, "what is proposed decides nothing"
    again = store.shown("2")
    assert (again["version"], again["record"]["why"], again["record"]["in_force"]) == (2, "the same again", [])


def test_an_activation_now_and_one_to_come_are_told_by_version(store: Store) -> None:
    assert store.propose() == "policy 2 is proposed\n"
    assert store.said("activate", "2", "--by", "officer").startswith("policy 2 is in force from 20")
    assert store.shown()["version"] == 2
    begins = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    assert store.said("activate", "1", "--from", begins.isoformat()).endswith(f"from {begins.isoformat()}\n")
    assert store.shown("2")["record"]["in_force"][0]["until"] == begins.isoformat()
    store.propose()
    first, second, third = store.said("show", "--all").splitlines()
    assert re.match(rf" +1  in force from {re.escape(begins.isoformat())} +duijie: ", first)
    assert re.match(r" +2  in force since 20\S+ +officer: kinder$", second)
    assert re.match(r" +3  proposed +officer: kinder$", third)


def test_a_version_that_another_has_followed_says_until_when(store: Store) -> None:
    store.propose()
    store.said("activate", "2")
    assert re.match(r" +1  in force until 20", store.said("show", "--all"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"k": 2}, "k must be between 0 and 1."),
        ({"k": 0.555}, "k must be a multiple of 1/100: nothing is rounded."),
        ({"colour": 1}, "There is no field 'colour' in a policy."),
        ({"speed_km_h": 0}, "speed_km_h must be between 1 and 120."),
        ({"spread_fen_per_kg": [0, 1, 0, 0]}, "spread_fen_per_kg must not rise from quarter to quarter."),
        ({"rescue": {"fen_per_kg": 10**12, "window_h": 72}}, "rescue.fen_per_kg must be between 0 and 100000."),
        ({"rescue": {"fen_per_kg": 1}}, "rescue.window_h is missing."),
        ({"detour": "far"}, "detour must be a number."),
    ],
)
def test_what_is_no_policy_is_one_sentence_that_names_the_field_and_nothing_changes(
    store: Store, change: dict[str, object], said: str
) -> None:
    file = store.file(json.dumps(store.shown() | change))
    assert store.refused("propose", file, "--why", "w") == f"{file} holds no policy: {said}"
    assert store.versions() == [POLICY_1]


def test_a_file_that_cant_be_read_is_one_sentence(store: Store) -> None:
    missing = str(store.folder / "missing.json")
    assert store.refused("propose", missing, "--why", "w") == f"{missing} can't be read: No such file or directory."
    binary = store.folder / "binary.json"
    binary.write_bytes(b"\xff\xfe")
    assert store.refused("propose", str(binary), "--why", "w").endswith("holds no policy: it is not UTF-8.")


def test_the_past_and_unknown_versions_are_refused_and_nothing_changes(store: Store) -> None:
    assert store.refused("activate", "7") == "There is no policy 7; the newest is 1."
    assert store.refused("show", "7") == "There is no policy 7; the newest is 1."
    assert store.refused("compare", "1", "7") == "There is no policy 7; the newest is 1."
    store.propose()
    said = store.refused("activate", "2", "--from", "2020-01-01T00:00:00Z")
    assert said.startswith("A policy can't begin at 2020-01-01T00:00:00+00:00: it is 20")
    assert store.shown()["version"] == 1


@pytest.mark.parametrize("instant", ["tomorrow", "2026-12-01", "2026-12-01T00:00:00", ""])
def test_an_instant_says_its_offset(store: Store, instant: str) -> None:
    done = store.run("activate", "1", "--from", instant)
    assert done.exit_code == 2
    assert "write 2026-12-01T00:00:00Z" in done.output


def test_whoever_has_no_name_here_has_to_say_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid 1000 has no name")

    monkeypatch.setattr("getpass.getuser", nobody)
    done = store.run("activate", "1")
    assert done.exit_code == 2
    assert "say --by" in done.output
    assert store.said("activate", "1", "--by", "officer")


def test_a_database_that_is_away_or_too_old_is_one_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("DUIJIE_MATCHING_DATABASE_URL", postgres_url)
    assert isinstance(store.run("show").exception, DatabaseTooOld)
    monkeypatch.setenv("DUIJIE_MATCHING_DATABASE_URL", "postgresql+asyncpg://duijie@127.0.0.1:1/matching")
    assert isinstance(store.run("show").exception, DatabaseAway)


def test_two_files_are_compared_without_a_database(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_MATCHING_DATABASE_URL", "postgresql+asyncpg://duijie@127.0.0.1:1/matching")
    poorer = replace(POLICY_1, watch_52_fen_per_kg=0)
    said = store.said("compare", store.of(POLICY_1, "a.json"), store.of(poorer, "b.json"), *FEW)
    assert "sold of watch_52, %" in said


def test_a_comparison_stands_side_by_side_and_ends_with_the_price(store: Store) -> None:
    store.propose(replace(POLICY_1, rescue_fen_per_kg=0, spread_fen_per_kg=(0, 0, 0, 0)))
    over, _, head, *lines, _, price = store.said("compare", "2", "1", *FEW).splitlines()
    assert over == "A: policy 2, B: policy 1; means over 3 worlds of 2 days, each day 40 lots and 20 orders"
    assert head.split() == ["A", "B", "B", "-", "A", "95", "%", "of", "B", "-", "A"]
    assert [re.split(r"  +", line)[0] for line in lines] == [
        "surplus, fen",
        "own value, fen",
        "sold, kg",
        "saved, kg",
        "spoiled, kg",
        "sold of watch_52, %",
        "sold of poverty_832, %",
        "sold of neither, %",
        "sold of unknown, %",
        "neighbours apart, % points",
        "freight, fen",
        "freight a kg, fen/kg",
    ]
    assert price.startswith("Price of fairness: against A, B g")


def test_as_json_it_tells_the_means_the_interval_and_every_world_the_same_every_time(store: Store) -> None:
    file = store.of(replace(POLICY_1, rescue_fen_per_kg=0))
    first = json.loads(store.said("compare", "1", file, *FEW, "--json"))
    assert json.loads(store.said("compare", "1", file, *FEW, "--json")) == first
    assert first["a"] == PolicyOut.of(POLICY_1).model_dump(mode="json")
    surplus = first["measures"][0]
    worlds = [each["b"]["surplus, fen"] - each["a"]["surplus, fen"] for each in first["worlds"]]
    assert surplus["difference"] == pytest.approx(sum(worlds) / 3)
    assert surplus["low"] <= surplus["difference"] <= surplus["high"]
    assert first["price_of_fairness"]["surplus_fen"] == -surplus["difference"]
    assert [(each["seed"], each["b"]["largest certified_gap"]) for each in first["worlds"]] == [(1, 0), (2, 0), (3, 0)]


def test_the_market_as_it_stands_is_compared_and_left_as_it_was(store: Store) -> None:
    nothing = "Nothing of strawberry can be matched now, whichever of them is in force."
    assert store.refused("compare", "1", "1", "--market", "strawberry") == nothing

    async def bring(db: Database) -> None:
        await consume(db, published())
        async with db.transaction() as session:
            session.add(wanted())

    store.ask(bring)
    said = store.said("compare", "1", store.of(replace(POLICY_1, rescue_fen_per_kg=0)), "--market", "strawberry")
    assert said.startswith("A: policy 1, B: policy ")
    assert "one round of strawberry as it stands" in said
    assert store.versions() == [POLICY_1]
    assert store.refused("compare", "1", "1", "--market", "gold") == "There is no produce 'gold'."


def wanted() -> Order:
    """What can be matched with `published()`."""
    return Order(
        id=uuid4(),
        buyer_id=uuid4(),
        lifecycle="open",
        version=1,
        terms=1,
        produce="strawberry",
        min_grade="C",
        quantity_g=100_000,
        min_fill_g=0,
        max_price_fen_per_kg=3000,
        price_basis="delivered",
        kind="bulk",
        destination_adcode="320102",
        deliver_from=soon(),
        deliver_by=soon(days=7),
        min_remaining_life_h=1,
        auto_agree=True,
    )


def test_the_guide_tells_commands_and_options_that_there_are() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "policies.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", guide, re.DOTALL)
    lines = [line.split("#")[0].split(">")[0] for line in block.splitlines()]
    assert len(lines) == 5
    for line in lines:
        parse_command(shlex.split(line)[1:])


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (
            Price(1234567.4, 0.01234, -20.2, 3),
            "gives up 1,234,567 fen of surplus (1.23%); it sells 20 kg more and saves 3 kg less.",
        ),
        (Price(-5, -0.5, 0, 0), "gains 5 fen of surplus (50.00%); it sells 0 kg more and saves 0 kg more."),
        (Price(0, None, 0, 0), "gives up 0 fen of surplus; it sells 0 kg more and saves 0 kg more."),
    ],
)  # fmt: skip
def test_the_price_is_a_sentence(price: Price, said: str) -> None:
    assert sentence(price) == f"Price of fairness: against A, B {said}"
