"""What came back is found by what is not claimed back yet, and not by all that ever came back"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

CLAIMED = """
UPDATE subsidies SET claimed_back_at = claimed.noticed_at
FROM (
    SELECT lines.subject_id, min(clawbacks.noticed_at) AS noticed_at
    FROM clawback_lines lines
    JOIN clawbacks ON clawbacks.id = lines.clawback_id
    JOIN subsidies ON subsidies.subject_id = lines.subject_id
    WHERE lines.is_live
       OR clawbacks.cause = 'returned_after_payment' AND clawbacks.decided_at >= subsidies.came_back_at
    GROUP BY lines.subject_id
) claimed
WHERE subsidies.subject_id = claimed.subject_id
"""


def upgrade() -> None:
    op.add_column("subsidies", sa.Column("claimed_back_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(CLAIMED)
    op.create_index(
        "ix_subsidies_came_back_unclaimed",
        "subsidies",
        ["came_back_at"],
        postgresql_where=sa.text("came_back_at IS NOT NULL AND claimed_back_at IS NULL"),
    )
    op.drop_index("ix_subsidies_came_back_at", table_name="subsidies")  # an older program does without it


def downgrade() -> None:
    op.create_index(
        "ix_subsidies_came_back_at",
        "subsidies",
        ["came_back_at"],
        postgresql_where=sa.text("came_back_at IS NOT NULL"),
    )
    op.drop_index("ix_subsidies_came_back_unclaimed", table_name="subsidies")
    op.drop_column("subsidies", "claimed_back_at")
