"""Reading a file of numbers: lines out of bytes, and the cell of a line that holds the number.

Any delimiter of `, ; tab |`, a byte order mark, quoted cells, LF or CRLF; a quoted cell does not go
over lines. What cannot be read is a row of its own with a reason, never the end of the file.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

LINE_BYTES_MAX = 10_000
DELIMITERS = ",;\t|"
_BOM = b"\xef\xbb\xbf"


class Lines:
    """Cuts bytes into lines, as they come; a line that is too long is cut short."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False
        self._dropping = False

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Yield the lines that end in what came so far, without their ends."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if whole and not self._begun:
            self._begun = True
            whole[0] = whole[0].removeprefix(_BOM)
        for line in whole:
            if self._dropping:
                self._dropping = False
                continue
            yield _text(line)
        if len(self._rest) > LINE_BYTES_MAX:
            if not self._dropping:
                yield _text(self._rest[: LINE_BYTES_MAX + 1])
            self._rest, self._dropping = b"", True

    def end(self) -> Iterator[str]:
        """Yield the last line, if the file does not end with a line's end."""
        if self._rest and not self._dropping:
            yield _text(self._rest if self._begun else self._rest.removeprefix(_BOM))


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is laid out: what parts its cells, which one is the number, is there a header.

    missing: the column that was asked for is not in the header.
    """

    delimiter: str
    column: int
    header: bool
    missing: bool = False

    def cell(self, line: str) -> str:
        """Return the cell with the number, "" when there is none."""
        cells = _cells(line, self.delimiter)
        return cells[self.column].strip() if self.column < len(cells) else ""


def layout_of(first: str, column: str | None) -> Layout:
    """Return the layout, going by the first line that is not empty.

    column: a name of the header, or its place, from 1; None is the first one. The first line is a
    header when a column is named, or when its cell has no digit.
    """
    delimiter = max(DELIMITERS, key=first.count)
    cells = [cell.strip() for cell in _cells(first, delimiter)]
    place = 0
    if column is not None and column.isdecimal():
        place = int(column) - 1
    elif column is not None:
        names = [cell.casefold() for cell in cells]
        wanted = column.strip().casefold()
        found = wanted in names
        return Layout(delimiter, names.index(wanted) if found else 0, True, missing=not found)
    shown = cells[place] if place < len(cells) else ""
    return Layout(delimiter, place, not any(one.isdigit() for one in shown))


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
