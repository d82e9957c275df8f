"""Flags keep the programme of their statement, so that a programme's are found without the others'"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("fraud_flags", sa.Column("programme_id", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE fraud_flags SET programme_id = settlements.programme_id FROM settlements "
        "WHERE settlements.id = fraud_flags.settlement_id"
    )
    op.create_index(op.f("ix_fraud_flags_programme_id_id"), "fraud_flags", ["programme_id", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_fraud_flags_programme_id_id"), table_name="fraud_flags")
    op.drop_column("fraud_flags", "programme_id")
