"""What was paid for a produce lately is looked up, not scanned for"""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import index_beside_writers

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    index_beside_writers(
        "ix_matches_paid",
        "matches",
        ["produce", "created_at"],
        postgresql_where=sa.text("status IN ('agreed', 'fulfilled')"),
        postgresql_include=["price_fen_per_kg", "quantity_g"],
    )


def downgrade() -> None:
    op.drop_index("ix_matches_paid", table_name="matches")
