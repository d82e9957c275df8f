"""Supply, orders, rounds and matches"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "market_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("produce", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_changes")),
    )
    op.create_table(
        "match_deliveries",
        sa.Column("parcel_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("match_id", sa.Uuid(), nullable=False),
        sa.Column("delivered_g", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("parcel_id", name=op.f("pk_match_deliveries")),
    )
    op.create_index(op.f("ix_match_deliveries_match_id"), "match_deliveries", ["match_id"], unique=False)
    op.create_table(
        "matches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("producer_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("produce", sa.Text(), nullable=False),
        sa.Column("quantity_g", sa.BigInteger(), nullable=False),
        sa.Column("price_fen_per_kg", sa.Integer(), nullable=False),
        sa.Column("freight_fen_per_kg", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.Column("temperature_class", sa.Text(), nullable=False),
        sa.Column("origin_adcode", sa.Text(), nullable=False),
        sa.Column("origin_lon", sa.Float(), nullable=False),
        sa.Column("origin_lat", sa.Float(), nullable=False),
        sa.Column("destination_adcode", sa.Text(), nullable=False),
        sa.Column("destination_lon", sa.Float(), nullable=False),
        sa.Column("destination_lat", sa.Float(), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrives_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deliver_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spoils_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("min_remaining_life_h", sa.Integer(), nullable=False),
        sa.Column("producer_consents", sa.Boolean(), nullable=False),
        sa.Column("buyer_consents", sa.Boolean(), nullable=False),
        sa.Column("agree_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity_g > 0", name=op.f("ck_matches_quantity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matches")),
    )
    op.create_index(op.f("ix_matches_buyer_id_id"), "matches", ["buyer_id", "id"], unique=False)
    op.create_index(op.f("ix_matches_listing_id"), "matches", ["listing_id"], unique=False)
    op.create_index(op.f("ix_matches_order_id"), "matches", ["order_id"], unique=False)
    op.create_index(op.f("ix_matches_producer_id_id"), "matches", ["producer_id", "id"], unique=False)
    op.create_index(
        "ix_matches_proposed_by_deadline", "matches", ["agree_by"], unique=False, postgresql_where="status = 'proposed'"
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("lifecycle", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("terms", sa.Integer(), nullable=False),
        sa.Column("produce", sa.Text(), nullable=False),
        sa.Column("min_grade", sa.Text(), nullable=False),
        sa.Column("min_fill_g", sa.BigInteger(), nullable=False),
        sa.Column("max_price_fen_per_kg", sa.Integer(), nullable=False),
        sa.Column("price_basis", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("destination_adcode", sa.Text(), nullable=False),
        sa.Column("destination_lon", sa.Float(), nullable=True),
        sa.Column("destination_lat", sa.Float(), nullable=True),
        sa.Column("deliver_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deliver_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("min_remaining_life_h", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=True),
        sa.Column("auto_agree", sa.Boolean(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("quantity_g", sa.BigInteger(), nullable=False),
        sa.Column("held_g", sa.BigInteger(), nullable=False),
        sa.Column("agreed_g", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "held_g >= 0 AND agreed_g >= 0 AND quantity_g - held_g - agreed_g >= 0", name=op.f("ck_orders_quantities")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_buyer_id_id"), "orders", ["buyer_id", "id"], unique=False)
    op.create_index(
        "ix_orders_free_by_produce",
        "orders",
        ["produce"],
        unique=False,
        postgresql_where="lifecycle = 'open' AND quantity_g - held_g - agreed_g > 0",
    )
    op.create_index(
        "ix_orders_unfilled_by_deadline",
        "orders",
        ["deliver_by"],
        unique=False,
        postgresql_where="lifecycle = 'open' AND agreed_g < quantity_g",
    )
    op.create_table(
        "refused_pairs",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("listing_terms", sa.Integer(), nullable=False),
        sa.Column("order_terms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("listing_id", "order_id", name=op.f("pk_refused_pairs")),
    )
    op.create_table(
        "round_timer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interval_s", sa.Float(), nullable=False),
        sa.CheckConstraint("id = 1 AND interval_s >= 0", name=op.f("ck_round_timer_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_timer")),
    )
    op.create_table(
        "rounds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("produce", sa.Text(), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("policy", sa.Integer(), nullable=False),
        sa.Column("listings", sa.Integer(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("arcs", sa.Integer(), nullable=False),
        sa.Column("matches", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("matched_g", sa.BigInteger(), nullable=False),
        sa.Column("value_mfen", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("greedy_value_mfen", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("certified_gap", sa.Float(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rounds")),
    )
    op.create_index(op.f("ix_rounds_produce_id"), "rounds", ["produce", "id"], unique=False)
    op.create_table(
        "supply",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("producer_id", sa.Uuid(), nullable=False),
        sa.Column("listing_version", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("produce", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("listed_g", sa.BigInteger(), nullable=False),
        sa.Column("min_price_fen_per_kg", sa.Integer(), nullable=False),
        sa.Column("origin_adcode", sa.Text(), nullable=False),
        sa.Column("origin_lon", sa.Float(), nullable=True),
        sa.Column("origin_lat", sa.Float(), nullable=True),
        sa.Column("temperature_class", sa.Text(), nullable=False),
        sa.Column("available_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spoils_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("divisible", sa.Boolean(), nullable=False),
        sa.Column("auto_agree", sa.Boolean(), nullable=False),
        sa.Column("quantity_g", sa.BigInteger(), nullable=False),
        sa.Column("held_g", sa.BigInteger(), nullable=False),
        sa.Column("agreed_g", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "held_g >= 0 AND agreed_g >= 0 AND quantity_g - held_g - agreed_g >= 0", name=op.f("ck_supply_quantities")
        ),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_supply")),
    )
    op.create_index(
        "ix_supply_free_by_produce",
        "supply",
        ["produce"],
        unique=False,
        postgresql_where="status = 'open' AND quantity_g - held_g - agreed_g > 0",
    )


def downgrade() -> None:
    op.drop_index(
        "ix_supply_free_by_produce",
        table_name="supply",
        postgresql_where="status = 'open' AND quantity_g - held_g - agreed_g > 0",
    )
    op.drop_table("supply")
    op.drop_index(op.f("ix_rounds_produce_id"), table_name="rounds")
    op.drop_table("rounds")
    op.drop_table("round_timer")
    op.drop_table("refused_pairs")
    op.drop_index(
        "ix_orders_unfilled_by_deadline",
        table_name="orders",
        postgresql_where="lifecycle = 'open' AND agreed_g < quantity_g",
    )
    op.drop_index(
        "ix_orders_free_by_produce",
        table_name="orders",
        postgresql_where="lifecycle = 'open' AND quantity_g - held_g - agreed_g > 0",
    )
    op.drop_index(op.f("ix_orders_buyer_id_id"), table_name="orders")
    op.drop_table("orders")
    op.drop_index("ix_matches_proposed_by_deadline", table_name="matches", postgresql_where="status = 'proposed'")
    op.drop_index(op.f("ix_matches_producer_id_id"), table_name="matches")
    op.drop_index(op.f("ix_matches_order_id"), table_name="matches")
    op.drop_index(op.f("ix_matches_listing_id"), table_name="matches")
    op.drop_index(op.f("ix_matches_buyer_id_id"), table_name="matches")
    op.drop_table("matches")
    op.drop_index(op.f("ix_match_deliveries_match_id"), table_name="match_deliveries")
    op.drop_table("match_deliveries")
    op.drop_table("market_changes")
