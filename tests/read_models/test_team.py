"""Given the organisation's events, then the rows of its teams."""

from schemas import organisation as org
from services.projections import (
    team,
)
from tests.read_models.folding_events import rows_of


def test_teams_form_a_tree() -> None:
    rows = rows_of(
        team.MODEL,
        org.OrganisationSetUp("top", "Acme", "A"),
        org.TeamAdded("north", "North", "top"),
        org.TeamAdded("south", "South", "top"),
        org.TeamRenamed("north", "Nord"),
        org.TeamMoved("south", "north"),
        org.OwnershipCodeChanged("team:north", "N"),
        org.OwnershipCodeChanged("user:x", "X"),
        org.TeamDeactivated("north"),
        org.TeamDeactivated("south"),
        org.TeamActivated("north"),
    )
    shown = {
        row["team_id"]: (
            row["parent_id"],
            row["name"],
            row["ownership_code"],
            row["version"],
            row["active"],
        )
        for row in rows
    }
    assert shown == {
        "top": (None, "Acme", "A", 1, True),
        "north": ("top", "Nord", "N", 10, True),
        "south": ("north", "South", None, 9, False),
    }
