"""Fraud flags, and a carrier's parcels in the order of their registration"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_parcels_carrier_id_id"), "parcels", ["carrier_id", "id"])
    op.create_table(
        "fraud_flags",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fraud_flags")),
    )
    op.create_index(op.f("ix_fraud_flags_settlement_id_id"), "fraud_flags", ["settlement_id", "id"])
    op.create_index("ix_fraud_flags_open", "fraud_flags", ["settlement_id"], postgresql_where="status = 'open'")


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
