"""Corrections of frozen statements"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settlement_corrections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["settlements.id"], name=op.f("fk_settlement_corrections_settlement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_corrections")),
    )
    op.create_index(
        op.f("ix_settlement_corrections_settlement_id_id"), "settlement_corrections", ["settlement_id", "id"]
    )
    op.create_table(
        "settlement_correction_lines",
        sa.Column("correction_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_id"],
            ["settlement_corrections.id"],
            name=op.f("fk_settlement_correction_lines_correction_id"),
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subsidies.subject_id"], name=op.f("fk_settlement_correction_lines_subject_id")
        ),
        sa.PrimaryKeyConstraint("correction_id", "subject_id", name=op.f("pk_settlement_correction_lines")),
    )
    op.create_index("ix_settlement_correction_lines_subject_id", "settlement_correction_lines", ["subject_id"])


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
