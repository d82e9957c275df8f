"""Erased accounts: what a service remembers of them, so that nothing let in before an erasure is written after it.

The gateway refuses an account that was erased, but it looks once, at the head of a request: a file may come in for
long after, another gateway hears of it later, and an agent writes for a producer. So who writes something new for an
account asks here, in the transaction that writes it. It holds a lock of the account, shared, to its end; the handler of
the erasure takes that lock alone. Whichever comes second sees what the first has written.
"""

import struct
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    MetaData,
    Table,
    Uuid,
    any_,
    bindparam,
    func,
    select,
)

from chassis.bulk import insert_given, parameters
from chassis.db import WriteSession
from chassis.idempotency import forget_callers
from chassis.problems import Unauthenticated

_LOCK = func.unnest(bindparam("locks", type_=ARRAY(BigInteger))).column_valued("lock")
_ALONE = select(func.pg_advisory_xact_lock(_LOCK))
_SHARED = select(func.pg_try_advisory_xact_lock_shared(_LOCK))


class Erasures:
    """The accounts whose erasure one service has heard of: a table among its own."""

    def __init__(self, metadata: MetaData) -> None:
        self.table = Table(
            "erased_accounts",
            metadata,
            Column("account_id", Uuid, primary_key=True),
            Column("heard_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        )
        account_id = self.table.c.account_id
        self._remember = insert_given(self.table, "account_id").on_conflict_do_nothing()
        self._among = select(account_id).where(account_id == any_(bindparam("accounts", type_=ARRAY(Uuid))))

    async def remember(self, session: WriteSession, account_ids: Collection[UUID]) -> None:
        """These are erased, and the answers to them forgotten.

        The first thing that a service does when it hears of it. What was being written for them is there afterwards, to
        be forgotten with the rest; nothing more will be.
        """
        accounts = sorted(set(account_ids))
        if not accounts:
            return
        await session.execute(_ALONE, {"locks": [_lock(each) for each in accounts]})
        await session.execute(self._remember, parameters({"account_id": accounts}))
        await forget_callers(session, accounts)

    async def among(self, session: WriteSession, account_ids: Collection[UUID]) -> set[UUID]:
        """Those of these that are erased, or just being erased; of the others none will be until this transaction ends.

        It waits for nobody: an account whose erasure is under way is as good as erased.
        """
        accounts = sorted(set(account_ids))
        held = (await session.scalars(_SHARED, {"locks": [_lock(each) for each in accounts]})).all()
        # a statement of its own: it sees what those committed who held a lock until just now
        erased = set((await session.scalars(self._among, {"accounts": accounts})).all())
        return erased | {each for each, mine in zip(accounts, held, strict=True) if not mine}

    async def refuse(self, session: WriteSession, account_id: UUID) -> None:
        """Raises Unauthenticated, as the gateway does, for an account that is erased."""
        if await self.among(session, [account_id]):
            raise Unauthenticated()


def _lock(account_id: UUID) -> int:
    """The random half of the id: no two accounts share it, nor has a key of `idempotency` it."""
    number: int = struct.unpack(">q", account_id.bytes[8:])[0]
    return number
