"""What two officers change of a programme; which parcels are goods of their match"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COUNTED = """
UPDATE parcels p SET counted_g = CASE
    WHEN EXISTS (SELECT FROM subsidies s WHERE s.subject_id = p.id AND s.reason = 'match_mass') THEN 0
    ELSE weight_g END
"""


def upgrade() -> None:
    op.create_table(
        "programme_standings",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_programme_standings_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", "effective_at", name=op.f("pk_programme_standings")),
    )
    op.create_table(
        "programme_approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("wanted", JSONB(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_programme_approvals_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme_approvals")),
    )
    op.create_index(op.f("ix_programme_approvals_programme_id_id"), "programme_approvals", ["programme_id", "id"])
    op.add_column("parcels", sa.Column("counted_g", sa.BigInteger()))
    op.execute(COUNTED)
    op.alter_column("parcels", "counted_g", nullable=False)
    op.add_column("programmes", sa.Column("changes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("ledger_heads", sa.Column("changes", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
