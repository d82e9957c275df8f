"""How long a match is under way, by the policy of its round"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("matches", sa.Column("under_way_s", sa.Integer()))


def downgrade() -> None:
    op.drop_column("matches", "under_way_s")
