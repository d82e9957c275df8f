"""The backlog and its forecast"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backlog_hazards",
        sa.Column("produce", sa.Text(), nullable=False),
        sa.Column("adcode", sa.Text(), nullable=False),
        sa.Column("rates", sa.ARRAY(sa.Double()), nullable=False),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("produce", "adcode", name=op.f("pk_backlog_hazards")),
    )
    op.create_table(
        "backlog_sights",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("produce", sa.Text(), nullable=False),
        sa.Column("adcode", sa.Text(), nullable=False),
        sa.Column("band", sa.SmallInteger(), nullable=False),
        sa.Column("exposure_gh", sa.Double(), nullable=False),
        sa.Column("sold_g", sa.BigInteger(), nullable=False),
        sa.Column("sales", sa.Integer(), nullable=False),
        sa.Column("spoiled_g", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "produce", "adcode", "band", name=op.f("pk_backlog_sights")),
    )
    op.create_table(
        "backlog_stands",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("produce", sa.Text(), nullable=False),
        sa.Column("adcode", sa.Text(), nullable=False),
        sa.Column("open_g", sa.BigInteger(), nullable=False),
        sa.Column("at_risk_g", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", "produce", "adcode", name=op.f("pk_backlog_stands")),
    )
    op.add_column(
        "listings",
        sa.Column("stands_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    # what was closed before there was a history is no part of it, and is not written anew
    op.add_column("listings", sa.Column("is_tallied", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.execute("UPDATE listings SET is_tallied = false WHERE lifecycle = 'open'")
    op.alter_column("listings", "is_tallied", server_default=sa.text("false"))
    op.create_index(
        "ix_listings_to_tally",
        "listings",
        ["id"],
        unique=False,
        postgresql_where="lifecycle <> 'open' AND NOT is_tallied",
    )


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
