"""What can happen to an export: asked for, written, mailed, downloaded, gone. One stream each.

Who took which leads out, when and as of which log position stands here for good; the file itself
stands in a table for a day at most. A filter may hold a number somebody typed, and addresses are of
people, so both are stored as personal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.event import Event

Stored = Mapping[str, Any]


@dataclass(frozen=True)
class ExportRequested(Event):
    """A file of leads is to be written for a user (`by`, an id), with what they see then.

    view: whose filter, columns and sort these are, None = none. format: `csv` or `ndjson`.
    columns: none = all. skip_empty: without leads no mail goes out. recipients: e-mail addresses
    that are sent a link. mailing: which one begins it by the clock; note: what its mails say of
    that.
    """

    TOPIC: ClassVar[str] = "export.requested"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"filter", "recipients"})

    by: str
    name: str
    columns: Sequence[str] = ()
    sort: Sequence[Stored] = ()
    contacts: bool = False
    format: str = "csv"
    view: str | None = None
    skip_empty: bool = False
    mailing: str | None = None
    note: str = ""
    filter: Stored | None = None
    recipients: Sequence[str] = ()


@dataclass(frozen=True)
class ExportFinished(Event):
    """The file is there, until `expires_at`: these many leads as of log position `shown`.

    size: bytes. digest: SHA-256 of the file.
    """

    TOPIC: ClassVar[str] = "export.finished"

    shown: int
    leads: int
    size: int
    digest: str
    expires_at: str


@dataclass(frozen=True)
class ExportFailed(Event):
    """There will be no file, for this reason."""

    TOPIC: ClassVar[str] = "export.failed"

    code: str
    detail: str = ""


@dataclass(frozen=True)
class ExportCancelled(Event):
    """The export is not wanted: it is not written further, its file and its links are dead."""

    TOPIC: ClassVar[str] = "export.cancelled"

    was: str = ""


@dataclass(frozen=True)
class ExportDownloaded(Event):
    """Somebody was handed the file: the actor, or who had the link of the `recipient`-th address
    (from 1).
    """

    TOPIC: ClassVar[str] = "export.downloaded"

    recipient: int | None = None


@dataclass(frozen=True)
class ExportMailed(Event):
    """The mail server took the mail with the link for the `recipient`-th address (from 1)."""

    TOPIC: ClassVar[str] = "export.mailed"

    recipient: int


@dataclass(frozen=True)
class ExportMailFailed(Event):
    """The `recipient`-th address (from 1) got no mail, and gets none any more."""

    TOPIC: ClassVar[str] = "export.mail_failed"

    recipient: int
    code: str = ""


@dataclass(frozen=True)
class ExportRemoved(Event):
    """The file is gone, and its links are dead: `expired`, `lead-erased` or `asker-inactive`."""

    TOPIC: ClassVar[str] = "export.removed"

    reason: str


@dataclass(frozen=True)
class ExportErased(Event):
    """A number the export's filter holds was erased, and with it filter, addresses and file."""

    TOPIC: ClassVar[str] = "export.erased"
    DESTROYS_KEY: ClassVar[bool] = True

    reason: str = ""


EXPORT_EVENTS: tuple[type[Event], ...] = (
    ExportRequested,
    ExportFinished,
    ExportFailed,
    ExportCancelled,
    ExportDownloaded,
    ExportMailed,
    ExportMailFailed,
    ExportRemoved,
    ExportErased,
)
