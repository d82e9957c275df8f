"""Which listing or order of a market has changed, so that a round can look at what it touches"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("market_changes", sa.Column("row_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("market_changes", "row_id")
