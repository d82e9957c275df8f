"""Since when matching knows of a listing, and the orders that were promised something, by their market"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "supply", sa.Column("entered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.execute("UPDATE supply SET entered_at = 'epoch'")  # long ago: they have been in rounds
    op.create_index(
        "ix_orders_promised_by_produce",
        "orders",
        ["produce", "deliver_by"],
        postgresql_where=sa.text("held_g + agreed_g > 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_orders_promised_by_produce", "orders")
    op.drop_column("supply", "entered_at")
