"""Reading a file of leads: rows out of bytes, in whatever encoding, delimiter and line ends it has.

A row is counted as a spreadsheet counts it, from 1, blank ones too. What cannot be read is a row of
its own with a reason; it never ends the file and never takes rows below it along.
"""

import codecs
import csv
import io
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

ROW_LINES_MAX = 200
"""Lines a row may go over in quotes. Beyond them the quote was never closed."""

ROW_CHARS_MAX = 100_000
COLUMNS_MAX = 500
DELIMITERS = ",;\t|"
HEAD_ROWS = 200
"""Rows that are looked at to guess how a file is laid out."""

Encoding = Literal[
    "utf-8", "utf-16", "windows-1252", "iso-8859-15", "windows-1250", "iso-8859-2",
    "windows-1251", "windows-1253", "windows-1254",
]  # fmt: skip
ENCODINGS: tuple[str, ...] = get_args(Encoding)
UNCLOSED = "quote-not-closed"
TOO_LONG = "row-too-long"
TOO_WIDE = "too-many-columns"
BROKEN = "broken-characters"
PROBLEMS = {
    UNCLOSED: "A quote opens in this row and is not closed.",
    TOO_LONG: f"A row has at most {ROW_CHARS_MAX:,} characters.",
    TOO_WIDE: f"A row has at most {COLUMNS_MAX} columns.",
    BROKEN: "Bytes of this row are no text in the file's encoding, or control characters.",
}
"""Why a row cannot be read."""


class Row(NamedTuple):
    """A row by its number from 1; `problem` is a code of PROBLEMS, or "" for one that is read."""

    number: int
    cells: Sequence[str]
    problem: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing stands in it."""
        return not self.problem and not any(cell.strip() for cell in self.cells)


class EncodingGuess:
    """Says, having seen all bytes of a file, how they are most likely to be read."""

    def __init__(self) -> None:
        """Begin at the start of a file."""
        self._begin = b""
        self._utf8 = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._good = self._bad = 0

    def feed(self, chunk: bytes) -> None:
        """Look at more bytes."""
        if len(self._begin) < 4_096:
            self._begin += chunk[: 4_096 - len(self._begin)]
        text = self._utf8.decode(chunk)
        if not text.isascii():
            bad = sum("\udc80" <= sign <= "\udcff" for sign in text)
            self._bad += bad
            self._good += sum(sign > "\x7f" for sign in text) - bad

    def encoding(self) -> Encoding:
        """Return the guess. One bad byte among much good UTF-8 is a bad row, not an encoding."""
        if self._begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if self._begin.startswith(codecs.BOM_UTF8) or self._bad <= self._good:
            return "utf-8"
        return "windows-1252"


class Rows:
    """Cuts the bytes of a file into rows as they come."""

    def __init__(self, encoding: str, delimiter: str) -> None:
        """Begin at the start of a file."""
        codec = "utf-8-sig" if encoding == "utf-8" else encoding
        # UTF-16 cannot keep what is broken; it leaves U+FFFD, which `_problem_of` knows too.
        errors = "replace" if encoding == "utf-16" else "surrogateescape"
        decoder = codecs.getincrementaldecoder(codec)(errors)
        self._text = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._marks = encoding == "utf-16"
        self._begin = b""
        self._delimiter = delimiter
        self._lines: deque[str] = deque()
        self._rest = ""
        self._dropping = False
        self._number = 0
        self._pulled: list[str] = []
        self._chars = 0

    def feed(self, chunk: bytes) -> Iterator[Row]:
        """Yield the rows that are sure to be whole with what came so far."""
        if self._marks:  # UTF-16 without a mark is what most write: the low byte first.
            self._begin += chunk
            if len(self._begin) < 2:
                return
            chunk, self._marks = _marked(self._begin), False
        self._take(self._text.decode(chunk))
        yield from self._rows(ROW_LINES_MAX)

    def end(self) -> Iterator[Row]:
        """Yield what is left."""
        begun = _marked(self._begin) if self._marks else b""
        self._take(self._text.decode(begun, final=True))
        if self._rest and not self._dropping:
            self._lines.append(self._rest)
        self._rest = ""
        yield from self._rows(0)

    def _take(self, text: str) -> None:
        *whole, self._rest = (self._rest + text).split("\n")
        if self._dropping and whole:
            self._dropping = False
            del whole[0]
        self._lines.extend(whole)
        if len(self._rest) > ROW_CHARS_MAX:
            if not self._dropping:  # The rest of such a line is passed over until it ends.
                self._lines.append(self._rest)
            self._rest, self._dropping = "", True

    def _rows(self, kept: int) -> Iterator[Row]:
        reader = self._reader()
        while len(self._lines) > kept:
            self._pulled, self._chars = [], 0
            self._number += 1
            try:
                cells = next(reader)
            except (_Unclosed, csv.Error, StopIteration):
                yield self._unread()
                reader = self._reader()
                continue
            yield Row(self._number, cells, _problem_of(cells))

    def _reader(self) -> "Iterator[list[str]]":
        return csv.reader(self._pull(), delimiter=self._delimiter, strict=False)

    def _pull(self) -> Iterator[str]:
        """Hand the reader line after line: it takes more than one only inside quotes."""
        while True:
            if not self._lines or len(self._pulled) >= ROW_LINES_MAX:
                raise _Unclosed
            line = self._lines.popleft()
            self._pulled.append(line)
            self._chars += len(line)
            if self._chars > ROW_CHARS_MAX:
                raise _Unclosed
            yield line + "\n"

    def _unread(self) -> Row:
        """Return the first line as a row that cannot be read; those below it are read anew."""
        self._lines.extendleft(reversed(self._pulled[1:]))
        long = bool(self._pulled) and len(self._pulled[0]) > ROW_CHARS_MAX
        return Row(self._number, (), TOO_LONG if long else UNCLOSED)


def _marked(begin: bytes) -> bytes:
    marked = begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return begin if marked else codecs.BOM_UTF16_LE + begin


class _Unclosed(Exception):
    """A row took more lines than a row can have."""


def _problem_of(cells: Sequence[str]) -> str:
    if len(cells) > COLUMNS_MAX:
        return TOO_WIDE
    for cell in cells:
        if not cell.isprintable() and any(
            sign == "\ufffd" or (sign < " " and sign not in "\t\n") or "\ud800" <= sign <= "\udfff"
            or sign == "\x7f" for sign in cell
        ):  # fmt: skip
            return BROKEN
        if "\ufffd" in cell:
            return BROKEN
    return ""


class Layout(NamedTuple):
    """How a file is laid out; `header` says whether its first row names the columns."""

    encoding: str
    delimiter: str
    header: bool


def head_of(raw: bytes, encoding: str, delimiter: str) -> list[Row]:
    """Return the first rows of a file that begins with these bytes."""
    rows = Rows(encoding, delimiter)
    found = [*rows.feed(raw), *rows.end()]
    if len(raw) >= HEAD_BYTES and len(found) > 1:
        del found[-1]  # It is most likely cut short.
    return found[:HEAD_ROWS]


HEAD_BYTES = 1 << 18
"""As many bytes of the beginning are enough to guess from."""


def delimiter_of(raw: bytes, encoding: str) -> str:
    """Return what most likely parts the cells: what gives most rows the same number of them."""

    def fitness(delimiter: str) -> tuple[bool, float, int]:
        rows = [row for row in head_of(raw, encoding, delimiter) if row.cells and not row.is_blank]
        widths = Counter(len(row.cells) for row in rows)
        if not widths:
            return False, 0.0, 0
        width, times = widths.most_common(1)[0]
        return width > 1, times / len(rows), width

    return max(DELIMITERS, key=fitness)


def has_header(rows: Sequence[Row]) -> bool:
    """Say whether the first row that is not blank names columns: it holds no number or address."""
    first = next((row for row in rows if not row.is_blank), None)
    if first is None or first.problem:
        return False
    return not any("@" in cell or _digits(cell) >= 5 for cell in first.cells)


def _digits(text: str) -> int:
    return sum(sign.isdigit() for sign in text)
