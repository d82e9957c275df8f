"""Settlements: to whom each subsidy is owed, since when, in which statement, and whether it is paid"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

PAYEES = """
UPDATE subsidies s SET payee_id = coalesce(
    (SELECT carrier_id FROM parcels p WHERE p.id = s.subject_id),
    (SELECT producer_id FROM shipments h WHERE h.match_id = s.subject_id)
)
"""
POSTED = """
UPDATE subsidies s SET posted_at = t.at FROM transfers t
WHERE t.kind = 'post' AND t.programme_id = s.programme_id AND s.status IN ('posted', 'reversed')
    AND coalesce(t.parcel_id, t.match_id) = s.subject_id
"""


def upgrade() -> None:
    op.add_column("subsidies", sa.Column("payee_id", sa.Uuid()))
    op.add_column("subsidies", sa.Column("posted_at", sa.DateTime(timezone=True)))
    op.add_column("subsidies", sa.Column("settlement_id", sa.Uuid()))
    op.execute(PAYEES)
    op.execute(POSTED)
    op.create_index(
        "ix_subsidies_unsettled",
        "subsidies",
        ["programme_id", "payee_id", "posted_at"],
        postgresql_where="status = 'posted' AND settlement_id IS NULL",
    )
    op.create_index(
        "ix_subsidies_settlement_id",
        "subsidies",
        ["settlement_id", "subject_id"],
        postgresql_where="settlement_id IS NOT NULL",
    )
    op.create_table(
        "paid_statements",
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("settlement_id", name=op.f("pk_paid_statements")),
    )
    op.create_table(
        "settlements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("frozen_by", sa.Uuid(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("owed_fen", sa.BigInteger(), nullable=True),
        sa.Column("recovered_fen", sa.BigInteger(), nullable=True),
        sa.Column("paid_by", sa.Uuid(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_settlements_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlements")),
        sa.UniqueConstraint("reference", name=op.f("uq_settlements_reference")),
    )
    op.create_index(op.f("ix_settlements_payee_id_id"), "settlements", ["payee_id", "id"])
    op.create_index(op.f("ix_settlements_programme_id_id"), "settlements", ["programme_id", "id"])


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
