"""Prices are told only of several who sell and several who buy, and who they are stands in the index, too"""

import sqlalchemy as sa

from chassis.migrations import drop_index_beside_writers, index_beside_writers

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

PAID = sa.text("status IN ('agreed', 'fulfilled')")
WHAT = ["price_fen_per_kg", "quantity_g"]


def upgrade() -> None:
    index_beside_writers(
        "ix_matches_paid_between",
        "matches",
        ["produce", "created_at"],
        postgresql_where=PAID,
        postgresql_include=[*WHAT, "producer_id", "buyer_id"],
    )
    drop_index_beside_writers("ix_matches_paid", "matches")


def downgrade() -> None:
    index_beside_writers(
        "ix_matches_paid", "matches", ["produce", "created_at"], postgresql_where=PAID, postgresql_include=WHAT
    )
    drop_index_beside_writers("ix_matches_paid_between", "matches")
