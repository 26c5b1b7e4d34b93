"""Taking a file of leads in as it arrives: counted, guessed at, encrypted, a piece at a time.

A workbook is the exception: it must be whole before anything of it can be read, so it is held in
memory, up to a size, and stored as the CSV that its sheet comes to.
"""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID

from fastapi import Request

from services.command.imports.answers import UploadQuery
from services.command.imports.reading import (
    HEAD_BYTES,
    EncodingGuess,
    Layout,
    delimiter_of,
    has_header,
    head_of,
)
from services.command.imports.tables import ImportTables
from services.command.imports.workbook import MAGIC, BadWorkbook, as_csv
from services.kit import errors
from services.kit.errors import Detail
from services.kit.keys import DataKey
from services.kit.uploads import chunks

PART_BYTES = 1 << 20
WORKBOOK_BYTES_MAX = 64 << 20
MEDIA = (
    "text/csv", "text/plain", "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)  # fmt: skip
_OTHERS = {
    b"\x1f\x8b": "a gzip archive", b"\xd0\xcf\x11\xe0": "an old workbook (xls)", b"%PDF": "a PDF",
    b"7z\xbc\xaf": "a 7z archive", b"BZh": "a bzip2 archive", b"Rar!": "a RAR archive",
}  # fmt: skip


class Arrived(NamedTuple):
    """A file that is stored: what it was, and how it is to be read."""

    kind: str
    size: int
    sha256: str
    encoding: str


class Uploading:
    """Stores one file."""

    def __init__(
        self, tables: ImportTables, one: UUID, key: DataKey, limit: int, asked: UploadQuery
    ) -> None:
        """Store the file of import `one` under `key`; it has at most `limit` bytes."""
        self._tables = tables
        self._one = one
        self._key = key
        self._limit = limit
        self._asked = asked
        self._digest = hashlib.sha256()
        self._size = 0
        self._guess = EncodingGuess()
        self._rest = bytearray()
        self._part = 0
        self._filled = False

    async def take(self, request: Request) -> Arrived:
        """Take a file in; raise the problem that says why it is none."""
        require_media(request, self._limit)
        pieces = self._counted(request)
        begin = b""
        async for piece in pieces:
            begin += piece
            if len(begin) >= 4:
                break
        _require_kind(begin)
        if begin.startswith(MAGIC):
            await self._workbook(begin, pieces)
        else:
            if self._asked.sheet is not None:
                text = "Only a workbook (xlsx) has sheets."
                raise errors.Invalid(text, [Detail("no-workbook", text, "/query/sheet")])
            await self._store(begin)
            async for piece in pieces:
                await self._store(piece)
        await self._end()
        kind = "xlsx" if begin.startswith(MAGIC) else "csv"
        encoding = "utf-8" if kind == "xlsx" else self._asked.encoding or self._guess.encoding()
        return Arrived(kind, self._size, self._digest.hexdigest(), encoding)

    async def _counted(self, request: Request) -> AsyncIterator[bytes]:
        async for piece in chunks(request):
            self._size += len(piece)
            if self._size > self._limit:
                raise too_large(self._limit)
            self._digest.update(piece)
            if piece:
                yield piece

    async def _workbook(self, begin: bytes, pieces: AsyncIterator[bytes]) -> None:
        limit = min(self._limit, WORKBOOK_BYTES_MAX)
        whole = io.BytesIO()
        piece: bytes | None = begin
        while piece is not None:
            whole.write(piece)
            if whole.tell() > limit:
                raise too_large(limit)
            piece = await anext(pieces, None)
        rows = as_csv(whole, self._asked.sheet)
        try:
            # Unpacking keeps a processor busy: in a thread, others get their turn.
            while (lines := await asyncio.to_thread(next, rows, None)) is not None:
                await self._store(lines)
        except BadWorkbook as problem:
            raise errors.Invalid(str(problem), [Detail("bad-workbook", str(problem))]) from None

    async def _store(self, piece: bytes) -> None:
        self._guess.feed(piece)
        self._filled = self._filled or bool(piece.strip())
        self._rest += piece
        while len(self._rest) >= PART_BYTES:
            await self._add(bytes(self._rest[:PART_BYTES]))
            del self._rest[:PART_BYTES]

    async def _end(self) -> None:
        if self._rest:
            await self._add(bytes(self._rest))
        if not self._filled:
            raise errors.Invalid("The file is empty.", [Detail("empty", "Nothing stands in it.")])

    async def _add(self, body: bytes) -> None:
        await self._tables.add_part(self._one, self._key, self._part, body)
        self._part += 1


def require_media(request: Request, limit: int) -> None:
    """Raise what is wrong with the request before a byte of the file is read."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in MEDIA or request.headers.get("content-encoding", "identity") != "identity":
        raise errors.WrongMediaType("Send the file itself, as text/csv or as an xlsx workbook.")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise too_large(limit)


def too_large(limit: int) -> errors.TooLarge:
    """Return the problem of a file that is larger than it may be."""
    return errors.TooLarge(f"A file has at most {limit >> 20} MiB; send it in pieces.")


def _require_kind(begin: bytes) -> None:
    for magic, what in _OTHERS.items():
        if begin.startswith(magic):
            text = f"The file is {what}; send CSV or an xlsx workbook."
            raise errors.Invalid(text, [Detail("no-table", text)])


def layout_of(
    raw: bytes, encoding: str, delimiter: str | None = None, header: bool | None = None
) -> Layout:
    """Return how a file that begins so is laid out, but for what is known already."""
    head = raw[:HEAD_BYTES]
    parted = delimiter or delimiter_of(head, encoding)
    named = has_header(head_of(head, encoding, parted)) if header is None else header
    return Layout(encoding, parted, named)
