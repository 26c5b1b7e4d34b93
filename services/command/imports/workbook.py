"""Reading xlsx: a sheet becomes CSV, row by row, and nothing else of the file is looked at.

By hand, with what Python brings along, because a workbook comes from strangers: sizes are looked at
before anything is unpacked, XML with a document type is refused, and only a piece of the sheet is
in memory at a time.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import IO
from xml.parsers import expat

from services.command.imports.reading import COLUMNS_MAX

MAGIC = b"PK\x03\x04"
UNPACKED_MAX = 512 << 20
RATIO_MAX = 50
RATIO_FROM = 64 << 20
"""Above this size what unpacks to more than fifty times its own is a bomb, not a workbook."""

MEMBERS_MAX = 5_000
STRINGS_CHARS_MAX = 64 << 20
CELL_CHARS_MAX = 32_767
ROWS_MAX = 1_048_576
_CHUNK = 1 << 16
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Number formats that are dates and times without being spelled out in the file."""

_FORMAT_TEXT = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


class BadWorkbook(ValueError):
    """It is no workbook, or not one that is taken; the text says why, in a sentence."""


def as_csv(file: IO[bytes], sheet: str | None = None) -> Iterator[bytes]:
    """Yield a sheet, the first when none is named, as CSV in UTF-8 with commas; raise BadWorkbook.

    Numbers are written in full, dates as ISO 8601, errors as nothing.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _require_sizes(archive)
            yield from _sheet_as_csv(archive, sheet)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise BadWorkbook("The file is no xlsx workbook, or it is damaged.") from error
    except expat.ExpatError as error:
        raise BadWorkbook("The workbook holds XML that cannot be read.") from error


def _require_sizes(archive: zipfile.ZipFile) -> None:
    """Refuse what would be too large unpacked. No more than is declared is ever unpacked."""
    members = archive.infolist()
    unpacked = sum(one.file_size for one in members)
    packed = sum(one.compress_size for one in members)
    if len(members) > MEMBERS_MAX or unpacked > UNPACKED_MAX:
        raise BadWorkbook(f"Unpacked the workbook has more than {UNPACKED_MAX >> 20} MiB.")
    if unpacked > RATIO_FROM and unpacked > RATIO_MAX * packed:
        text = f"The workbook unpacks to more than {RATIO_MAX} times its size; save it as CSV."
        raise BadWorkbook(text)


def _sheet_as_csv(archive: zipfile.ZipFile, sheet: str | None) -> Iterator[bytes]:
    names = frozenset(archive.namelist())
    if "xl/workbook.xml" not in names:
        raise BadWorkbook("The file is a ZIP archive, not an xlsx workbook; send the file itself.")
    book = _Book()
    _parse(archive, "xl/workbook.xml", book)
    place = _place_of(archive, book, sheet)
    if place not in names:
        raise BadWorkbook("The workbook lacks the sheet that it names.")
    strings = _Strings()
    if "xl/sharedStrings.xml" in names:
        _parse(archive, "xl/sharedStrings.xml", strings)
    styles = _Styles()
    if "xl/styles.xml" in names:
        _parse(archive, "xl/styles.xml", styles)
    rows = _Sheet(strings.found, styles.dates(), since_1904=book.since_1904)
    for _ in _pieces(archive, place, rows):
        yield _lines(rows)
    yield _lines(rows)


def _lines(rows: "_Sheet") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows.done)
    rows.done.clear()
    return text.getvalue().encode("utf-8", "replace")


def _place_of(archive: zipfile.ZipFile, book: "_Book", sheet: str | None) -> str:
    """Return where the sheet is in the archive."""
    if not book.sheets:
        raise BadWorkbook("The workbook has no sheet.")
    wanted = book.sheets[0] if sheet is None else next(
        (one for one in book.sheets if one[0].casefold() == sheet.strip().casefold()), None
    )  # fmt: skip
    if wanted is None:
        known = ", ".join(name for name, _ in book.sheets[:20])
        raise BadWorkbook(f"The workbook has no sheet {sheet}; it has: {known}.")
    links = _Links()
    if "xl/_rels/workbook.xml.rels" in archive.namelist():
        _parse(archive, "xl/_rels/workbook.xml.rels", links)
    target = links.found.get(wanted[1], "worksheets/sheet1.xml")
    return target.removeprefix("/") if target.startswith("/") else "xl/" + target


class _Reader:
    """What is told of an XML document while it is parsed; names come without their prefix."""

    def begin(self, name: str, given: dict[str, str]) -> None:
        """Hear that an element begins."""

    def finish(self, name: str) -> None:
        """Hear that an element ends."""

    def text(self, found: str) -> None:
        """Hear text."""


def _parse(archive: zipfile.ZipFile, member: str, reader: _Reader) -> None:
    for _ in _pieces(archive, member, reader):
        pass


def _pieces(archive: zipfile.ZipFile, member: str, reader: _Reader) -> Iterator[None]:
    """Parse a document, and yield after each piece of it."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = lambda name, given: reader.begin(name.rpartition(":")[2], given)
    parser.EndElementHandler = lambda name: reader.finish(name.rpartition(":")[2])
    parser.CharacterDataHandler = reader.text
    with archive.open(member) as stream:
        while piece := stream.read(_CHUNK):
            parser.Parse(piece, False)
            yield
    parser.Parse(b"", True)


def _refuse_doctype(*_: object) -> None:
    raise BadWorkbook("The workbook's XML declares a document type; no spreadsheet writes that.")


class _Book(_Reader):
    """The sheets of a workbook in their order, as (name, id of the link)."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str]] = []
        self.since_1904 = False

    def begin(self, name: str, given: dict[str, str]) -> None:
        if name == "sheet":
            link = next((one for key, one in given.items() if key.rpartition(":")[2] == "id"), "")
            self.sheets.append((given.get("name", ""), link))
        elif name == "workbookPr":
            self.since_1904 = given.get("date1904") in ("1", "true")


class _Links(_Reader):
    """Where the parts of a workbook are, by the id of the link."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def begin(self, name: str, given: dict[str, str]) -> None:
        if name == "Relationship":
            self.found[given.get("Id", "")] = given.get("Target", "")


class _Strings(_Reader):
    """The texts that cells share; those of phonetic guides are left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parts: list[str] = []
        self._inside = self._spoken = False
        self._chars = 0

    def begin(self, name: str, given: dict[str, str]) -> None:
        if name == "rPh":
            self._spoken = True
        self._inside = name == "t" and not self._spoken

    def text(self, found: str) -> None:
        if self._inside:
            self._parts.append(found)
            self._chars += len(found)
            if self._chars > STRINGS_CHARS_MAX:
                raise BadWorkbook("The workbook holds too much text; save it as CSV.")

    def finish(self, name: str) -> None:
        self._inside = False
        if name == "rPh":
            self._spoken = False
        elif name == "si":
            self.found.append("".join(self._parts)[:CELL_CHARS_MAX])
            self._parts = []


class _Styles(_Reader):
    """Which styles of cells show a number as a date."""

    def __init__(self) -> None:
        self._formats: dict[str, str] = {}
        self._styles: list[str] = []
        self._inside = False

    def begin(self, name: str, given: dict[str, str]) -> None:
        if name == "numFmt":
            self._formats[given.get("numFmtId", "")] = given.get("formatCode", "")
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            self._styles.append(given.get("numFmtId", "0"))

    def finish(self, name: str) -> None:
        if name == "cellXfs":
            self._inside = False

    def dates(self) -> frozenset[str]:
        """Return the places of those styles, as cells name them."""
        return frozenset(str(place) for place, one in enumerate(self._styles) if self._is_date(one))

    def _is_date(self, number: str) -> bool:
        spelled = self._formats.get(number)
        if spelled is None:
            return number.isdecimal() and int(number) in _DATES
        return any(sign in "dmyhs" for sign in _FORMAT_TEXT.sub("", spelled).lower())


class _Sheet(_Reader):
    """The rows of a sheet as text: `done` are those that are whole."""

    def __init__(self, strings: list[str], dates: frozenset[str], *, since_1904: bool) -> None:
        self.done: list[list[str]] = []
        self._strings, self._dates = strings, dates
        self._epoch = date(1904, 1, 1) if since_1904 else date(1899, 12, 30)
        self._row: list[str] = []
        self._number = 0
        self._kind = self._style = ""
        self._column = 0
        self._parts: list[str] = []
        self._inside = False
        self._typed: dict[str, Callable[[str], str]] = {
            "s": self._shared,
            "b": lambda text: {"1": "true", "0": "false"}.get(text, text),
            "e": lambda text: "",
            "str": str,
            "inlineStr": str,
            "d": str,
        }

    def begin(self, name: str, given: dict[str, str]) -> None:
        if name == "c":
            self._kind, self._style = given.get("t", "n"), given.get("s", "")
            self._parts = []
            self._column = _column_of(given["r"]) if "r" in given else len(self._row)
        elif name in ("v", "t"):
            self._inside = True
        elif name == "row":
            self._begin_row(given.get("r", ""))

    def _begin_row(self, told: str) -> None:
        number = int(told) if told.isdecimal() and len(told) < 8 else self._number + 1
        if number <= self._number or number > ROWS_MAX:
            raise BadWorkbook("The rows of the sheet are not in order.")
        self.done.extend([[]] * (number - self._number - 1))
        self._number, self._row = number, []

    def text(self, found: str) -> None:
        if self._inside:
            self._parts.append(found)

    def finish(self, name: str) -> None:
        if name in ("v", "t"):
            self._inside = False
        elif name == "c":
            text = "".join(self._parts)[:CELL_CHARS_MAX]
            if text:
                self._row.extend([""] * (self._column - len(self._row)))
                self._row.append(self._typed.get(self._kind, self._number_text)(text))
        elif name == "row":
            self.done.append(self._row)

    def _shared(self, text: str) -> str:
        place = int(text) if text.isdecimal() else -1
        return self._strings[place] if 0 <= place < len(self._strings) else ""

    def _number_text(self, text: str) -> str:
        try:
            value = float(text)
        except ValueError:
            return text
        if self._style in self._dates:
            return self._date_text(value)
        if value == int(value) if abs(value) < 1e15 else False:
            return str(int(value))
        return repr(value) if "E" in text.upper() else text

    def _date_text(self, days: float) -> str:
        if not 0 <= days < 110_000:
            return str(days)
        # A spreadsheet's times have no zone.
        moment = datetime.combine(self._epoch, time()) + timedelta(seconds=round(days * 86_400))
        if days < 1:
            return moment.time().isoformat()
        return moment.date().isoformat() if days == int(days) else moment.isoformat()


def _column_of(place: str) -> int:
    """Return the column of a cell's place, `B7` is 1."""
    number = 0
    for sign in place:
        if not "A" <= sign <= "Z":
            break
        number = number * 26 + ord(sign) - 64
    if not 0 < number <= COLUMNS_MAX:
        raise BadWorkbook(f"A sheet has at most {COLUMNS_MAX} columns.")
    return number - 1
