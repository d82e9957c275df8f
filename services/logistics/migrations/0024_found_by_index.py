"""A match's parcels, and a day's produce support, are found by an index"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_parcels_match_id_id"), "parcels", ["match_id", "id"])
    op.create_index(
        "ix_subsidies_support_asked_at",
        "subsidies",
        ["asked_at"],
        postgresql_where=sa.text("subject_id = match_id"),
    )


def downgrade() -> None:
    op.drop_index("ix_subsidies_support_asked_at", table_name="subsidies")
    op.drop_index(op.f("ix_parcels_match_id_id"), table_name="parcels")
