"""Who may do what, of every operation, row by row. What has no row here fails, and is told so."""

from dataclasses import dataclass
from typing import get_args

from contracts.accounts import Role

EVERYONE = frozenset(get_args(Role))
SELLERS = frozenset({"producer", "agent"})
BUYERS = frozenset({"platform", "group_leader", "citizen"})
CARRIER = frozenset({"carrier"})
OFFICER = frozenset({"programme_officer"})
OFFICE = OFFICER | {"auditor"}
PARTIES = SELLERS | BUYERS
MOVERS = PARTIES | CARRIER
PARTNERS = frozenset({"platform", "group_leader", "carrier"})
PAYEES = frozenset({"carrier", "producer"})
OVERSEERS = frozenset({"auditor", "supervisor"})
ADMIN: frozenset[str] = frozenset()
"""An admin may everything."""


@dataclass(frozen=True)
class Row:
    """`roles` may, and an admin. Of an operation on a thing: `owner` is the role whose account has it in
    `world.World`, unless all of that role share it; `gets` is what the owner is answered, where that is no 2xx."""

    roles: frozenset[str]
    owner: Role | None = None
    shared: bool = False
    gets: int | None = None

    @property
    def actor(self) -> Role:
        """Someone who may."""
        return self.owner or next((role for role in OFTEN if role in self.roles), "admin")


OFTEN: tuple[Role, ...] = ("producer", "platform", "carrier", "programme_officer", "supervisor")


def shared(roles: frozenset[str], owner: Role, gets: int | None = None) -> Row:
    """A thing that everyone of those roles may have: the office's programmes, say."""
    return Row(roles, owner, shared=True, gets=gets)


ENDING = {
    *("withdraw_consent", "withdraw_listing", "cancel_order", "close_programme", "release_shipment"),
    *("remove_listing_photo", "delete_webhook", "end_session", "revoke_client"),
}
"""What ends a thing that others still look at or change."""

PUBLIC = {
    *("send_code", "issue_token", "revoke_token", "read_keys", "find_produce", "find_places"),
    *("read_board", "read_board_summary", "read_board_item", "follow_board_item", "read_board_photo"),
    "read_freight",
}
"""What nobody needs a token for, named one by one."""

ROWS: dict[str, Row] = {
    **{
        each: Row(EVERYONE)
        for each in ("read_me", "change_me", "export_me", "erase_me", "list_sessions", "end_sessions")
    },
    "end_session": Row(EVERYONE, "citizen"),
    "create_client": Row(PARTNERS),
    "list_clients": Row(PARTNERS),
    "rotate_client": Row(PARTNERS, "platform"),
    "revoke_client": Row(PARTNERS, "platform"),
    # listings
    "give_consent": Row(frozenset({"producer"})),
    "list_consents": Row(frozenset({"producer", "agent"})),
    "withdraw_consent": Row(frozenset({"producer"}), "producer"),
    "publish_listing": Row(SELLERS),
    "import_listings": Row(SELLERS),
    "list_listings": Row(SELLERS),
    "read_listing": Row(SELLERS, "producer"),
    "change_listing": Row(SELLERS, "producer"),
    "withdraw_listing": Row(SELLERS, "producer"),
    "explain_listing": Row(SELLERS, "producer"),
    **{
        each: Row(SELLERS, "producer")
        for each in ("show_listing", "list_listing_photos", "read_listing_photo", "remove_listing_photo")
    },
    **{each: Row(frozenset({"supervisor"})) for each in ("read_backlog", "list_backlog_lots", "read_backlog_trend")},
    # orders, rounds, matches
    "place_order": Row(BUYERS),
    "import_orders": Row(BUYERS),
    "list_orders": Row(BUYERS),
    "read_order": Row(BUYERS, "platform"),
    "change_order": Row(BUYERS, "platform"),
    "cancel_order": Row(BUYERS, "platform"),
    "explain_order": Row(BUYERS, "platform"),
    "list_matches": Row(PARTIES),
    "read_match": Row(PARTIES, "platform"),
    "agree_to_match": Row(PARTIES, "platform"),
    "decline_match": Row(PARTIES, "producer"),
    "explain_match": Row(PARTIES, "platform"),
    "clear_markets": Row(ADMIN),
    "list_rounds": Row(OVERSEERS),
    "read_interval": Row(OVERSEERS),
    "set_interval": Row(ADMIN),
    "read_round": shared(OVERSEERS, "supervisor"),
    "read_policy": Row(EVERYONE),
    "list_prices": Row(EVERYONE),
    "read_feed": Row(PARTIES),
    "follow_feed": Row(PARTIES),
    "register_webhook": Row(BUYERS),
    "list_webhooks": Row(BUYERS),
    **{
        each: Row(BUYERS, "platform")
        for each in (
            *("read_webhook", "change_webhook", "delete_webhook", "list_deliveries"),
            *("redeliver_events", "rotate_secret", "ping_webhook", "read_delivery", "redeliver_event"),
        )
    },
    # logistics
    "register_vehicle": Row(CARRIER),
    "list_vehicles": Row(CARRIER),
    "read_vehicle": Row(CARRIER, "carrier"),
    "change_vehicle": Row(CARRIER, "carrier"),
    "read_shipment_feed": Row(MOVERS),
    "follow_shipment_feed": Row(MOVERS),
    "read_open_shipments_feed": Row(CARRIER),
    "follow_open_shipments_feed": Row(CARRIER),
    "list_shipments": Row(MOVERS),
    "read_shipment": Row(MOVERS, "carrier"),
    # every carrier has seen it open, so who comes too late is told so
    "claim_shipment": shared(CARRIER, "carrier"),
    "release_shipment": Row(CARRIER, "carrier", gets=409),  # it has failed by then
    "report_on_shipment": Row(CARRIER, "carrier"),
    "list_reports": Row(MOVERS, "carrier"),
    "list_photos": Row(MOVERS, "carrier"),
    "show_shipment": Row(CARRIER, "carrier"),
    "read_photo": Row(MOVERS, "carrier"),
    "ask_for_routes": Row(CARRIER),
    "list_routes": Row(CARRIER),
    "read_route": Row(CARRIER, "carrier"),
    "read_sheet": Row(CARRIER, "carrier"),
    "solve_vroom": Row(CARRIER),
    "register_parcels": Row(CARRIER),
    "scan_parcels": Row(CARRIER),
    "list_parcels": Row(CARRIER),
    "read_parcel": Row(OFFICE | CARRIER, "carrier"),
    # the office
    "open_programme": Row(OFFICER),
    "list_programmes": Row(OFFICE),
    "read_programme": shared(OFFICE, "programme_officer"),
    **{
        each: shared(OFFICER, "programme_officer")
        for each in ("change_rules", "top_up", "pause_programme", "close_programme")
    },
    "resume_programme": shared(OFFICER, "programme_officer", 409),  # it was never paused
    "list_approvals": shared(OFFICE, "programme_officer"),
    "read_approval": shared(OFFICE, "programme_officer"),
    "list_rules": shared(OFFICE, "programme_officer"),
    "list_all_approvals": Row(OFFICE),
    "decide_on_change": shared(OFFICER, "programme_officer", 403),  # the second officer is another
    **{
        each: shared(OFFICE, "programme_officer")
        for each in (
            *("list_transfers", "verify_programme", "export_ledger", "list_sealed_days", "read_balances"),
            "read_burn_down",
        )
    },
    "open_clawback": Row(OFFICER),
    "list_clawbacks": Row(OFFICE | PAYEES),
    "read_clawback": Row(OFFICE | PAYEES, "carrier"),
    "object_to_clawback": Row(PAYEES, "carrier"),
    "decide_on_clawback": shared(OFFICER, "programme_officer", 403),
    "record_repayment": shared(OFFICER, "programme_officer", 409),  # not while it is objected
    "list_flags": Row(OFFICE),
    "review_flag": shared(OFFICER, "programme_officer"),
    "freeze_settlement": Row(OFFICER),
    "reconcile_settlements": Row(OFFICE),
    "list_settlements": Row(OFFICE | PAYEES),
    "list_owed": Row(OFFICE),
    "read_settlement": Row(OFFICE | PAYEES, "carrier"),
    "pay_settlement": shared(OFFICER, "programme_officer", 403),  # who reviewed its flag does not pay
    "ask_for_correction": shared(OFFICER, "programme_officer"),
    "list_corrections": Row(OFFICE | PAYEES, "carrier"),
    "read_correction": Row(OFFICE | PAYEES, "carrier"),
    "decide_on_correction": shared(OFFICER, "programme_officer", 403),
}
