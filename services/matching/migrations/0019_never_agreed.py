"""Of an erased account the matches that were never agreed are looked up, not scanned for"""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import index_beside_writers

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for side in ("producer", "buyer"):
        index_beside_writers(
            f"ix_matches_never_agreed_by_{side}",
            "matches",
            [f"{side}_id", "id"],
            postgresql_where=sa.text("NOT (producer_consents AND buyer_consents)"),
        )


def downgrade() -> None:
    for side in ("buyer", "producer"):
        op.drop_index(f"ix_matches_never_agreed_by_{side}", table_name="matches")
