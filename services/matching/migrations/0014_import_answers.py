"""Imports remember the language of their answer, and that it was given to its end"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("language", sa.Text(), nullable=True))
    op.add_column("imports", sa.Column("is_whole", sa.Boolean(), server_default=sa.text("false"), nullable=False))


def downgrade() -> None:
    op.drop_column("imports", "is_whole")
    op.drop_column("imports", "language")
