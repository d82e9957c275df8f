"""What a partner does from a terminal."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from duijie import cli
from duijie.client import Route
from duijie.partner import lines_of
from tests.duijie.client.test_feed import item
from tests.support.rough import Asked, Said, rough

ID = "01a22800-0000-7000-8000-000000000000"
LISTING = {
    "id": ID,
    "producer_id": ID,
    "status": "open",
    "version": 1,
    "produce": "strawberry",
    "grade": "A",
    "quantity_kg": 1200.5,
    "remaining_kg": 1200.5,
    "held_kg": 0,
    "agreed_kg": 0,
    "min_price_fen_per_kg": 1600,
    "variety": None,
    "origin": {"adcode": "321323", "village": None, "lon": None, "lat": None, "crs": "wgs84"},
    "harvested_at": "2026-11-29T00:00:00Z",
    "best_before": None,
    "available_from": "2026-11-29T00:00:00Z",
    "available_until": None,
    "temperature_class": "chilled",
    "spoils_at": "2026-12-02T00:00:00Z",
    "shelf_life_source": "catalogue",
    "households": None,
    "story": None,
    "divisible": True,
    "auto_agree": True,
    "created_at": "2026-11-29T00:00:00Z",
}
LOT = {"produce": "strawberry", "quantity-kg": "1200.5", "min-price-fen-per-kg": "1600", "adcode": "321323"}
POST = ["listings", "post", *(word for name, value in LOT.items() for word in (f"--{name}", value))]


async def run(url: str, *arguments: str) -> Result:
    """A command in a thread: it has a loop of its own."""
    told = {"DUIJIE_URL": url, "DUIJIE_TOKEN": "t", "LANG": "zh_CN.UTF-8", "LC_ALL": "", "LC_MESSAGES": ""}
    return await asyncio.to_thread(CliRunner().invoke, cli.app, list(arguments), env=told)


async def test_a_lot_is_offered_with_its_other_fields() -> None:
    async with rough(lambda _: Said.json(LISTING, 201)) as server:
        done = await run(server.url, *POST, "--more", '{"grade": "A"}', "--key", "k")
        (asked,) = server.asked
    shown = json.loads(done.output)
    assert (done.exit_code, shown["id"], shown["quantity_kg"]) == (0, ID, 1200.5)
    assert json.loads(asked.body) == {
        "produce": "strawberry",
        "quantity_kg": 1200.5,
        "min_price_fen_per_kg": 1600,
        "origin": {"adcode": "321323"},
        "grade": "A",
    }
    assert [asked.headers[name] for name in ("authorization", "idempotency-key", "accept-language")] == [
        "Bearer t",
        "k",
        "zh-CN",
    ]


@pytest.mark.parametrize("more", ["{", '{"colour": "red"}', "[1]", '{"grade": "Z"}'])
async def test_fields_that_cannot_be_are_refused_before_anything_is_sent(more: str) -> None:
    async with rough(lambda _: Said.json(LISTING, 201)) as server:
        done = await run(server.url, *POST, "--more", more)
        assert (done.exit_code, server.asked) == (2, [])


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--quantity-kg", "abc", "abc is no quantity in kg; write 1200 or 1200.5"),
        ("--quantity-kg", "NaN", "NaN is no quantity in kg"),
        ("--more", "{", "that is no JSON"),
        ("--more", '{"grade": "Z"}', "grade: Input should be 'A', 'B' or 'C'"),
        ("--more", '{"produce": "garlic"}', "gives again what has an option of its own"),
    ],
)
async def test_what_is_wrong_is_said_in_words(option: str, value: str, said: str) -> None:
    done = await run("http://127.0.0.1:9", *POST, option, value)
    assert done.exit_code == 2
    assert said in " ".join(word for word in done.output.replace("│", " ").split())
    assert "class" not in done.output
    assert "pydantic" not in done.output


async def test_a_refusal_of_the_platform_is_told() -> None:
    refused = Said.json({"type": "/problems/forbidden", "detail": "不可以"}, 403)
    async with rough(lambda _: refused) as server:
        done = await run(server.url, *POST)
    assert str(done.exception) == "403 /problems/forbidden 不可以"


async def test_rows_that_were_refused_are_named_and_the_same_file_is_the_same_request(tmp_path: Path) -> None:
    file = tmp_path / "lots.csv"
    file.write_bytes("produce\nstrawberry\nx\n".encode("gb18030"))
    problem = {"detail": "no", "errors": [{"pointer": "#/produce", "detail": "unknown"}]}
    lines = [{"row": 1, "line": 2, "id": ID}, {"row": 2, "line": 5, "problem": problem}]
    body = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    async with rough(lambda _: Said(200, body, {"content-type": "application/x-ndjson"})) as server:
        first = await run(server.url, "listings", "import", str(file))
        await run(server.url, "listings", "import", str(file))
        file.write_text("produce\n")
        await run(server.url, "listings", "import", str(file))
    assert (first.exit_code, first.output) == (2, "row 2 (line 5): #/produce unknown\n1 listings, 1 rows refused\n")
    assert server.asked[0].body == "produce\nstrawberry\nx\n".encode("gb18030")
    assert server.asked[0].headers["content-type"] == "text/csv"
    keys = [asked.headers["idempotency-key"] for asked in server.asked]
    assert (keys[0] == keys[1], keys[0] == keys[2]) == (True, False)


async def test_rows_are_json_on_request_and_a_repeated_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "lots.csv"
    file.write_text("produce\nstrawberry\n")
    lines = [{"row": 1, "line": 2, "id": ID}, {"row": 2, "problem": {"type": "/problems/x", "status": 422}}]
    body = "".join(f"{json.dumps(line)}\n" for line in lines).encode()

    def answer(asked: Asked) -> Said:
        again = {} if asked.number == 1 else {"idempotent-replayed": "true"}
        return Said(200, body, {"content-type": "application/x-ndjson", **again})

    async with rough(answer) as server:
        first = await run(server.url, "listings", "import", str(file), "--json")
        second = await run(server.url, "listings", "import", str(file), "--json")
        plain = await run(server.url, "listings", "import", str(file))
    assert [json.loads(line) for line in first.stdout.splitlines()] == lines
    assert (second.stdout, first.exit_code) == (first.stdout, 2)
    sums = ["1 listings, 1 rows refused\n", "1 listings, 1 rows refused; imported before, nothing was added\n"]
    assert [first.stderr, second.stderr] == sums
    assert plain.stdout.splitlines()[-1] == sums[1].strip()


async def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lots.pdf").write_bytes(b"")
    done = await run("http://127.0.0.1:9", "listings", "import", str(tmp_path / "lots.pdf"))
    assert done.exit_code == 2


async def test_a_feed_is_printed_a_line_an_item_and_goes_on_where_it_was(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Said:
        after = int(asked.target.split("after=")[1].split("&")[0])
        return Said.json({"items": [item(seq) for seq in range(after + 1, 4)], "next": 3})

    tail = ("feed", "tail", "--no-follow", "--place", str(tmp_path / "seq"))
    async with rough(answer) as server:
        first = await run(server.url, *tail)
        second = await run(server.url, *tail)
    assert [json.loads(line) for line in first.output.splitlines()] == [item(1), item(2), item(3)], "as it came"
    assert (second.exit_code, second.output) == (0, "")


async def test_a_new_place_begins_where_after_says(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Said:
        after = int(asked.target.split("after=")[1].split("&")[0])
        return Said.json({"items": [item(seq) for seq in range(after + 1, 4)], "next": 3})

    tail = ("feed", "tail", "--no-follow", "--place", str(tmp_path / "seq"), "--after")
    async with rough(answer) as server:
        first = await run(server.url, *tail, "2")
        second = await run(server.url, *tail, "0")
    assert [json.loads(line)["seq"] for line in first.output.splitlines()] == [3]
    assert second.output == "", "the file says more"


async def test_while_the_platform_is_away_one_sentence_on_standard_error_says_so() -> None:
    def answer(asked: Asked) -> Said | None:
        return None if asked.number < 4 else Said.json({"items": [item(1)], "next": 1})

    async with rough(answer) as server:
        done = await run(server.url, "feed", "tail", "--no-follow")
    assert json.loads(done.stdout)["seq"] == 1
    assert done.stderr == f"Waiting for the platform at {server.url}.\n"


async def test_a_feed_that_ends_before_the_place_is_told_in_a_sentence(tmp_path: Path) -> None:
    page = Said(200, b'{"items":[],"next":9}', {"content-type": "application/json", "feed-head": "3"})
    async with rough(lambda _: page) as server:
        done = await run(server.url, "feed", "tail", "--after", "9")
    assert str(done.exception).startswith("The feed can't be gone on with: the place is 9, but the feed ends at 3")


def route(**more: Any) -> Route:
    stop = {"shipment_id": ID, "lon": 118.7, "lat": 33.7, "arrival": "2026-11-29T00:00:00Z"}
    stop |= {"departure": "2026-11-29T00:30:00Z", "quantity_kg": 500, "adcode": "321323"}
    vehicle = {
        "vehicle_id": ID,
        "distance_m": 12_340,
        "duration_s": 3723,
        "load_kg": 500,
        "stops": [stop | {"type": "pickup", "load_kg": 500}, stop | {"type": "delivery", "load_kg": 0}],
    }
    left = {"shipment_id": ID, "reasons": ["capacity", "time_window"]}
    shown = {"id": ID, "status": "planned", "vehicles": [vehicle], "unassigned": [left], **more}
    return Route.model_validate(shown | {"distance_source": "great_circle"})


def test_a_plan_is_shown_as_a_sheet_in_chinas_time() -> None:
    moments = "2026-11-29 08:00  2026-11-29 08:30"
    assert lines_of(route(), {UUID(ID): "苏N·12345"}) == [
        f"route {ID}  planned  by great_circle",
        "",
        "vehicle 苏N·12345  12.3 km  1:02:03  500 kg",
        f"arr.              dep.              stop              kg      aboard  shipment{' ' * 28}  county",
        f"{moments}  pickup           500         500  {ID}  泗阳县",
        f"{moments}  delivery         500           0  {ID}  泗阳县",
        "",
        f"left out: {ID}  capacity, time_window",
    ]


async def test_a_plan_is_shown_as_json_when_asked() -> None:
    async with rough(lambda _: Said.json(json.loads(route().model_dump_json()))) as server:
        done = await run(server.url, "routes", "show", ID, "--json")
    assert UUID(json.loads(done.output)["vehicles"][0]["vehicle_id"]) == UUID(ID)


def test_a_vehicle_without_a_name_here_is_called_by_its_id() -> None:
    assert lines_of(route(), {})[2].startswith(f"vehicle {ID}")


async def test_who_calls_must_be_said() -> None:
    done = await asyncio.to_thread(
        CliRunner().invoke, cli.app, POST, env={"DUIJIE_URL": "http://127.0.0.1:9", "DUIJIE_TOKEN": ""}
    )
    assert str(done.exception).startswith("Say who calls: --token")
