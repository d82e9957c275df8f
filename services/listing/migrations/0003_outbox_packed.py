"""Headers of waiting events in one piece, so that a relay need not unpack them"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PACK = """
    CREATE FUNCTION pack(headers jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
        SELECT coalesce(convert_to(string_agg(name, chr(31)) || chr(29) || string_agg(value, chr(31)), 'UTF8'), '')
        FROM jsonb_each_text(headers) AS each (name, value)
    $$
"""


def upgrade() -> None:
    op.execute(PACK)
    op.execute("ALTER TABLE outbox ALTER COLUMN headers TYPE bytea USING pack(headers)")
    op.execute("DROP FUNCTION pack")


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
