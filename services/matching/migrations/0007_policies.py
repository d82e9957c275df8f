"""Policies in versions, and from when each is in force"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""
NEVER_CHANGED = ("policies", "policy_periods")
POLICY_1 = """
INSERT INTO policies (version, weights, why, proposed_at, proposed_by) VALUES (1, '{
    "detour": 1.3, "speed_m_per_h": 60000, "handling_us": 14400000000,
    "freight_base_fen_per_kg": 20, "freight_fen_per_kg_per_1000_km": 60, "class_percent": [100, 150, 200],
    "surplus_share_percent": 50, "rescue_fen_per_kg": 200, "rescue_window_h": 72,
    "watch_52_fen_per_kg": 100, "poverty_832_fen_per_kg": 50, "spread_fen_per_kg": [40, 25, 10, 0]
}', 'The policy that Duijie begins with.', 'epoch', 'duijie')
"""
# 0, so that the identity begins at 1 as ever
FROM_THE_BEGINNING = """
INSERT INTO policy_periods (id, version, starts_at, activated_at, activated_by)
VALUES (0, 1, 'epoch', 'epoch', 'duijie')
"""


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("weights", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policies")),
    )
    op.create_table(
        "policy_periods",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["policies.version"], name=op.f("fk_policy_periods_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_periods")),
    )
    op.create_table(
        "policy_starts",
        sa.Column("period_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["period_id"], ["policy_periods.id"], name=op.f("fk_policy_starts_period_id")),
        sa.PrimaryKeyConstraint("period_id", name=op.f("pk_policy_starts")),
    )
    op.execute(POLICY_1)
    op.execute(FROM_THE_BEGINNING)
    op.execute(REFUSE)
    for table in NEVER_CHANGED:
        op.execute(
            f"CREATE TRIGGER {table}_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("policy_starts")
    op.drop_table("policy_periods")
    op.drop_table("policies")
    op.execute("DROP FUNCTION refuse_change")
