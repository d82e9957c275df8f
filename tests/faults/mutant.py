"""`python -m tests.faults.mutant NAME serve listing` runs `duijie serve listing` with one deliberate bug.

The bugs live here and replace functions of the product from outside, so the product holds no line for its tests.
`tests/faults/mutants` shows that the oracles catch each of them; a harness that can't fail proves nothing.
"""

import asyncio
import random
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any


def replace(owner: Any, name: str, bug: Any) -> None:
    """A name that is there no more ends the process: a bug without effect would pass for one that nobody caught."""
    getattr(owner, name)
    setattr(owner, name, bug)


def offset_before_effect() -> None:
    """The offset is committed before the effect: a crash between the two loses the batch."""
    from contextlib import aclosing

    from chassis.inbox import BATCH, Consumer, decode

    async def run(self: Consumer) -> None:
        async with aclosing(self._transport.consume(self.name, self._handlers.keys(), limit=BATCH)) as batches:
            async for batch in batches:
                await batch.acknowledge()
                await self._take([*map(decode, batch.records)])

    replace(Consumer, "run", run)


def relay_deletes_first() -> None:
    """The relay deletes before the transport has acknowledged."""
    from sqlalchemy import delete

    from chassis.outbox import Relay
    from chassis.tables import OUTBOX

    send = Relay._send

    async def delete_then_send(self: Relay, rows: Any, after: Any) -> None:
        if rows:
            async with self._db.transaction() as session:
                await session.execute(delete(OUTBOX).where(OUTBOX.c.id.in_([row.id for row in rows])))
        await send(self, rows, after)

    replace(Relay, "_send", delete_then_send)


def inbox_outside() -> None:
    """The inbox is noted in a transaction of its own, before the effect."""
    from chassis.inbox import Consumer

    note = Consumer._note

    async def outside(self: Consumer, ids: Any, session: Any) -> Any:
        async with self._db.transaction() as another:
            return await note(self, ids, another)

    replace(Consumer, "_note", outside)


def inbox_forgets() -> None:
    """The inbox notes every id, and takes each for new: what comes again is handled again."""
    from chassis.inbox import Consumer

    note = Consumer._note

    async def forget(self: Consumer, ids: Any, session: Any) -> None:
        await note(self, ids, session)

    replace(Consumer, "_note", forget)


def naive_cursor() -> None:
    """Whoever writes an event into a feed numbers it itself, from a sequence: a later number may be seen first."""
    from sqlalchemy import text

    from services.matching.feed import service as feed
    from services.matching.matches import service as matches
    from services.matching.rounds import writing

    item = text(r"""
        INSERT INTO feed_items (account_id, seq, item)
        SELECT account_id, coalesce((SELECT max(seq) FROM feed_items WHERE account_id = a.account_id), 0) + 1,
            convert_to(format('{"seq"\:%s,"type"\:"%s","at"\:"%s","match"\:%s}',
                coalesce((SELECT max(seq) FROM feed_items WHERE account_id = a.account_id), 0) + 1, CAST(:type AS text),
                to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\:MI\:SS.US"Z"'), CAST(:match AS text)), 'UTF8')
        FROM unnest(CAST(:accounts AS uuid[])) AS a (account_id)
        ON CONFLICT (account_id, seq) DO UPDATE SET item = excluded.item
    """)

    async def note_all(session: Any, notes: Sequence[feed.Note]) -> None:
        for each in notes:
            given = {"type": each.type, "match": each.match.model_dump_json()}
            await session.execute(item, given | {"accounts": [str(account) for account in each.accounts]})
        await asyncio.sleep(random.uniform(0, 0.2))

    for module in (feed, matches, writing):
        replace(module, "note_all", note_all)


def books_read_then_written() -> None:
    """What is held and agreed is read without a lock and written back: what came between is lost."""
    from uuid import UUID

    from sqlalchemy import any_, literal, select, update
    from sqlalchemy.dialects.postgresql import ARRAY
    from sqlalchemy.types import Uuid

    from services.matching.rounds import writing

    lots, bids = writing.SUPPLY.c.listing_id, writing.ORDERS.c.id
    id_columns = {id(writing.LOCK_LOTS): lots, id(writing.LOCK_BIDS): bids}

    async def unlocked(session: Any, lock: Any, ids: set[str]) -> dict[str, Any]:
        id_column = id_columns[id(lock)]
        wanted = id_column == any_(literal([UUID(each) for each in ids], ARRAY(Uuid)))
        rows = (await session.execute(select(*id_column.table.columns).where(wanted))).all()
        found = {str(row._mapping[id_column]): row for row in rows}
        session.info.setdefault("read", {}).update(found)
        await asyncio.sleep(0.3)
        return found

    async def written(session: Any, made: Any) -> list[Any]:
        found: dict[Any, list[Any]] = {lots: [], bids: []}
        for id_column, side in ((lots, "listing_id"), (bids, "order_id")):
            books = id_column.table
            for id_, (held_g, agreed_g) in writing._sums(made, side).items():
                row = session.info["read"][str(id_)]
                change: dict[str, Any] = {"held_g": row.held_g + held_g, "agreed_g": row.agreed_g + agreed_g}
                if id_column is lots:
                    change["version"] = books.c.version + 1
                changed = update(books).where(id_column == id_).values(change).returning(*books.columns)
                found[id_column] += (await session.execute(changed)).all()
        return found[lots]

    replace(writing, "_locked", unlocked)
    replace(writing, "_enter", written)


def balance_read_then_written() -> None:
    """The fund's balance is read without its lock: money for one is promised twice."""
    from dataclasses import replace as with_other

    from services.logistics.subsidy import queries

    remembered: dict[Any, Any] = {}
    locked = queries.locked_funds

    async def stale(session: Any, programme_ids: Any) -> Any:
        funds = await locked(session, programme_ids)
        for id_, fund in funds.items():
            old = remembered.get(id_, fund.head.balances)
            remembered[id_] = fund.head.balances
            # the balances that the request before had read; the chain itself goes on where it stands
            fund.head = with_other(fund.head, balances=old)
            fund.available_fen = old.available
        return funds

    replace(queries, "locked_funds", stale)


def expiry_by_wall_clock() -> None:
    """Listings expire by the clock of the process, and that one is a day fast."""
    from datetime import timedelta

    from sqlalchemy import select

    from services.listing.listings import queries
    from services.listing.listings.models import Listing

    async def locked_spoiled(session: Any, limit: int) -> Sequence[Listing]:
        wall_clock = datetime.now(UTC) + timedelta(days=1)
        spoiled = select(Listing).where(Listing.lifecycle == "open", Listing.spoils_at <= wall_clock)
        return (await session.scalars(spoiled.order_by(Listing.id).limit(limit).with_for_update())).all()

    replace(queries, "locked_spoiled", locked_spoiled)


def swallowed_retry() -> None:
    """A batch that fails is logged and passed over."""
    from chassis import inbox

    async def take(self: inbox.Consumer, records: Any) -> None:
        try:
            await self._handle(records)
        except Exception as error:
            inbox.log.warning("passed_over", error=type(error).__name__)

    replace(inbox.Consumer, "_take", take)


def hold_released_twice() -> None:
    """A hold that is given back is given back twice."""
    from services.matching.books import Books

    def give_back_held(self: Books, quantity_g: int) -> None:
        self.held_g = max(0, self.held_g - 2 * quantity_g)

    replace(Books, "give_back_held", give_back_held)


def poison_skipped() -> None:
    """What can't be read is passed over in silence."""
    from chassis import inbox

    decode = inbox.decode

    def lenient(record: Any) -> Any:
        return decode(record)._replace(error=None)

    replace(inbox, "decode", lenient)


def answered_before_commit() -> None:
    """The answer leaves before the commit: what was acknowledged may not be there."""
    from chassis.db import Database

    commit = Database.commit
    behind: set[asyncio.Task[None]] = set()

    async def later(self: Database, session: Any) -> None:
        if "asked" not in session.info:
            return await commit(self, session)
        await session.flush()
        close = session.close

        async def soon() -> None:
            await asyncio.sleep(0.5)
            await commit(self, session)
            await close()

        task = asyncio.create_task(soon())
        behind.add(task)
        task.add_done_callback(behind.discard)
        session.close = _nothing
        return None

    def write_session(self: Database) -> Any:
        session = made(self)
        session.info["asked"] = True
        return session

    made = Database.write_session
    replace(Database, "commit", later)
    replace(Database, "write_session", write_session)


async def _nothing(*_: object) -> None:
    """Instead of closing."""


def key_forgotten() -> None:
    """The idempotency record is not written: a repeat is a second request."""
    from chassis import grouping, routes

    async def forget(*_: object) -> None:
        """Nothing is remembered."""

    for module, name in ((grouping, "remember"), (routes, "remember")):
        replace(module, name, forget)


MUTANTS: dict[str, Callable[[], None]] = {
    mutant.__name__.replace("_", "-"): mutant
    for mutant in (
        offset_before_effect,
        relay_deletes_first,
        inbox_outside,
        inbox_forgets,
        naive_cursor,
        books_read_then_written,
        balance_read_then_written,
        expiry_by_wall_clock,
        swallowed_retry,
        hold_released_twice,
        poison_skipped,
        answered_before_commit,
        key_forgotten,
    )
}

if __name__ == "__main__":
    MUTANTS[sys.argv[1]]()
    sys.argv = ["duijie", *sys.argv[2:]]
    from duijie.cli import main

    main()
