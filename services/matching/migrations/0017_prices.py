"""What was paid for a produce lately is looked up, not scanned for"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_matches_paid",
        "matches",
        ["produce", "created_at"],
        postgresql_where=sa.text("status IN ('agreed', 'fulfilled')"),
        postgresql_include=["price_fen_per_kg", "quantity_g"],
    )


def downgrade() -> None:
    op.drop_index("ix_matches_paid", table_name="matches")
