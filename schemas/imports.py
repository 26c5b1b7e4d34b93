"""What can happen to an import, a file of leads: asked for, mapped, carried out, taken back.

One stream `import-<uuid>` each. What it did to which lead stands in the leads' own streams, with
the cause `import:<import id>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.event import Event


@dataclass(frozen=True)
class ImportRequested(Event):
    """A user (`by`, an id) uploaded a file for a campaign; nothing is done with it so far.

    sha256: of its bytes, in hexadecimal digits. kind: csv or xlsx.
    """

    TOPIC: ClassVar[str] = "import.requested"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"file_name"})

    by: str
    campaign_id: str
    size: int
    sha256: str
    kind: str = "csv"
    file_name: str = ""


@dataclass(frozen=True)
class ImportMapped(Event):
    """It was said how the file is read and what becomes of its columns; the last time counts."""

    TOPIC: ClassVar[str] = "import.mapped"

    settings: Mapping[str, Any]


@dataclass(frozen=True)
class ImportStarted(Event):
    """The import is carried out from here on, into this pool.

    again: an earlier import of the same file with the same settings, whose rows are not done twice.
    """

    TOPIC: ClassVar[str] = "import.started"

    pool_id: str
    again: str | None = None


@dataclass(frozen=True)
class ImportCancelled(Event):
    """Nothing of the import is done after this event.

    reason: why the service did it by itself: `number-erased`, a number in the file was erased.
    """

    TOPIC: ClassVar[str] = "import.cancelled"

    reason: str = ""


@dataclass(frozen=True)
class ImportFinished(Event):
    """What became of the rows. They add up to those of the file, unless it was cancelled."""

    TOPIC: ClassVar[str] = "import.finished"

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    refused: int = 0
    blank: int = 0


@dataclass(frozen=True)
class ImportUndoStarted(Event):
    """A user (`by`, an id) has what the import did taken back from here on."""

    TOPIC: ClassVar[str] = "import.undo_started"

    by: str


@dataclass(frozen=True)
class ImportUndone(Event):
    """What the import did is taken back, but for leads that were changed since, which are kept."""

    TOPIC: ClassVar[str] = "import.undone"

    reversed: int = 0
    kept: int = 0
    refused: int = 0


IMPORT_EVENTS: tuple[type[Event], ...] = (
    ImportRequested,
    ImportMapped,
    ImportStarted,
    ImportCancelled,
    ImportFinished,
    ImportUndoStarted,
    ImportUndone,
)
