"""What the rounds came to, what waits for a yes, and how webhooks fare, for Prometheus.

No label names a market: there are hundreds."""

from prometheus_client import Counter, Gauge, Histogram

ROUNDS = Counter("duijie_rounds", "Markets cleared, by what became of it", ["outcome"])
ROUND_SECONDS = Histogram("duijie_round_seconds", "Time of a round, from its snapshot to its commit")
ROUND_GAP = Gauge("duijie_round_gap", "Certified gap of the last round: 0 is a proven optimum")
ROUND_VALUE_FEN = Counter("duijie_round_value_fen", "Value of the plans")
ROUND_MATCHES = Counter("duijie_round_matches", "Matches made by rounds")
ROUND_SKIPPED = Counter("duijie_round_matches_skipped", "Matches that no longer fitted when they were written")

HOLDS_WAITING = Gauge("duijie_holds_waiting", "Proposed matches that wait for a yes")
HOLDS_LAPSED = Counter("duijie_holds_lapsed", "Proposed matches that had none in time")

WEBHOOK_ATTEMPTS = Counter("duijie_webhook_attempts", "Tries to deliver, by what became of them", ["outcome"])
WEBHOOK_LAG_S = Gauge("duijie_webhook_lag_seconds", "For how long the oldest event has waited to be delivered")
WEBHOOKS_DISABLED = Counter("duijie_webhooks_disabled", "Webhooks disabled, by reason", ["reason"])
