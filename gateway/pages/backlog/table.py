"""The table of the backlog as a file for a spreadsheet."""

import csv
import io
from collections.abc import Iterable

from gateway.pages.backlog.views import Row

MARK = "\ufeff"
"""Without it Excel takes UTF-8 for something else."""
COLUMNS = (
    "adcode",
    "area",
    "province",
    "watch_52",
    "produce",
    "name",
    "open_kg",
    "at_risk_kg",
    "hours_left_median",
    "listings",
    "forecast",
)


def as_csv(rows: Iterable[Row]) -> str:
    """A line a row under the names of the columns; kilograms with a point and without separators."""
    file = io.StringIO()
    lines = csv.writer(file)
    lines.writerow(COLUMNS)
    for row in rows:
        watched = int(row.watch_52)
        figures = (row.open_kg, row.at_risk_kg, row.hours_left, row.listings)
        lines.writerow((row.adcode, row.area, row.province, watched, row.produce, row.name, *figures, row.forecast))
    return MARK + file.getvalue()
