"""What was reversed of a statement is found by an index, so that what it owes is told at once, however long it is"""

import sqlalchemy as sa

from chassis.migrations import drop_index_beside_writers, index_beside_writers

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    index_beside_writers(
        "ix_subsidies_reversed",
        "subsidies",
        ["settlement_id"],
        postgresql_where=sa.text("settlement_id IS NOT NULL AND status <> 'posted'"),
    )


def downgrade() -> None:
    drop_index_beside_writers("ix_subsidies_reversed", "subsidies")
