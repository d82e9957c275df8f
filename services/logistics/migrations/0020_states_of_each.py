"""Feeds: of one event each account may be told its own state"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feed_pending", sa.Column("states", sa.ARRAY(sa.Text()), nullable=True))


def downgrade() -> None:
    op.drop_column("feed_pending", "states")
