"""Which form of a thing a caller wants."""

import pytest

from chassis.accepts import wanted

JSON, CSV, TABLE = FORMS = ("application/json", "text/csv", "application/vnd.ms-excel")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/html", JSON),
        ("text/csv", CSV),
        ("TEXT/CSV ; q=0.5", CSV),
        ("text/*", CSV),
        ("application/*", JSON),
        ("application/json, text/csv", CSV),
        ("text/csv, application/json", CSV),
        ("application/json, text/csv;q=0.9", JSON),
        ("text/csv;q=0", JSON),
        ("*/*, text/csv;q=0.1", JSON),
        ("text/csv;q=0.3, application/vnd.ms-excel;q=0.4", TABLE),
        ("text/csv;q=x", JSON),
        ("text/html, */*;q=0.8", JSON),
        (",;,", JSON),
    ],
)
def test_the_form_with_the_greatest_weight_is_given(accept: str, form: str) -> None:
    assert wanted(accept, FORMS) == form
