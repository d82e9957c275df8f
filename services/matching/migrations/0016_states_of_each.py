"""Feeds: of one event each account may be told its own state; who was erased before is gone through once more"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feed_pending", sa.Column("states", sa.ARRAY(sa.Text()), nullable=True))
    # places of matches that were never agreed were not forgotten before; the steps change nothing twice
    op.execute("UPDATE erased_accounts SET forgotten_at = NULL, step = 0, after = NULL")


def downgrade() -> None:
    op.drop_column("feed_pending", "states")
