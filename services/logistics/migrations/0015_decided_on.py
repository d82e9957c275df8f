"""What was known when a subsidy was decided"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subsidies", sa.Column("asked_at", sa.DateTime(timezone=True)))
    op.add_column("subsidies", sa.Column("decided_at", sa.DateTime(timezone=True)))
    op.add_column("subsidies", sa.Column("match_g", sa.BigInteger()))
    op.add_column("subsidies", sa.Column("before_g", sa.BigInteger()))


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
