"""Erasures that fail are put off, each for itself, and taken in the order in which they were heard of"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("erased_accounts", sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False))
    at_once = sa.Column("try_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    op.add_column("erased_accounts", at_once)
    op.create_index(
        "ix_erased_accounts_waiting",
        "erased_accounts",
        ["heard_at", "account_id"],
        postgresql_where=sa.text("forgotten_at IS NULL"),
    )
    op.drop_index("ix_erased_accounts_to_forget", table_name="erased_accounts")  # an older program does without it


def downgrade() -> None:
    op.create_index(
        "ix_erased_accounts_to_forget",
        "erased_accounts",
        ["account_id"],
        postgresql_where=sa.text("forgotten_at IS NULL"),
    )
    op.drop_index("ix_erased_accounts_waiting", table_name="erased_accounts")
    op.drop_column("erased_accounts", "try_at")
    op.drop_column("erased_accounts", "tries")
