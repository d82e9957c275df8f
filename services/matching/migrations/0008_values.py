"""What of a listing was promised, by its market; and the parts of a match's value, which older matches do not have"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_supply_promised_by_produce",
        "supply",
        ["produce", "spoils_at"],
        postgresql_where=sa.text("held_g + agreed_g > 0"),
    )
    op.add_column("matches", sa.Column("price_basis", sa.Text()))
    op.add_column("matches", sa.Column("ceiling_fen_per_kg", sa.Integer()))
    op.add_column("matches", sa.Column("floor_fen_per_kg", sa.Integer()))
    op.add_column("matches", sa.Column("rescue_fen_per_kg", sa.Integer()))
    op.add_column("matches", sa.Column("watch_52_fen_per_kg", sa.Integer()))
    op.add_column("matches", sa.Column("poverty_832_fen_per_kg", sa.Integer()))
    op.add_column("matches", sa.Column("spread_mfen", sa.BigInteger()))


def downgrade() -> None:
    for name in (
        "spread_mfen",
        "poverty_832_fen_per_kg",
        "watch_52_fen_per_kg",
        "rescue_fen_per_kg",
        "floor_fen_per_kg",
        "ceiling_fen_per_kg",
        "price_basis",
    ):
        op.drop_column("matches", name)
    op.drop_index("ix_supply_promised_by_produce", "supply")
