"""Files of rows, as a spreadsheet saves them or a program writes them: CSV or NDJSON in, one schema's objects out.

A row that can't be read is a problem in its place, with pointers to its fields; a file that can't be cut into rows is
refused as a whole. Nothing here holds more than some rows of a file.
"""

import codecs
import csv
import re
import unicodedata
from collections.abc import Generator, Iterator, Mapping, Sequence
from decimal import Decimal
from email.message import Message
from io import TextIOWrapper
from typing import IO, Any, Final, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from chassis.problems import FieldError, InvalidInput, Problem, Text, TooLarge, UnsupportedMediaType, invalid_input
from chassis.routes import BODY_LIMIT_B, parse_strictly

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
ROWS_MAX: Final = 50_000
ERRORS_MAX: Final = 20
"""Of one row: more help nobody, and a file could hold a million."""
CHUNK_B: Final = 1 << 16

ENCODINGS: Final = ("utf-8", "gb18030")
"""In the order in which they are tried: Chinese text in GB18030 is hardly ever sound UTF-8."""
CHARSETS: Final[Mapping[str, str]] = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}
BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False, "是": True, "否": False}
NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?")
"""As JSON writes them; anything else is left as it is, for the schema to refuse."""

EMPTY: Final = Text("文件中没有数据行。", "There is no row in it.")
NOT_TEXT: Final = Text("文件须为 UTF-8 或 GB18030 编码。", "The text is neither UTF-8 nor GB18030.")
NO_COLUMN: Final = Text("没有这一列。可用的列名：{known}。", "There is no such column. There are: {known}.")
TWICE: Final = Text("此列出现两次。", "This column stands there twice.")
NO_HEADING: Final = Text("此单元格没有列名。", "There is no heading over this cell.")

Kind = Literal["text", "integer", "number", "boolean"]
Model = TypeVar("Model", bound=BaseModel)


class TooManyRows(Problem):
    slug, status = "too-many-rows", 413
    title = Text("行数过多", "Too many rows")
    detail = Text(
        f"一个文件至多 {ROWS_MAX:,} 行，请分成几个文件。没有任何内容被更改。",
        f"A file has at most {ROWS_MAX:,} rows; send it in several. Nothing was changed.",
    )


class Rows(Protocol):
    """A file that can be cut into rows."""

    def __iter__(self) -> Generator[Any]:
        """Its rows as they stand there, from the first on, without those that are blank."""

    def value(self, row: Any) -> Any:
        """What the row says. Raises Problem."""


class Sheet(Generic[Model]):
    """What the rows of a file are: objects of a schema. `headings`: what its fields are called in a spreadsheet."""

    def __init__(self, schema: type[Model], headings: Mapping[str, str]) -> None:
        self._schema = schema
        self._kinds = _kinds(schema)
        self._headings = headings

    def open(self, file: IO[bytes], content_type: str) -> Rows:
        """The file's rows, all of which can be read through. Raises what refuses the file as a whole."""
        rows = self._opened(file, content_type)
        count = 0
        for count, _ in enumerate(rows, 1):
            if count > ROWS_MAX:
                raise TooManyRows()
        if count == 0:
            raise _refused(EMPTY)
        return rows

    def read(self, rows: Rows, row: Any) -> Model | Problem:
        """The object in this row, or what speaks against it."""
        try:
            return self._schema.model_validate(rows.value(row))
        except ValidationError as error:
            return invalid_input(error, ERRORS_MAX)
        except Problem as problem:
            return problem

    def _opened(self, file: IO[bytes], content_type: str) -> Rows:
        kind, charset = _media_type(content_type)
        if kind == NDJSON:
            return _Lines(file)
        if charset is not None and charset not in CHARSETS:
            raise UnsupportedMediaType(expected=f"{CSV}; charset={'|'.join(ENCODINGS)}", received=content_type)
        return _Cells(file, CHARSETS[charset] if charset else encoding_of(file), self._kinds, self._headings)


def encoding_of(file: IO[bytes]) -> str:
    """How the text is written. Raises InvalidInput when in none of the ways that we know."""
    file.seek(0)
    if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
        return "utf-8-sig"
    for encoding in ENCODINGS:
        if _is_written_in(encoding, file):
            return encoding
    raise _refused(NOT_TEXT)


def _is_written_in(encoding: str, file: IO[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while chunk := file.read(CHUNK_B):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


class _Lines:
    """NDJSON: an object a line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __iter__(self) -> Generator[bytes]:
        self._file.seek(len(codecs.BOM_UTF8) if self._has_bom() else 0)
        blank = 0
        for line in iter(self._file.readline, b""):
            if stripped := line.strip(b" \t\r\n"):
                yield stripped
            elif (blank := blank + 1) > ROWS_MAX:
                raise TooManyRows()

    def value(self, row: bytes) -> Any:
        if len(row) > BODY_LIMIT_B:
            raise TooLarge()
        return parse_strictly(row)

    def _has_bom(self) -> bool:
        self._file.seek(0)
        return self._file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8


class _Cells:
    """CSV: the first row names the fields, `origin.adcode` one within another; an empty cell leaves its field out."""

    def __init__(self, file: IO[bytes], encoding: str, kinds: Mapping[str, Kind], headings: Mapping[str, str]) -> None:
        self._file = file
        self._encoding = encoding
        self._columns = _columns(next(self._records(), []), kinds, headings)

    def __iter__(self) -> Generator[list[str]]:
        records = self._records()
        next(records, None)
        return records

    def value(self, row: list[str]) -> Any:
        if any(row[len(self._columns) :]):
            raise InvalidInput(errors=[FieldError(f"#/{len(self._columns)}", NO_HEADING)])
        found: dict[str, Any] = {}
        for place, (column, cell) in enumerate(zip(self._columns, row, strict=False)):
            if not cell:
                continue
            if column is None:
                raise InvalidInput(errors=[FieldError(f"#/{place}", NO_HEADING)])
            *outer, name = column.path
            inside = found
            for each in outer:
                inside = inside.setdefault(each, {})
            inside[name] = _value(cell, column.kind)
        return found

    def _records(self) -> Generator[list[str]]:
        self._file.seek(0)
        text = TextIOWrapper(self._file, self._encoding, newline="")
        lines = _BoundedLines(text)
        reader = csv.reader(lines, strict=True)
        blank = 0
        try:
            for record in reader:
                lines.row_ended()
                if record:
                    yield record
                elif (blank := blank + 1) > ROWS_MAX:
                    raise TooManyRows()
        except UnicodeDecodeError as error:
            raise _refused(NOT_TEXT) from error
        except csv.Error as error:
            raise _refused(_no_csv(reader.line_num)) from error
        finally:
            text.detach()  # else it would close the file


class _BoundedLines:
    """Lines for the csv module, which would read a row of any length into memory."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self._room = BODY_LIMIT_B

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(self._room + 1):
            self._room -= len(line)
            if self._room < 0:
                raise csv.Error("row too long")
            yield line

    def row_ended(self) -> None:
        self._room = BODY_LIMIT_B


class _Column:
    """A field, by its path into the object, and what its cells hold."""

    __slots__ = ("kind", "path")

    def __init__(self, name: str, kind: Kind) -> None:
        self.path = name.split(".")
        self.kind = kind


def _columns(headings: Sequence[str], kinds: Mapping[str, Kind], known: Mapping[str, str]) -> list[_Column | None]:
    """What each column holds; None for one without a heading, which spreadsheets leave at the right edge."""
    # spreadsheets write brackets in either width
    plain = [unicodedata.normalize("NFKC", heading).strip() for heading in headings]
    names = [known.get(heading, heading) for heading in plain]
    there = Text(NO_COLUMN.zh.format(known="、".join(known)), NO_COLUMN.en.format(known=", ".join(kinds)))
    errors = [FieldError(_pointer(name), there) for name in names if name and name not in kinds]
    errors += [FieldError(_pointer(name), TWICE) for name in dict.fromkeys(names) if name and names.count(name) > 1]
    if errors:
        raise InvalidInput(errors=errors[:ERRORS_MAX])
    return [_Column(name, kinds[name]) if name else None for name in names]


def _value(cell: str, kind: Kind) -> Any:
    if kind == "boolean":
        return BOOLEANS.get(cell.strip().lower(), cell)
    if kind == "text" or not NUMBER.fullmatch(cell.strip()):
        return cell
    number = Decimal(cell.strip())
    return int(number) if number == int(number) else number


def _kinds(schema: type[BaseModel]) -> dict[str, Kind]:
    """The columns that files of this schema may have."""
    whole = schema.model_json_schema()
    return dict(_members(whole, whole.get("$defs", {}), ""))


def _members(told: Mapping[str, Any], defined: Mapping[str, Any], before: str) -> Iterator[tuple[str, Kind]]:
    for name, member in told["properties"].items():
        options = [_resolved(each, defined) for each in member.get("anyOf", [member])]
        shown = next(each for each in options if each.get("type") != "null")
        if "properties" in shown:
            yield from _members(shown, defined, f"{before}{name}.")
        else:
            kind = shown.get("type")
            yield f"{before}{name}", kind if kind in {"integer", "number", "boolean"} else "text"


def _resolved(told: Mapping[str, Any], defined: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = told.get("$ref")
    return defined[reference.rpartition("/")[2]] if reference else told


def _media_type(content_type: str) -> tuple[str, str | None]:
    message = Message()
    message["content-type"] = content_type
    charset = message.get_param("charset")
    return message.get_content_type(), charset.lower() if isinstance(charset, str) else None


def _pointer(name: str) -> str:
    return "#/" + name.replace("~", "~0").replace("/", "~1").replace(".", "/")


def _refused(why: Text) -> InvalidInput:
    return InvalidInput(errors=[FieldError("#", why)])


def _no_csv(line: int) -> Text:
    return Text(
        f"第 {line} 行的引号不成对，或一行过长。",
        f"At line {line} a quote is not closed or stands where none may, or a row is too long.",
    )
