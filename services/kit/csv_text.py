"""CSV that a spreadsheet shows as text and never carries out."""

from collections.abc import Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
"""Full-width signs too: some spreadsheets read them like plain ones."""


def csv_line(cells: Sequence[str]) -> bytes:
    """Return one line (RFC 4180). A cell that would be a formula starts with an apostrophe."""
    return (",".join(map(_cell, cells)) + "\r\n").encode()


def _cell(text: str) -> str:
    if text.startswith(_FORMULA):
        text = "'" + text
    if any(sign in text for sign in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
