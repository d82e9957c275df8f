"""What came back unclaimed, a match's parcels, and a day's produce support are found by an index"""

import sqlalchemy as sa

from chassis.migrations import drop_index_beside_writers, index_beside_writers

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    index_beside_writers(
        "ix_subsidies_came_back_unclaimed",
        "subsidies",
        ["came_back_at"],
        postgresql_where=sa.text("came_back_at IS NOT NULL AND claimed_back_at IS NULL"),
    )
    drop_index_beside_writers("ix_subsidies_came_back_at", "subsidies")  # an older program does without it
    index_beside_writers("ix_parcels_match_id_id", "parcels", ["match_id", "id"])
    index_beside_writers(
        "ix_subsidies_support_asked_at", "subsidies", ["asked_at"], postgresql_where=sa.text("subject_id = match_id")
    )


def downgrade() -> None:
    drop_index_beside_writers("ix_subsidies_support_asked_at", "subsidies")
    drop_index_beside_writers("ix_parcels_match_id_id", "parcels")
    index_beside_writers(
        "ix_subsidies_came_back_at", "subsidies", ["came_back_at"], postgresql_where=sa.text("came_back_at IS NOT NULL")
    )
    drop_index_beside_writers("ix_subsidies_came_back_unclaimed", "subsidies")
