"""A subsidy keeps when what came back was claimed, so that what is not claimed yet is found without the rest"""

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


def downgrade() -> None:
    op.drop_column("subsidies", "claimed_back_at")
