"""Sealed daily heads of the ledger"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

REFUSE_ON_SEALS = """
CREATE TRIGGER seals_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_seals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.create_table(
        "ledger_seals",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("budget_fen", sa.BigInteger(), nullable=False),
        sa.Column("available_fen", sa.BigInteger(), nullable=False),
        sa.Column("reserved_fen", sa.BigInteger(), nullable=False),
        sa.Column("posted_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("prev", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "day", name=op.f("pk_ledger_seals")),
    )
    op.execute(REFUSE_ON_SEALS)
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON ledger_seals FROM CURRENT_USER")


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
