"""Plans tell what their vehicles had on board; vehicles retire"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("vehicles", sa.Column("retired", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("route_plans", sa.Column("aboard_ids", ARRAY(sa.Uuid), nullable=False, server_default="{}"))


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
