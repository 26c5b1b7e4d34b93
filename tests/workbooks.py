"""Workbooks (xlsx) written as spreadsheets write them, for tests of who reads them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def element(name: str, inner: str, told: str = MAIN) -> str:
    """An element with attributes around others."""
    return f"<{name} {told}>{inner}</{name}>"


BOOK = element(
    "workbook",
    '<sheets><sheet name="Leads" sheetId="1" r:id="a"/>'
    '<sheet name="Other" sheetId="2" r:id="b"/></sheets>',
    f'{MAIN} xmlns:r="{LINKS}"',
)
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
TARGETS = (
    f'<Relationships xmlns="{PACKAGE}"><Relationship Id="a" Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="b" Target="/xl/worksheets/sheet2.xml"/></Relationships>'
)
STYLES = (
    f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="22"/></cellXfs></styleSheet>'
)


def sheet(rows: Sequence[Sequence[str]]) -> str:
    """A sheet of texts, each where it stands."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(
            f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
            for place, text in enumerate(row)
            if text
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    return worksheet("".join(lines))


def worksheet(rows: str) -> str:
    """A sheet with these rows as XML."""
    return element("worksheet", f"<sheetData>{rows}</sheetData>")


def workbook(first: str, second: str = "", **more: str) -> bytes:
    """A workbook of two sheets; `more` are further parts, or others in place of the usual ones."""
    parts: Mapping[str, str] = {
        "xl/workbook.xml": BOOK,
        "xl/_rels/workbook.xml.rels": TARGETS,
        "xl/styles.xml": STYLES,
        "xl/worksheets/sheet1.xml": first,
        "xl/worksheets/sheet2.xml": second or worksheet(""),
        **{name.replace("__", "/") + ".xml": text for name, text in more.items()},
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return packed.getvalue()
