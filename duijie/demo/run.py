"""`duijie demo`: a process of its own that needs the platform's address and its data folder."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from duijie.accounts import tokens_of
from duijie.datafolder import DataFolder, write_atomically
from duijie.demo import road
from duijie.demo.client import Client, Refused, until_ready
from duijie.demo.guests import write_guests
from duijie.demo.journal import TOTALS, Journal
from duijie.demo.onlookers import guests_of
from duijie.demo.play import accounts, play_through
from duijie.demo.progress import Stages
from duijie.demo.stage import Play
from duijie.demo.table import Totals, table
from duijie.demo.world import Size, World
from gateway.pages.signing.guests import is_this_machine

RESULT = "demo.json"
BEGAN = "began"
OF_OLD = "day"
"""What was noted of the beginning when the world hung on its day alone: its lots and orders are none of ours."""
NEXT = "Open {url} and look in as anybody of it, with one click. / 打开 {url}，一键进入任一角色。"
"""For this machine alone, as the click is (`guests_for`)."""
TOKENS_LAST = timedelta(hours=12)


async def play(folder: DataFolder, url: str, seed: int, size: Size) -> None:
    """Play that seed's demonstration, or go on with it; a finished one is only shown again."""
    await until_ready(url)
    if folder.current_run() is None:
        raise Refused(f"the platform at {url} does not run on {folder.path}; name its folder with --data")
    others = [each.stem for each in (folder.path / "demo").glob("seed-*.jsonl") if each.stem != f"seed-{seed}"]
    if others:
        raise Refused(f"{folder.path} holds the world of {others[0]}; take another --data, or `duijie reset` it first")
    with Journal.open(folder.path / "demo", seed) as journal:
        if TOTALS not in journal:
            if OF_OLD in journal and BEGAN not in journal:
                raise Refused(f"an older version began the demonstration on {folder.path}; `duijie reset` it first")
            world = World(seed, journal.moment(BEGAN, lambda: datetime.now(UTC)), size)
            tokens = await tokens_of(folder, accounts(world), TOKENS_LAST)
            write_guests(folder.path, guests_of(world))
            name = f"demo-{seed}-{world.day}"
            async with Client(url, tokens, seed=name) as client:
                with Stages.shown() as stages:
                    totals = await play_through(Play(client, journal, world, stages))
            journal.note(TOTALS, totals.as_json())
            if road.ROUTED in journal:
                write_guests(folder.path, guests_of(world) | {"carrier": journal.get(road.ROUTED)})
        totals = Totals(**journal.get(TOTALS))
    write_atomically(folder.path / RESULT, json.dumps(totals.as_json(), ensure_ascii=False, indent=2) + "\n")
    if is_this_machine(urlsplit(url).netloc):
        print(NEXT.format(url=url))
    print(f"demo done\n{table(totals)}", flush=True)
