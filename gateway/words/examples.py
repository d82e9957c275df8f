"""A body for every operation that takes one: short, and accepted as it stands, on any day, but for the ids in it."""

from typing import Any

SOME_ID = "01900000-0000-7000-8000-000000000000"

EXAMPLES: dict[str, Any] = {
    "send_code": {"phone": "13812345678"},
    "issue_token": {"grant_type": "otp", "phone": "13812345678", "code": "123456"},
    "revoke_token": {"token": "djr_AZAAAAAAcACAAAAAAAAAAQ…"},
    "change_me": {"name": "泗阳张家果园"},
    "erase_me": {"code": "123456"},
    "give_consent": {"agent_id": SOME_ID},
    "publish_listing": {
        "produce": "strawberry",
        "variety": "红颜",
        "grade": "A",
        "quantity_kg": 1200,
        "min_price_fen_per_kg": 1600,
        "origin": {"adcode": "321323", "lon": 118.69, "lat": 33.72},
    },
    "show_listing": {"photo": "strawberries.jpg"},
    "change_listing": {"quantity_kg": 900, "min_price_fen_per_kg": 1500},
    "place_order": {
        "produce": "strawberry",
        "min_grade": "B",
        "quantity_kg": 500,
        "max_price_fen_per_kg": 2600,
        "destination": {"adcode": "320102"},
        "reference": "PO-1",
    },
    "change_order": {"max_price_fen_per_kg": 2800},
    "decline_match": {"reason": "改由本地收购"},
    "clear_markets": {"produce": "strawberry"},
    "set_interval": {"seconds": 1},
    "register_webhook": {"url": "https://partner.example/duijie", "types": ["match.agreed", "match.released"]},
    "change_webhook": {"enabled": True},
    "redeliver_events": {"after_seq": 0},
    "register_vehicle": {
        "name": "苏N12345",
        "capacity_kg": 3000,
        "temperature_classes": ["ambient", "chilled"],
        "depot": {"lon": 118.69, "lat": 33.72},
        "shift": {"start": "06:00", "end": "18:00"},
        "cost_fen_per_km": 250,
    },
    "change_vehicle": {"retired": True},
    "show_shipment": {"photo": "strawberries.jpg"},
    "report_on_shipment": {"type": "picked_up", "at": "2026-11-23T02:00:00Z", "weight_kg": 1198.5},
    "ask_for_routes": {"adcode": "321323", "vehicle_ids": [SOME_ID], "limit_s": 10},
    "solve_vroom": {
        "vehicles": [{"id": 1, "start": [118.69, 33.72], "end": [118.69, 33.72], "capacity": [3000]}],
        "jobs": [{"id": 1, "location": [118.79, 32.05], "delivery": [1200], "service": 900}],
        "shipments": [
            {
                "amount": [800],
                "pickup": {"id": 1, "location": [119.02, 33.61], "time_windows": [[0, 14400]]},
                "delivery": {"id": 2, "location": [118.79, 32.05]},
            }
        ],
    },
    "register_parcels": [
        {
            "waybill": "SF1234567890",
            "match_id": SOME_ID,
            "weight_g": 2500,
            "recipient_adcode": "320102",
            "order_ref": "PO-1-0001",
        }
    ],
    "scan_parcels": [{"waybill": "SF1234567890", "type": "accepted", "at": "2026-11-23T04:00:00Z", "adcode": "321323"}],
    "open_programme": {
        "name": "泗阳快递补贴",
        "funder": "泗阳县商务局",
        "kind": "courier_parcel",
        "budget_fen": 10000000,
        "rate_fen": 100,
        "starts_at": "2026-12-01T00:00:00Z",
        "ends_at": "2027-12-01T00:00:00Z",
        "eligibility": {"adcodes": ["3213"]},
        "caps": {"per_carrier_per_day": 5000},
    },
    "change_rules": {"rate_fen": 150, "effective_at": "2027-01-01T00:00:00Z"},
    "top_up": {"amount_fen": 5000000},
    "pause_programme": {"note": "核查中"},
    "resume_programme": {"note": "核查完毕"},
    "close_programme": {"note": "任务完成"},
    "freeze_settlement": {
        "programme_id": SOME_ID,
        "carrier_id": SOME_ID,
        "from": "2026-12-01",
        "to": "2026-12-31",
    },
    "reconcile_settlements": "reference,amount_fen\n20270105-0001,1200000\n",
    "review_flag": {"verdict": "clear", "note": "整车直送，已核对"},
    "open_clawback": {
        "programme_id": SOME_ID,
        "waybills": ["SF1234567890"],
        "cause": "not_delivered",
        "evidence": "收件人来信说没有收到；承运商的签收照片不是收件地址。",
    },
    "object_to_clawback": {"text": "签收照片附后。"},
    "decide_on_clawback": {"decision": "uphold", "note": "照片与地址不符"},
    "record_repayment": {"amount_fen": 200, "reference": "20270110-0007"},
    "pay_settlement": {"reference": "20270105-0001"},
    "decide_on_change": {"decision": "approve"},
    "ask_for_correction": {"waybills": ["SF1234567890"], "reason": "疑点属实：同一收件人重复寄送"},
    "decide_on_correction": {"decision": "approve"},
}

FILES: dict[str, dict[str, str]] = {
    "import_listings": {
        "text/csv": "produce,grade,quantity_kg,min_price_fen_per_kg,origin.adcode\nstrawberry,A,1200,1600,321323\n",
        "application/x-ndjson": '{"produce": "strawberry", "quantity_kg": 1200, "min_price_fen_per_kg": 1600, '
        '"origin": {"adcode": "321323"}}\n',
    },
    "import_orders": {
        "text/csv": "produce,quantity_kg,max_price_fen_per_kg,destination.adcode\nstrawberry,500,2600,320102\n",
        "application/x-ndjson": '{"produce": "strawberry", "quantity_kg": 500, "max_price_fen_per_kg": 2600, '
        '"destination": {"adcode": "320102"}}\n',
    },
}
"""By the media type, for operations that take files."""
