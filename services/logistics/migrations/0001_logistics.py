"""Vehicles, shipments, route plans, and what the chassis stands on"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_received_at"), "inbox", ["received_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "released_matches",
        sa.Column("match_id", sa.Uuid(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("match_id", name=op.f("pk_released_matches")),
    )
    op.create_table(
        "route_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("carrier_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("depart_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("limit_s", sa.Float(), nullable=False),
        sa.Column("shipment_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("vehicle_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route_plans")),
    )
    op.create_index(op.f("ix_route_plans_carrier_id_id"), "route_plans", ["carrier_id", "id"], unique=False)
    op.create_index(
        "ix_route_plans_planning", "route_plans", ["id"], unique=False, postgresql_where="status = 'planning'"
    )
    op.create_table(
        "shipments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("match_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("producer_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("carrier_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("produce", sa.Text(), nullable=False),
        sa.Column("quantity_g", sa.BigInteger(), nullable=False),
        sa.Column("temperature_class", sa.Text(), nullable=False),
        sa.Column("origin_adcode", sa.Text(), nullable=False),
        sa.Column("origin_lon", sa.Float(), nullable=False),
        sa.Column("origin_lat", sa.Float(), nullable=False),
        sa.Column("destination_adcode", sa.Text(), nullable=False),
        sa.Column("destination_lon", sa.Float(), nullable=False),
        sa.Column("destination_lat", sa.Float(), nullable=False),
        sa.Column("distance_m", sa.BigInteger(), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deliver_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spoils_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("min_remaining_life_h", sa.Integer(), nullable=False),
        sa.Column("leave_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_report_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_by_parcels", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
        sa.UniqueConstraint("match_id", name=op.f("uq_shipments_match_id")),
    )
    op.create_index(op.f("ix_shipments_buyer_id_id"), "shipments", ["buyer_id", "id"], unique=False)
    op.create_index(op.f("ix_shipments_carrier_id_id"), "shipments", ["carrier_id", "id"], unique=False)
    op.create_index(op.f("ix_shipments_producer_id_id"), "shipments", ["producer_id", "id"], unique=False)
    op.create_index(
        "ix_shipments_waiting",
        "shipments",
        ["leave_by"],
        unique=False,
        postgresql_where="status IN ('open', 'claimed', 'failed')",
    )
    op.create_table(
        "vehicles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("carrier_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("capacity_g", sa.BigInteger(), nullable=False),
        sa.Column("temperature_classes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("depot_lon", sa.Float(), nullable=False),
        sa.Column("depot_lat", sa.Float(), nullable=False),
        sa.Column("shift_start", sa.Time(), nullable=False),
        sa.Column("shift_end", sa.Time(), nullable=False),
        sa.Column("cost_fen_per_km", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("capacity_g > 0", name=op.f("ck_vehicles_capacity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicles")),
    )
    op.create_index(op.f("ix_vehicles_carrier_id_id"), "vehicles", ["carrier_id", "id"], unique=False)
    op.create_table(
        "shipment_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("carrier_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("weight_g", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_shipment_reports_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_reports")),
    )
    op.create_index(op.f("ix_shipment_reports_shipment_id"), "shipment_reports", ["shipment_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_shipment_reports_shipment_id"), table_name="shipment_reports")
    op.drop_table("shipment_reports")
    op.drop_index(op.f("ix_vehicles_carrier_id_id"), table_name="vehicles")
    op.drop_table("vehicles")
    op.drop_index(
        "ix_shipments_waiting", table_name="shipments", postgresql_where="status IN ('open', 'claimed', 'failed')"
    )
    op.drop_index(op.f("ix_shipments_producer_id_id"), table_name="shipments")
    op.drop_index(op.f("ix_shipments_carrier_id_id"), table_name="shipments")
    op.drop_index(op.f("ix_shipments_buyer_id_id"), table_name="shipments")
    op.drop_table("shipments")
    op.drop_index("ix_route_plans_planning", table_name="route_plans", postgresql_where="status = 'planning'")
    op.drop_index(op.f("ix_route_plans_carrier_id_id"), table_name="route_plans")
    op.drop_table("route_plans")
    op.drop_table("released_matches")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_inbox_received_at"), table_name="inbox")
    op.drop_table("inbox")
    op.drop_index(op.f("ix_idempotency_created_at"), table_name="idempotency")
    op.drop_table("idempotency")
