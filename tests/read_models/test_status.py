"""Given the organisation's events, then its own statuses."""

from schemas import organisation as org
from services.projections import (
    status,
)
from tests.read_models.folding_events import rows_of


def test_own_statuses_and_changed_built_in_ones() -> None:
    rows = rows_of(
        status.MODEL,
        org.StatusAdded("warm", "Warm", "open", True, "work"),
        org.StatusCatalogueChanged("ready", "Go", False),
        org.StatusCatalogueChanged("warm", "Hot", True),
        org.StatusDeactivated("warm"),
        org.StatusActivated("ready"),
    )
    shown = {
        row["code"]: (row["label"], row["dialable"], row["status_group"], row["active"])
        for row in rows
    }
    assert shown == {"warm": ("Hot", True, "open", False), "ready": ("Go", False, None, True)}
