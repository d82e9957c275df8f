"""Accounts that were erased, and those whose orders still say something of them"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_accounts",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_erased_accounts")),
    )
    op.create_table(
        "buyers_to_forget",
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("buyer_id", name=op.f("pk_buyers_to_forget")),
    )


def downgrade() -> None:
    op.drop_table("buyers_to_forget")
    op.drop_table("erased_accounts")
