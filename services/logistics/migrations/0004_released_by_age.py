"""Released matches are forgotten by age"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_released_matches_released_at"), "released_matches", ["released_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_released_matches_released_at"), table_name="released_matches")
