"""The table of the backlog as a file for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Mapping

from chassis.problems import Language, Text
from gateway.pages.backlog.views import Row

MARK = "\ufeff"
"""Without it Excel takes UTF-8 for something else."""
COLUMNS: Mapping[str, Text] = {
    "adcode": Text("区划代码", "adcode"),
    "area": Text("地区", "area"),
    "province": Text("省份", "province"),
    "watch_52": Text("督战县（1 为是）", "watch_52"),
    "produce": Text("农产品代号", "produce"),
    "name": Text("农产品", "name"),
    "open_kg": Text("待售（公斤）", "open_kg"),
    "at_risk_kg": Text("预计卖不完（公斤）", "at_risk_kg"),
    "hours_left_median": Text("剩余时间中位数（小时）", "hours_left_median"),
    "listings": Text("批次", "listings"),
    "forecast": Text("预测依据", "forecast"),
}
"""By the names that the API has for them, which are the headings in English."""


def as_csv(rows: Iterable[Row], language: Language) -> str:
    """A line a row under the names of the columns; kilograms with a point and without separators."""
    file = io.StringIO()
    lines = csv.writer(file)
    lines.writerow(heading.in_language(language) for heading in COLUMNS.values())
    for row in rows:
        watched = int(row.watch_52)
        figures = (row.open_kg, row.at_risk_kg, row.hours_left, row.listings)
        lines.writerow((row.adcode, row.area, row.province, watched, row.produce, row.name, *figures, row.forecast))
    return MARK + file.getvalue()
