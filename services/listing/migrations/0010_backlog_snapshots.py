"""The open lots with their forecasts at a full minute, of which the pages of the backlog are made"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backlog_snapshots",
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("produce", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("evidence", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("lots", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("as_of", name=op.f("pk_backlog_snapshots")),
        prefixes=["UNLOGGED"],
    )
    # some megabytes that hardly get smaller, written and deleted every minute
    op.execute("ALTER TABLE backlog_snapshots ALTER COLUMN lots SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("backlog_snapshots")
