"""Files become rows as they were meant, whatever wrote them, and what can't be read says why and where."""

import csv
import json
from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from chassis import sheets
from chassis.fields import Kg, LongText
from chassis.problems import InvalidInput, Problem, UnsupportedMediaType
from chassis.sheets import CSV, NDJSON, Sheet, TooManyRows, encoding_of


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid")

    adcode: str
    lon: float | None = None


class Lot(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: LongText | None = None
    quantity_kg: Kg | None = None
    price: StrictInt | None = None
    divisible: StrictBool = True
    origin: Place | None = None


HEADINGS = {"名称": "name", "数量(公斤)": "quantity_kg", "可否拆分": "divisible", "产地": "origin.adcode"}
SHEET = Sheet(Lot, HEADINGS)
COLUMNS = "name (名称), quantity_kg (数量(公斤)), price, divisible (可否拆分), origin.adcode (产地), origin.lon"
NO_SUCH = f"There is no such column. There are: {COLUMNS}."


def read(content: bytes, content_type: str = CSV) -> list[Lot | Problem]:
    rows, _ = SHEET.open(BytesIO(content), content_type)
    return [SHEET.read(rows, row) for row in rows]


def names(content: bytes, content_type: str = CSV) -> list[str | None]:
    found = read(content, content_type)
    return [each.name if isinstance(each, Lot) else str(each.body("en")) for each in found]


def saved(rows: Sequence[Sequence[str]], **how: Any) -> str:
    text = StringIO(newline="")
    csv.writer(text, **how).writerows(rows)
    return text.getvalue()


def said(problem: object) -> list[tuple[str, str]]:
    """The pointers of a problem, and what it says there in English."""
    assert isinstance(problem, Problem)
    return [(each["pointer"], each["detail"]) for each in problem.body("en").get("errors", [])]


def refusal(content: bytes, content_type: str = CSV) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        read(content, content_type)
    return said(refused.value)


WRITERS = [{"quoting": csv.QUOTE_MINIMAL}, {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"}]
WITHOUT_NUL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
TEXTS = st.lists(WITHOUT_NUL, min_size=1, max_size=5)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@given(texts=TEXTS, how=st.sampled_from(WRITERS))
@example(texts=['=cmd|"/c calc"!A1', "a,b", 'say "x"', "two\r\nlines", "\u202eevil"], how=WRITERS[0])
def test_any_text_comes_back_from_a_spreadsheet(encoding: str, texts: list[str], how: Any) -> None:
    file = saved([["name", "price"], *([text, "1"] for text in texts)], **how)
    content_type = f"{CSV}; charset={encoding.removesuffix('-sig')}"
    assert names(file.encode(encoding), content_type) == [text or None for text in texts]


@given(texts=TEXTS)
def test_gb18030_is_known_by_what_it_is(texts: list[str]) -> None:
    """But for bytes that are sound UTF-8, too, such as those of a file whose only Chinese is 联通 spelt otherwise."""
    file = saved([["name", "price"], *([text, "1"] for text in texts)]).encode("gb18030")
    try:
        file.decode()
    except UnicodeDecodeError:
        assert names(file) == [text or None for text in texts]
    else:
        assume(file.isascii())
        assert encoding_of(BytesIO(file)) == "utf-8"


@given(texts=TEXTS)
def test_any_text_comes_back_from_json_lines(texts: list[str]) -> None:
    for ascii_only in (True, False):
        file = "\n".join(json.dumps({"name": text}, ensure_ascii=ascii_only) for text in texts)
        assert names(file.encode(), NDJSON) == texts


def test_cells_are_what_their_field_is() -> None:
    header = "name,quantity_kg,price,divisible,origin.adcode,origin.lon"
    file = f"{header}\n12,1.25,1600.00,是,321323,118.5\n,,,,,\n,3,,FALSE,,\n"
    first, *others = read(file.encode())
    assert first == Lot(
        name="12", quantity_kg=Decimal("1.25"), price=1600, divisible=True, origin=Place(adcode="321323", lon=118.5)
    )
    assert others == [Lot(), Lot(quantity_kg=Decimal(3), divisible=False)]


def test_chinese_headings_are_understood_in_any_order_and_width() -> None:
    file = "可否拆分,数量（公斤）,名称,产地\n否,12.5,红颜,321323\n".encode("gbk")
    assert read(file) == [Lot(name="红颜", quantity_kg=Decimal("12.5"), divisible=False, origin=Place(adcode="321323"))]


@pytest.mark.parametrize(
    ("cells", "pointer", "detail"),
    [
        ("x,1,,", "#/quantity_kg", "It must be a number."),
        ("1.2345,1,,", "#/quantity_kg", "Kilograms have at most 3 decimals."),
        ("1e3,1,,", "#/quantity_kg", "It must be a number."),
        ("1,1.5,,", "#/price", "It must be an integer."),
        ("1,1,maybe,", "#/divisible", "It must be true or false."),
        ("1,1,,x", "#/origin/adcode", "Field required."),
        ("1,1,,,y", "#/4", "There is no heading over this cell."),
    ],
)
def test_a_bad_cell_is_that_rows_problem_and_points_to_its_field(cells: str, pointer: str, detail: str) -> None:
    bad, good = read(f"quantity_kg,price,divisible,origin.lon\n{cells}\n5,,,\n".encode())
    assert (pointer, detail) in said(bad)
    assert good == Lot(quantity_kg=Decimal(5))


def test_a_nul_is_refused_where_it_stands() -> None:
    bad, good = read(b"name\na\0b\nab\n")
    assert said(bad) == [("#/name", "It may not hold the character U+0000.")]
    assert good == Lot(name="ab")
    (in_json,) = read(b'{"name": "a\\u0000b"}', NDJSON)
    assert said(in_json) == [("#/name", "It may not hold the character U+0000.")]


@pytest.mark.parametrize("line", [b"{", b"[1", b'{"price": NaN}', b'{"price": 1, "price": 2}', b"\xff", b"[" * 40])
def test_a_line_that_is_no_json_is_its_own_problem(line: bytes) -> None:
    bad, good = read(line + b'\n{"price": 1}\n', NDJSON)
    assert isinstance(bad, Problem)
    assert bad.slug == "malformed-json"
    assert good == Lot(price=1)


@pytest.mark.parametrize("line", [b"1", b"null", b'["x"]', b'"x"'])
def test_a_line_that_is_no_object_says_so(line: bytes) -> None:
    (bad,) = read(line, NDJSON)
    assert [pointer for pointer, _ in said(bad)] == ["#"]


def test_a_lone_surrogate_is_refused_and_not_kept() -> None:
    (bad,) = read(b'{"name": "\\ud800"}', NDJSON)
    assert [pointer for pointer, _ in said(bad)] == ["#/name"]


def test_a_row_tells_of_some_of_its_mistakes_and_not_of_a_million() -> None:
    (bad,) = read(json.dumps({f"x{number}": 1 for number in range(1000)}).encode(), NDJSON)
    assert len(said(bad)) == sheets.ERRORS_MAX


def test_a_line_beyond_what_a_request_may_have_is_its_own_problem() -> None:
    bad, good = read(json.dumps({"name": "x" * 300_000}).encode() + b'\n{"price": 1}', NDJSON)
    assert isinstance(bad, Problem)
    assert bad.slug == "too-large"
    assert good == Lot(price=1)


def test_blank_lines_and_a_bom_are_no_rows() -> None:
    assert read(b'\xef\xbb\xbf\n{"price": 1}\n\r\n {"price": 2}', NDJSON) == [Lot(price=1), Lot(price=2)]
    assert read(b"\xef\xbb\xbfprice\r\n\r\n1\r\n\r\n\r\n2") == [Lot(price=1), Lot(price=2)]


@pytest.mark.parametrize(
    ("content", "content_type", "begin"),
    [
        (b"price\n1\n2", CSV, [2, 3]),
        (b"\r\n\r\nprice\r\n\r\n1\r\n2\r\n", CSV, [5, 6]),
        (b'\xef\xbb\xbf"price",name\n1,"a\nb\r\n\n"\n\n2,c\n', CSV, [2, 7]),
        (b'"price","name"\r1,"a\rb"\r2,\r', CSV, [2, 4]),
        (b'{"price": 1}\n{"price": 2}', NDJSON, [1, 2]),
        (b'\xef\xbb\xbf\n \r\n{"price": 1}\n\n\n{"price": 2}\n', NDJSON, [3, 6]),
    ],
)
def test_a_row_begins_on_a_line_of_the_file(content: bytes, content_type: str, begin: list[int]) -> None:
    rows, length = SHEET.open(BytesIO(content), content_type)
    assert [row.line for row in rows] == begin
    assert length == len(begin)


@given(texts=TEXTS)
def test_the_line_of_a_row_is_the_one_behind_all_lines_before_it(texts: list[str]) -> None:
    records = [saved([row]) for row in [["name", "price"], *([text, "1"] for text in texts)]]
    rows, _ = SHEET.open(BytesIO("".join(records).encode()), f"{CSV}; charset=utf-8")
    before = ["".join(records[:place]) for place in range(1, len(records))]
    assert [row.line for row in rows] == [len(StringIO(text, newline="").readlines()) + 1 for text in before]


def test_columns_without_a_heading_at_the_edge_may_stay_empty() -> None:
    first, second = read(b"price,,\n1,,\n2,,x\n")
    assert first == Lot(price=1)
    assert said(second) == [("#/2", "There is no heading over this cell.")]


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        (b"", CSV, ("#", "There is no row in it.")),
        (b"price\r\n", CSV, ("#", "There is no row in it.")),
        (b"\xef\xbb\xbf", CSV, ("#", "There is no row in it.")),
        (b"", NDJSON, ("#", "There is no row in it.")),
        (b"\n \n", NDJSON, ("#", "There is no row in it.")),
        (b"price,colour\n1,red\n", CSV, ("#/colour", NO_SUCH)),
        (b"origin.x\n1\n", CSV, ("#/origin/x", NO_SUCH)),
        ("名称,name\na,b\n".encode(), CSV, ("#/name", "This column stands there twice.")),
        (b"\xff\xfep\x00r", CSV, ("#", sheets.NOT_TEXT.en)),
        (b"\xef\xbb\xbfname\n\xff\n", CSV, ("#", sheets.NOT_TEXT.en)),
        (
            "name\n红颜\n".encode("gb18030"),
            f"{CSV};charset=UTF-8",
            ("#", "The text is not in the charset that was declared, utf-8. Leave `charset` out and it is found out."),
        ),
    ],
)
def test_what_is_no_file_of_rows_is_refused_as_a_whole(
    content: bytes, content_type: str, expected: tuple[str, str]
) -> None:
    assert expected in refusal(content, content_type)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'name\n"never closed\nx\n', 2),
        (b'name\n"a"b\n', 2),
        (b'name\n"' + b"x" * 200_000 + b'"', 2),
    ],
)
def test_quotes_that_do_not_close_refuse_the_file_and_say_where(content: bytes, line: int) -> None:
    ((pointer, detail),) = refusal(content)
    assert pointer == "#"
    assert f"line {line} " in detail


def test_a_row_of_endless_cells_is_refused_before_it_is_in_memory() -> None:
    ((_, detail),) = refusal(b"name\n" + b"," * 300_000)
    assert "too long" in detail


def test_another_charset_is_no_media_type_that_we_take() -> None:
    with pytest.raises(UnsupportedMediaType):
        read(b"price\n1\n", f"{CSV}; charset=latin-1")


@pytest.mark.parametrize("content", [b"price\n" + b"1\n" * 4, b"price\n1\n" + b"\n" * 5])
def test_too_many_rows_or_blank_lines_are_refused(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sheets, "ROWS_MAX", 3)
    with pytest.raises(TooManyRows):
        read(content)
    assert len(read(b"price\n" + b"1\n" * 3)) == 3


class Depth(BaseModel):
    inner: Place
    note: str = Field("", description="x")


def test_fields_within_another_are_columns_with_a_dot() -> None:
    sheet = Sheet(Depth, {})
    rows, _ = sheet.open(BytesIO(b"note,inner.adcode\nx,1\n"), CSV)
    assert [sheet.read(rows, row) for row in rows] == [Depth(inner=Place(adcode="1"), note="x")]


@pytest.mark.parametrize("broken", [b'"never closed\nz\n', b'"a"b\nz\n', b'"' + b"x" * 300_000 + b'"\nz\n'])
def test_rows_before_a_broken_one_are_rows_and_it_says_from_where_on_nothing_could_be_read(broken: bytes) -> None:
    first, second, broke = read(b'name\nx\n"y\n"\n' + broken)
    assert [first, second] == [Lot(name="x"), Lot(name="y\n")]
    ((pointer, detail),) = said(broke)
    assert pointer == "#"
    assert detail.startswith("From line 5 on the file can't be read")


def test_a_row_that_a_quote_makes_of_several_says_from_where_to_where_it_goes() -> None:
    file = b'name,price\nw,0\n"x,1\ny,2\nz",3\n"p,4\nq",r\ns,5\n'
    rows, length = SHEET.open(BytesIO(file), CSV)
    assert [(row.line, row.last_line) for row in rows] == [(2, None), (3, 5), (6, 7), (8, None)]
    _, taken_in, refused, last = read(file)
    assert (taken_in, last, length) == (Lot(name="x,1\ny,2\nz", price=3), Lot(name="s", price=5), 4)
    assert said(refused)[-1] == (
        "#",
        "The row begins on line 6 and ends on line 7. If it should not, a quote is not closed, and the rows on the "
        "lines between were not imported for themselves.",
    )
    assert isinstance(refused, InvalidInput)
    assert refused.errors[-1].detail.zh == (
        "此行始于第 6 行，止于第 7 行。若本不如此，则有引号未成对，被并入的各行未另行导入。"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@given(texts=TEXTS)
def test_unicode_text_of_a_spreadsheet_is_read_by_its_mark_and_its_tabs(
    encoding: str, delimiter: str, texts: list[str]
) -> None:
    file = saved([["名称", "price"], *([text, "1"] for text in texts)], delimiter=delimiter)
    marked = file if encoding == "utf-16" else "\ufeff" + file
    assert names(marked.encode(encoding)) == [text or None for text in texts]


@pytest.mark.parametrize("content", [b'"price";"name"\n1;"a,b"\n', b"price\tname\n1\ta,b\n", b'price,name\n1,"a,b"\n'])
def test_what_parts_cells_is_known_by_the_headings(content: bytes) -> None:
    assert read(content) == [Lot(price=1, name="a,b")]


def test_one_column_has_nothing_that_parts_it() -> None:
    assert read(b"name\na;b\tc\n") == [Lot(name="a;b\tc")]


def test_a_column_that_every_row_needs_is_missed_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        Sheet(Depth, {"产地": "inner.adcode"}).open(BytesIO(b"note\nx\ny\n"), CSV)
    assert said(refused.value) == [
        ("#/inner/adcode", "Every row needs this column, and the file has none: inner.adcode (产地).")
    ]


def test_a_file_tells_what_it_calls_its_fields() -> None:
    rows, _ = SHEET.open(BytesIO("数量（公斤）, 产地 ,price,\n1,2,3,\n".encode()), CSV)
    assert rows.columns == {"#/quantity_kg": "数量（公斤）", "#/origin/adcode": "产地"}
    assert SHEET.open(BytesIO(b'{"price": 1}'), NDJSON).rows.columns == {}
