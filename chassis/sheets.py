"""Files of rows, as a spreadsheet saves them or a program writes them: CSV or NDJSON in, one schema's objects out.

A row that can't be read is a problem in its place, with pointers to its fields; a file that can't be cut into rows is
refused as a whole. Nothing here holds more than some rows of a file.
"""

import codecs
import csv
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from email.message import Message
from io import TextIOWrapper
from typing import IO, Any, Final, Generic, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from chassis.columns import ERRORS_MAX, Fields, Kind, kinds_of, pointer_of, required_of
from chassis.problems import FieldError, InvalidInput, MalformedJson, Problem, Text, TooLarge, UnsupportedMediaType
from chassis.routes import BODY_LIMIT_B
from chassis.strict_json import parse_strictly
from chassis.validation import invalid_input

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
ROWS_MAX: Final = 50_000
CHUNK_B: Final = 1 << 16

BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
ENCODINGS: Final = ("utf-8", "gb18030")
"""In the order in which they are tried: Chinese text in GB18030 is hardly ever sound UTF-8."""
CHARSETS: Final[Mapping[str, str]] = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "utf-16": "utf-16",
}
DELIMITERS: Final = (",", ";", "\t")
"""Those that spreadsheets write, the usual one first: "Unicode text" has tabs, and where a comma parts decimals, a
semicolon parts cells."""
BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False, "是": True, "否": False}
NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?")
"""As JSON writes them; anything else is left as it is, for the schema to refuse."""

EMPTY: Final = Text("文件中没有数据行。", "There is no row in it.")
NOT_TEXT: Final = Text(
    "文件须为 UTF-8、GB18030 或带 BOM 的 UTF-16 编码；请另存为 CSV UTF-8。",
    "The text is neither UTF-8 nor GB18030, nor UTF-16 with its mark; save it as CSV UTF-8.",
)
NOT_AS_DECLARED: Final = Text(
    "文件不是所声明的编码（charset={charset}）。去掉 charset 即可自动识别。",
    "The text is not in the charset that was declared, {charset}. Leave `charset` out and it is found out.",
)
BROKEN: Final = Text(
    "自第 {line} 行起无法解读：引号不成对，或一行过长。此前各行如其所示；自该行起都没有导入，请更正后用新的键导入。",
    "From line {line} on the file can't be read: a quote is not closed or stands where none may, or a row is too long. "
    "Rows before it are as they are told; none from there on was taken: mend them and import them under a new key.",
)
GOES_ON: Final = Text(
    "此行始于第 {line} 行，止于第 {last_line} 行。若本不如此，则有引号未成对，被并入的各行未另行导入。",
    "The row begins on line {line} and ends on line {last_line}. If it should not, a quote is not closed, and the rows "
    "on the lines between were not imported for themselves.",
)
NO_HEADING: Final = Text("此单元格没有列名。", "There is no heading over this cell.")

Model = TypeVar("Model", bound=BaseModel)


class TooManyRows(Problem):
    slug, status = "too-many-rows", 413
    title = Text("行数过多", "Too many rows")
    detail = Text(
        f"一个文件至多 {ROWS_MAX:,} 行，请分成几个文件。没有任何内容被更改。",
        f"A file has at most {ROWS_MAX:,} rows; send it in several. Nothing was changed.",
    )


class MalformedRow(MalformedJson):
    """The same of one row."""

    detail = Text(
        "此行不是有效的 UTF-8 JSON，同一对象中有重复的名称，含有 NaN，或嵌套超过 32 层。此行没有导入。",
        "The row is not valid UTF-8 JSON, has a name twice in one object, holds NaN, or is nested deeper than 32. "
        "It was not taken.",
    )


class RowTooLarge(TooLarge):
    """The same of one row."""

    detail = Text("此行超过 256 KiB，没有导入。", "The row is over 256 KiB. It was not taken.")


class Row(NamedTuple):
    """A row as it stands in its file, beginning on that line: all count, from 1, blank ones and the heading's, too.

    `last_line`: where it ends, of one that goes over several.
    """

    line: int
    content: Any
    last_line: int | None = None


class BrokenOff(NamedTuple):
    """In place of a row: here the file can't be cut into rows any more."""

    line: int


class Rows(Protocol):
    """A file that can be cut into rows."""

    @property
    def columns(self) -> Mapping[str, str]:
        """What the file calls its fields, by their pointers, where it calls them otherwise than we do."""

    def __iter__(self) -> Generator[Row]:
        """Its rows, from the first on, without those that are blank."""

    def value(self, content: Any) -> Any:
        """What a row of this content says. Raises Problem."""


class File(NamedTuple):
    """A file all of whose rows can be read through."""

    rows: Rows
    length: int


class Sheet(Generic[Model]):
    """What the rows of a file are: objects of a schema. `headings`: what its fields are called in a spreadsheet."""

    def __init__(self, schema: type[Model], headings: Mapping[str, str]) -> None:
        self._schema = schema
        self._fields = Fields(kinds_of(schema), required_of(schema), headings)

    def open(self, file: IO[bytes], content_type: str) -> File:
        """The file, looked through. Raises what refuses it as a whole."""
        rows = self._opened(file, content_type)
        count = 0
        for count, _ in enumerate(rows, 1):
            if count > ROWS_MAX:
                raise TooManyRows()
        if count == 0:
            raise _refused(EMPTY)
        return File(rows, count)

    def read(self, rows: Rows, row: Row) -> Model | Problem:
        """The object in this row, or what speaks against it."""
        if isinstance(row.content, BrokenOff):
            return _refused(Text(*(each.format(line=row.line) for each in BROKEN)))
        try:
            return self._schema.model_validate(rows.value(row.content))
        except ValidationError as error:
            return _with_its_end(row, invalid_input(error, ERRORS_MAX))
        except Problem as problem:
            return _with_its_end(row, problem)

    def _opened(self, file: IO[bytes], content_type: str) -> Rows:
        kind, charset = _media_type(content_type)
        if kind == NDJSON:
            return _Lines(file)
        if charset is not None and charset not in CHARSETS:
            raise UnsupportedMediaType(expected=f"{CSV}; charset={'|'.join(ENCODINGS)}", received=content_type)
        if charset is None:
            return _Cells(file, encoding_of(file), self._fields)
        if not _is_written_in(CHARSETS[charset], file):
            raise _refused(Text(*(each.format(charset=charset) for each in NOT_AS_DECLARED)))
        return _Cells(file, CHARSETS[charset], self._fields)


def encoding_of(file: IO[bytes]) -> str:
    """How the text is written. Raises InvalidInput when in none of the ways that we know."""
    file.seek(0)
    begins = file.read(len(codecs.BOM_UTF8))
    marked = next((encoding for bom, encoding in BOMS if begins.startswith(bom)), None)
    for encoding in [marked] if marked else ENCODINGS:
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


NO_ROW: Final = Row(0, [])


class _Lines:
    """NDJSON: an object a line."""

    columns: Mapping[str, str] = {}

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __iter__(self) -> Generator[Row]:
        self._file.seek(len(codecs.BOM_UTF8) if self._has_bom() else 0)
        blank = 0
        for number, line in enumerate(iter(self._file.readline, b""), 1):
            if stripped := line.strip(b" \t\r\n"):
                yield Row(number, stripped)
            elif (blank := blank + 1) > ROWS_MAX:
                raise TooManyRows()

    def value(self, content: bytes) -> Any:
        if len(content) > BODY_LIMIT_B:
            raise RowTooLarge()
        try:
            return parse_strictly(content)
        except MalformedJson as malformed:
            raise MalformedRow(errors=malformed.errors) from malformed

    def _has_bom(self) -> bool:
        self._file.seek(0)
        return self._file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8


class _Cells:
    """CSV: the first row names the fields, `origin.adcode` one within another; an empty cell leaves its field out."""

    def __init__(self, file: IO[bytes], encoding: str, fields: Fields) -> None:
        self._file = file
        self._encoding = encoding
        headings = {each: self._heading(each) for each in DELIMITERS}
        # of equals the usual one
        self._delimiter = max(DELIMITERS, key=lambda each: fields.known_in(headings[each]))
        heading = headings[self._delimiter]
        if isinstance(heading, InvalidInput):
            raise heading
        self._columns = fields.columns(heading)
        paths = ["" if column is None else ".".join(column.path) for column in self._columns]
        said = {path: each.strip() for path, each in zip(paths, heading, strict=True) if path}
        self.columns = {pointer_of(path): each for path, each in said.items() if each != path}

    def __iter__(self) -> Generator[Row]:
        records = self._records()
        next(records, None)
        return records

    def value(self, content: list[str]) -> Any:
        if any(content[len(self._columns) :]):
            raise InvalidInput(errors=[FieldError(f"#/{len(self._columns)}", NO_HEADING)])
        found: dict[str, Any] = {}
        for place, (column, cell) in enumerate(zip(self._columns, content, strict=False)):
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

    def _heading(self, delimiter: str) -> list[str] | InvalidInput:
        """What the first row is by this delimiter, or why it is none."""
        self._delimiter = delimiter
        with closing(self._records()) as records:
            try:
                first: list[str] = next(records, NO_ROW).content
            except InvalidInput as refused:
                return refused
        return first

    def _records(self) -> Generator[Row]:
        """Those before the first that is broken, which then stands for itself and all behind it."""
        self._file.seek(0)
        text = TextIOWrapper(self._file, self._encoding, newline="")
        lines = _BoundedLines(text)
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        blank, begins_at, rows = 0, 1, 0
        try:
            for record in reader:
                lines.row_ended()
                if record:
                    rows += 1
                    yield Row(begins_at, record, reader.line_num if reader.line_num > begins_at else None)
                elif (blank := blank + 1) > ROWS_MAX:
                    raise TooManyRows()
                begins_at = reader.line_num + 1
        except UnicodeDecodeError as error:
            raise _refused(NOT_TEXT) from error
        except csv.Error as error:
            if rows < 2:  # the heading, and nothing that could be kept
                raise _refused(_no_csv(begins_at)) from error
            yield Row(begins_at, BrokenOff(begins_at))
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


def _value(cell: str, kind: Kind) -> Any:
    if kind == "boolean":
        return BOOLEANS.get(cell.strip().lower(), cell)
    if kind == "text" or not NUMBER.fullmatch(cell.strip()):
        return cell
    number = Decimal(cell.strip())
    return int(number) if number == int(number) else number


def _media_type(content_type: str) -> tuple[str, str | None]:
    message = Message()
    message["content-type"] = content_type
    charset = message.get_param("charset")
    return message.get_content_type(), charset.lower() if isinstance(charset, str) else None


def _with_its_end(row: Row, problem: Problem) -> Problem:
    """What is wrong with a row may be that it is several."""
    if row.last_line is not None:
        said = Text(*(each.format(line=row.line, last_line=row.last_line) for each in GOES_ON))
        problem.errors = [*problem.errors, FieldError("#", said)]
    return problem


def _refused(why: Text) -> InvalidInput:
    return InvalidInput(errors=[FieldError("#", why)])


def _no_csv(line: int) -> Text:
    return Text(
        f"第 {line} 行的引号不成对，或一行过长。",
        f"At line {line} a quote is not closed or stands where none may, or a row is too long.",
    )
