"""Clawbacks, and what came back after it was paid"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subsidies", sa.Column("came_back_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_subsidies_came_back_at", "subsidies", ["came_back_at"], postgresql_where="came_back_at IS NOT NULL"
    )
    op.create_table(
        "clawbacks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("recovered_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("objection_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("objection", sa.Text(), nullable=True),
        sa.Column("objected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("recovered_fen BETWEEN 0 AND amount_fen", name=op.f("ck_clawbacks_recovered")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_clawbacks_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clawbacks")),
    )
    op.create_index(op.f("ix_clawbacks_payee_id_id"), "clawbacks", ["payee_id", "id"])
    op.create_index(
        "ix_clawbacks_upheld", "clawbacks", ["programme_id", "payee_id"], postgresql_where="status = 'upheld'"
    )
    op.create_table(
        "clawback_lines",
        sa.Column("clawback_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["clawback_id"], ["clawbacks.id"], name=op.f("fk_clawback_lines_clawback_id")),
        sa.ForeignKeyConstraint(["subject_id"], ["subsidies.subject_id"], name=op.f("fk_clawback_lines_subject_id")),
        sa.PrimaryKeyConstraint("clawback_id", "subject_id", name=op.f("pk_clawback_lines")),
    )
    op.create_index("ix_clawback_lines_subject_id", "clawback_lines", ["subject_id"])
    op.create_index(
        "uq_clawback_lines_subject_id", "clawback_lines", ["subject_id"], unique=True, postgresql_where="is_live"
    )
    op.create_table(
        "clawback_recoveries",
        sa.Column("clawback_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clawback_id"], ["clawbacks.id"], name=op.f("fk_clawback_recoveries_clawback_id")),
        sa.PrimaryKeyConstraint("clawback_id", "reference", name=op.f("pk_clawback_recoveries")),
    )


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
