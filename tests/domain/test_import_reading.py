"""Files of leads, read: any encoding, delimiter and line end; what is broken breaks its own row."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.command.imports import reading, workbook
from services.command.imports.reading import (
    BROKEN,
    ROW_CHARS_MAX,
    TOO_LONG,
    TOO_WIDE,
    UNCLOSED,
    EncodingGuess,
    Row,
    Rows,
    delimiter_of,
    has_header,
    head_of,
)
from tests.workbooks import sheet, worksheet
from tests.workbooks import workbook as written


def read(raw: bytes, encoding: str = "utf-8", delimiter: str = ",", size: int = 7) -> list[Row]:
    rows = Rows(encoding, delimiter)
    found = [row for at in range(0, len(raw), size) for row in rows.feed(raw[at : at + size])]
    return [*found, *rows.end()]


def cells(raw: bytes, encoding: str = "utf-8", delimiter: str = ",") -> list[Sequence[str]]:
    found = read(raw, encoding, delimiter)
    assert [row.number for row in found] == list(range(1, len(found) + 1))
    assert not [row for row in found if row.problem]
    return [row.cells for row in found]


@pytest.mark.parametrize(
    ("raw", "delimiter"),
    [
        (b"a,b\n1,2\n", ","),
        (b"\xef\xbb\xbfa,b\r\n1,2", ","),
        (b"a;b\r1;2\r", ";"),
        (b"a|b\n1|2\n", "|"),
        (b"a\tb\r\n1\t2\r\n", "\t"),
        ("a;b\n1;2\n".encode("utf-16"), ";"),
    ],
)
def test_delimiters_line_ends_and_marks(raw: bytes, delimiter: str) -> None:
    guess = EncodingGuess()
    guess.feed(raw)
    encoding = guess.encoding()
    assert delimiter_of(raw, encoding) == delimiter
    assert cells(raw, encoding, delimiter) == [["a", "b"], ["1", "2"]]


def test_quoted_cells_go_over_lines_and_blank_rows_are_counted() -> None:
    raw = b'name,note\n"Ann, A.","first\r\nsecond"\n\n"She said ""yes""",x\n'
    assert cells(raw) == [
        ["name", "note"], ["Ann, A.", "first\nsecond"], [], ['She said "yes"', "x"],
    ]  # fmt: skip


def test_a_quote_that_is_not_closed_is_a_row_of_its_own() -> None:
    raw = b'a,b\n"open,1\n' + b"c,2\n" * 1_000
    found = read(raw, size=4_096)
    assert (found[1].problem, found[1].number) == (UNCLOSED, 2)
    assert [row.cells for row in found[2:]] == [["c", "2"]] * 1_000
    last = read(b'a,b\nc,"d\ne,f')
    assert [row.problem for row in last] == ["", UNCLOSED, ""]
    assert last[2].cells == ["e", "f"]


def test_what_is_too_long_or_too_wide_is_a_row_of_its_own() -> None:
    raw = b"a,b\n" + b"x" * (ROW_CHARS_MAX + 9) + b"\n" + b"," * 600 + b"\nc,d\n"
    for size in (1_000, 1 << 20):
        found = read(raw, size=size)
        assert [row.problem for row in found] == ["", TOO_LONG, TOO_WIDE, ""]
        assert found[3].cells == ["c", "d"]


def test_bytes_that_are_no_text_break_one_row() -> None:
    found = read(b"Ann,1\nB\xff\xfeb,2\nC\0y,3\nD\x07,4\nE,5\n")
    assert [row.problem for row in found] == ["", BROKEN, BROKEN, BROKEN, ""]
    latin = read("Zoë,1\nB\x81,2\n".encode("latin-1"), "windows-1252")
    assert [row.problem for row in latin] == ["", BROKEN]
    assert latin[0].cells == ["Zoë", "1"]
    assert read(b"\xff\xfea\x00\n\x00\x00", "utf-16")[-1].problem == BROKEN


def test_the_encoding_is_guessed_from_all_of_the_file() -> None:
    for raw, encoding in [
        (b"plain", "utf-8"),
        ("Zoë".encode(), "utf-8"),
        ("Zoë Muñoz Åse".encode() + b"\xff", "utf-8"),
        ("Zoë Muñoz".encode("latin-1"), "windows-1252"),
        ("Zoë".encode("utf-16"), "utf-16"),
    ]:
        guess = EncodingGuess()
        for at in range(len(raw)):
            guess.feed(raw[at : at + 1])
        assert guess.encoding() == encoding, raw


def test_the_header_is_told_from_a_lead() -> None:
    assert has_header(head_of(b"phone,name\n+14155550100,Ann\n", "utf-8", ","))
    assert not has_header(head_of(b"+14155550100,Ann\n", "utf-8", ","))
    assert not has_header(head_of(b"ann@example.com\n", "utf-8", ","))
    assert not has_header([])


def test_the_head_of_a_file_leaves_out_what_may_be_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "HEAD_BYTES", 8)
    assert [row.cells for row in head_of(b"a,b\nc,d\ne", "utf-8", ",")] == [["a", "b"], ["c", "d"]]
    assert [row.cells for row in head_of(b"a,b\nc,d", "utf-8", ",")][-1] == ["c", "d"]


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)


@settings(max_examples=60)
@given(
    st.lists(st.lists(TEXT, min_size=2, max_size=4), min_size=1, max_size=8),
    st.sampled_from(reading.DELIMITERS),
    st.integers(1, 50),
)
def test_what_was_written_is_read(table: list[list[str]], delimiter: str, size: int) -> None:
    lines = (delimiter.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row)
             for row in table)  # fmt: skip
    raw = "\r\n".join(lines).encode()
    expected = [Row(number, row) for number, row in enumerate(table, 1)]
    found = read(raw, delimiter=delimiter, size=size)
    for row, wanted in zip(found, expected, strict=True):
        if not row.problem:
            assert (row.number, list(row.cells)) == (wanted.number, list(wanted.cells))
        else:
            assert "\ufffd" in "".join(wanted.cells)


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from(reading.ENCODINGS), st.integers(1, 60))
def test_any_bytes_are_rows_the_same_however_they_are_cut(
    raw: bytes, encoding: str, size: int
) -> None:
    assert read(raw, encoding, size=size) == read(raw, encoding, size=400)


def sheet_of(raw: bytes, name: str | None = None) -> list[Sequence[str]]:
    return [row.cells for row in read(b"".join(workbook.as_csv(io.BytesIO(raw), name)))]


def test_a_workbook_is_read_as_the_table_it_shows() -> None:
    rows = [["phone", "name"], ["+14155550100", "Ann, \nA."], [], ["+14155550101"]]
    raw = written(sheet(rows), sheet([["other"]]))
    assert sheet_of(raw) == [["phone", "name"], ["+14155550100", "Ann, \nA."], [], ["+14155550101"]]
    assert sheet_of(raw, "other") == [["other"]]


def test_numbers_dates_shared_texts_and_gaps_of_a_workbook() -> None:
    strings = (
        "<sst><si><t>Ann</t></si><si><r><t>B</t></r><r><t>ob</t></r><rPh><t>x</t></rPh></si></sst>"
    )
    first = worksheet(
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>'
        '<row r="3"><c r="A3"><v>4.91512345678E11</v></c><c r="B3"><v>2.5</v></c>'
        '<c r="C3" s="1"><v>46113</v></c><c r="D3" s="2"><v>46113.5</v></c>'
        '<c r="E3" t="b"><v>1</v></c><c r="F3" t="e"><v>#N/A</v></c>'
        '<c r="G3" t="str"><f>A1</f><v>=1</v></c><c r="H3" t="s"><v>9</v></c></row>'
    )
    assert sheet_of(written(first, xl__sharedStrings=strings)) == [
        ["Ann", "", "Bob"], [],
        ["491512345678", "2.5", "2026-04-01", "2026-04-01T12:00:00", "true", "", "=1", ""],
    ]  # fmt: skip


BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>]>"


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"PK\x03\x04 nothing", "damaged"),
        (written(sheet([["a"]]))[:-40], "damaged"),
        (written("<worksheet><sheetData>"), "cannot be read"),
        (written(BOMB + sheet([["a"]])), "document type"),
        (written(worksheet('<row r="1"><c r="ZZZ1"><v>1</v></c></row>')), "500 columns"),
        (written(worksheet('<row r="2"/><row r="1"/>')), "not in order"),
        (written(worksheet('<row r="1048577"/>')), "not in order"),
        (written(worksheet(" " * 70_000_000)), "times its size"),
        (written("", xl__workbook="<workbook/>"), "no sheet"),
    ],
)
def test_what_is_no_workbook_is_refused_in_a_sentence(raw: bytes, told: str) -> None:
    with pytest.raises(workbook.BadWorkbook, match=told):
        sheet_of(raw)


def test_an_archive_that_is_no_workbook_or_lacks_the_sheet_is_refused() -> None:
    raw = written(sheet([["a"]]))
    with pytest.raises(workbook.BadWorkbook, match="has no sheet Third; it has: Leads, Other"):
        sheet_of(raw, "Third")
    other = raw.replace(b"xl/workbook.xml", b"xl/wirkbuch.xml")
    with pytest.raises(workbook.BadWorkbook, match="ZIP archive"):
        sheet_of(other)
