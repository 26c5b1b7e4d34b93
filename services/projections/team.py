"""The tree of teams, one row each."""

from schemas import organisation as events
from schemas.envelope import Recorded
from schemas.event import Event
from services.projections.model import Key, KeyedRows, Row, begin, moved

VERSION = 1


def row_key(event: Event) -> Key | None:
    """Return the team that the event touches."""
    match event:
        case events.OrganisationSetUp() | events.TeamAdded():
            return (event.team,)
        case events.TeamRenamed() | events.TeamMoved():
            return (event.team,)
        case events.TeamActivated() | events.TeamDeactivated():
            return (event.team,)
        case events.OwnershipCodeChanged() if event.owner.startswith("team:"):
            return (event.owner.removeprefix("team:"),)
    return None


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the team's row after one more event."""
    event = recorded.event
    match event:
        case events.OrganisationSetUp() | events.TeamAdded():
            return begin(
                recorded,
                team_id=event.team,
                parent_id=getattr(event, "parent", None),
                name=event.name,
                ownership_code=event.ownership_code,
                active=True,
            )
        case events.TeamRenamed():
            return moved(row or {}, recorded, name=event.name)
        case events.TeamMoved():
            return moved(row or {}, recorded, parent_id=event.parent)
        case events.TeamActivated() | events.TeamDeactivated():
            active = isinstance(event, events.TeamActivated)
            return moved(row or {}, recorded, active=active)
        case events.OwnershipCodeChanged():
            return moved(row or {}, recorded, ownership_code=event.ownership_code)
    return moved(row or {}, recorded)


MODEL = KeyedRows("team", "organisation", VERSION, ("team_id",), fold, row_key)
