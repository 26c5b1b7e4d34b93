"""A ZIP archive made while it is read: what is finished of it is handed on, never the whole held.

Beside the leads it has a page that says what they are: whose, which filter, as of which moment.
"""

import hashlib
from datetime import datetime
from io import RawIOBase
from typing import Any, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

LEVEL = 6


class _Sink(RawIOBase):
    """Where the archive goes: it can only be written, and is emptied now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: Any) -> int:
        self.held += data
        return len(data)


class Archive:
    """One archive with one file of leads and the page about it."""

    def __init__(self, name: str, now: datetime) -> None:
        """Begin the file of leads, of that name."""
        self._sink = _Sink()
        self._now = now
        self._digest = hashlib.sha256()
        self._zip = ZipFile(cast(Any, self._sink), "w", ZIP_DEFLATED)
        self._file = self._zip.open(self._info(name), "w", force_zip64=True)
        self.size = 0

    def _info(self, name: str) -> ZipInfo:
        info = ZipInfo(name, self._now.timetuple()[:6])
        info.compress_type = ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        return info

    def add(self, lines: bytes) -> None:
        """Add lines to the file of leads."""
        self._file.write(lines)

    def close(self, about: str) -> None:
        """End the file of leads, add the page about it, end the archive."""
        self._file.close()
        self._zip.writestr(self._info("about.txt"), about)
        self._zip.close()

    @property
    def held(self) -> int:
        """How many bytes of the archive wait to be taken."""
        return len(self._sink.held)

    def take(self) -> bytes:
        """Return what is finished of the archive and was not taken yet."""
        raw = bytes(self._sink.held)
        self._sink.held.clear()
        self._digest.update(raw)
        self.size += len(raw)
        return raw

    @property
    def digest(self) -> str:
        """SHA-256 of all that was taken."""
        return self._digest.hexdigest()
