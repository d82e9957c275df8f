"""Reading the operator's gauges from what processes measure."""

from gateway.pages.operator.metrics import read_metrics

ONE = """# HELP duijie_outbox_age_seconds For how long
# TYPE duijie_outbox_age_seconds gauge
duijie_outbox_age_seconds{service="listing"} 1.5
duijie_outbox_age_seconds{service="matching"} 0.0
# TYPE duijie_http_seconds histogram
duijie_http_seconds_bucket{le="0.1",service="listing"} 12.0
# TYPE duijie_events_dead counter
duijie_events_dead_total{consumer="matching"} 2.0
duijie_events_dead_created{consumer="matching"} 1.7e+09
duijie_webhook_lag_seconds 3.0
"""
TWO = """duijie_outbox_age_seconds{service="listing"} 9.0
duijie_consumer_lag_records{consumer="listing",topic="a"} 5.0
duijie_consumer_lag_records{consumer="listing",topic="b"} 7.0
"""


def test_only_what_the_page_shows_is_read() -> None:
    names = {name for name, _ in read_metrics([ONE]).samples}
    assert names == {"duijie_outbox_age_seconds", "duijie_events_dead_total", "duijie_webhook_lag_seconds"}


def test_of_several_processes_and_topics_the_latest_counts() -> None:
    measured = read_metrics([ONE, TWO])
    assert measured.by("duijie_outbox_age_seconds", "service") == {"listing": 9.0, "matching": 0.0}
    assert measured.by("duijie_consumer_lag_records", "consumer") == {"listing": 7.0}


def test_what_nobody_measures_is_not_zero() -> None:
    assert read_metrics([TWO]).one("duijie_webhook_lag_seconds") is None
    assert read_metrics([""]).by("duijie_outbox_age_seconds", "service") == {}
