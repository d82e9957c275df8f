"""Erased accounts, of whom something is left to forget until a job has forgotten it, some at a time"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("erased_accounts", sa.Column("step", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("erased_accounts", sa.Column("after", sa.Uuid(), nullable=True))
    op.add_column("erased_accounts", sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_erased_accounts_to_forget",
        "erased_accounts",
        ["account_id"],
        postgresql_where=sa.text("forgotten_at IS NULL"),
    )
    # of these everything was forgotten with the news
    op.execute("UPDATE erased_accounts SET forgotten_at = heard_at")


def downgrade() -> None:
    op.drop_index("ix_erased_accounts_to_forget", table_name="erased_accounts")
    for column in ("forgotten_at", "after", "step"):
        op.drop_column("erased_accounts", column)
