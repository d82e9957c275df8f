"""Vehicles have breaks, an area and a price of an hour; plans a hub, a prize, a time on board and one before them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("vehicles", sa.Column("breaks", JSONB, nullable=False, server_default=sa.text("'[]'")))
    op.add_column("vehicles", sa.Column("area", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("vehicles", sa.Column("cost_fen_per_h", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("route_plans", sa.Column("hub_lon", sa.Float))
    op.add_column("route_plans", sa.Column("hub_lat", sa.Float))
    op.add_column("route_plans", sa.Column("prize_fen_per_kg", sa.Integer))
    op.add_column("route_plans", sa.Column("on_board_max_s", sa.Integer))
    op.add_column("route_plans", sa.Column("previous_id", sa.Uuid))


def downgrade() -> None:
    raise NotImplementedError("databases are not migrated downwards")
