"""A transfer of the bank repays once, and is not taken for a settlement's netting"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clawback_recoveries", sa.Column("kind", sa.Text(), nullable=True))
    op.execute(
        "UPDATE clawback_recoveries SET kind = CASE WHEN EXISTS"
        " (SELECT FROM settlements WHERE settlements.id::text = reference) THEN 'netted' ELSE 'repaid' END"
    )
    op.alter_column("clawback_recoveries", "kind", nullable=False)
    op.drop_constraint("pk_clawback_recoveries", "clawback_recoveries")
    op.create_primary_key("pk_clawback_recoveries", "clawback_recoveries", ["clawback_id", "kind", "reference"])
    op.create_index(
        "uq_clawback_recoveries_repaid",
        "clawback_recoveries",
        ["reference"],
        unique=True,
        postgresql_where="kind = 'repaid'",
    )


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
