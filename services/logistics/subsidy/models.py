"""The ledger's tables, of Core alone: where each programme's chain stands, its transfers, who was granted what."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from services.logistics.tables import Base

LEDGER_HEADS = Table(
    "ledger_heads",
    Base.metadata,
    Column("programme_id", Uuid, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("funder_fen", BigInteger, nullable=False),
    Column("available_fen", BigInteger, nullable=False),
    Column("reserved_fen", BigInteger, nullable=False),
    Column("posted_fen", BigInteger, nullable=False),
    Column("paid_fen", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("posted", BigInteger, nullable=False),
    Column("voided", BigInteger, nullable=False),
    Column("reversed", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("least_fen", BigInteger, nullable=False),
    Column("exhausted_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False),
    Column("changes", Integer, nullable=False, server_default="0"),
    CheckConstraint("available_fen >= 0 AND reserved_fen >= 0 AND posted_fen >= 0 AND paid_fen >= 0", name="overdrawn"),
    CheckConstraint("funder_fen + available_fen + reserved_fen + posted_fen + paid_fen = 0", name="balance"),
    postgresql_with={"fillfactor": 10},  # one hot row: its next versions stay on its page
)
"""One row a programme; whoever posts to it holds its lock, as the last lock of the transaction.

Balances and counts stand in one row, so that whatever reads it sees them agree. `reserved` to `refused` count parcels
(matches, for produce support) by their present state. `exhausted_at` is since when less than `least_fen` is available.
`version` counts the programme's events, `changes` those that are its officers'.
"""

TRANSFERS = Table(
    "transfers",
    Base.metadata,
    Column("programme_id", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("debit", Text, nullable=False),
    Column("credit", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("parcel_id", Uuid),
    Column("match_id", Uuid),
    Column("rule_version", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""Rows are only ever added: a trigger and the missing grant refuse UPDATE, DELETE and TRUNCATE."""

SEALS = Table(
    "ledger_seals",
    Base.metadata,
    Column("programme_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("head", Text, nullable=False),
    Column("budget_fen", BigInteger, nullable=False),
    Column("available_fen", BigInteger, nullable=False),
    Column("reserved_fen", BigInteger, nullable=False),
    Column("posted_fen", BigInteger, nullable=False),
    Column("paid_fen", BigInteger, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""Where a programme's chain stood when a day was over (`seals.Seal`). Only ever added, as transfers are."""

SUBSIDIES = Table(
    "subsidies",
    Base.metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("match_id", Uuid, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("order_ref", Text),
    Column("status", Text, nullable=False),
    Column("first_status", Text, nullable=False),
    Column("reason", Text),
    Column("refused_by", Uuid),
    Column("programme_id", Uuid),
    Column("amount_fen", BigInteger),
    Column("rule_version", Integer),
    Column("turn", SmallInteger, nullable=False),
    Column("payee_id", Uuid),
    Column("posted_at", DateTime(timezone=True)),
    Column("settlement_id", Uuid),
    Column("came_back_at", DateTime(timezone=True)),
    Column("claimed_back_at", DateTime(timezone=True)),
    Column("asked_at", DateTime(timezone=True)),
    Column("decided_at", DateTime(timezone=True)),
    Column("match_g", BigInteger),
    Column("before_g", BigInteger),
    Index(
        "uq_subsidies_buyer_id_order_ref",
        "buyer_id",
        "order_ref",
        unique=True,
        postgresql_where="order_ref IS NOT NULL",
    ),
    Index(
        "ix_subsidies_unsettled",
        "programme_id",
        "payee_id",
        "posted_at",
        postgresql_where="status = 'posted' AND settlement_id IS NULL",
    ),
    Index(
        "ix_subsidies_came_back_unclaimed",
        "came_back_at",
        postgresql_where="came_back_at IS NOT NULL AND claimed_back_at IS NULL",
    ),
    Index("ix_subsidies_support_asked_at", "asked_at", postgresql_where="subject_id = match_id"),
    Index("ix_subsidies_settlement_id", "settlement_id", "subject_id", postgresql_where="settlement_id IS NOT NULL"),
    Index(
        "ix_subsidies_reversed",
        "settlement_id",
        postgresql_where="settlement_id IS NOT NULL AND status <> 'posted'",
    ),
)
"""One row for each parcel (or match, for produce support) that asked while a programme was active.

`first_status` is what was answered at registration. `order_ref` stands here only while it has its one subsidy, so that
the unique index is the rule itself. `turn` counts reservations of one parcel: lost, voided, found and delivered is the
second. A row changes under the lock of its parcel; `settlement_id` by who freezes a
statement. `payee_id`: whom it is paid to, the carrier (of a match, the producer). `came_back_at`: when one was told
to have come back that had been paid. `claimed_back_at`: since when a clawback is about it; none is where that was
dismissed, unless it was dismissed for just that return.

What was known when it was decided stands here for whoever recomputes it: `asked_at` is the moment whose rules counted,
`decided_at` that of the fund, `match_g` what the match was of, `before_g` what its parcels before this one weighed.
"""

CAP_USAGE = Table(
    "cap_usage",
    Base.metadata,
    Column("programme_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("party", Text, primary_key=True),
    Column("party_id", Uuid, primary_key=True),
    Column("used", BigInteger, nullable=False),
)
"""What a programme granted to one producer or carrier on one Shanghai day: parcels, or grams for produce support."""

PAID_STATEMENTS = Table(
    "paid_statements",
    Base.metadata,
    Column("settlement_id", Uuid, primary_key=True),
    Column("paid_at", DateTime(timezone=True), nullable=False),
)
"""The statements whose subsidies were paid, as far as they had not come back by then. Written under the lock of the
programme's fund, under which what comes back looks for it: so no line has to be touched when a million are paid."""
