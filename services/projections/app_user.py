"""People and service accounts that may act: team, role, rights, whether active."""

from schemas import organisation as events
from schemas.envelope import Recorded
from schemas.event import Event
from services.projections.model import Key, KeyedRows, Row, begin, moved

VERSION = 1


def row_key(event: Event) -> Key | None:
    """Return the user that the event touches."""
    match event:
        case (
            events.UserAdded()
            | events.UserChanged()
            | events.UserMoved()
            | events.UserActivated()
            | events.UserDeactivated()
        ):
            return (event.user,)
        case events.OwnershipCodeChanged() if event.owner.startswith("user:"):
            return (event.owner.removeprefix("user:"),)
    return None


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the user's row after one more event."""
    event = recorded.event
    row = row or {}
    match event:
        case events.UserAdded():
            return begin(
                recorded,
                user_id=event.user,
                team_id=event.team,
                role=event.role,
                rights=list(event.rights),
                ownership_code=event.ownership_code,
                active=True,
                name=event.name,
                email=event.email,
            )
        case events.UserChanged():
            shown = {"name": event.name, "email": event.email}
            return moved(row, recorded, role=event.role, rights=list(event.rights), **shown)
        case events.UserMoved():
            return moved(row, recorded, team_id=event.team)
        case events.UserActivated():
            return moved(row, recorded, active=True)
        case events.UserDeactivated():
            return moved(row, recorded, active=False)
        case events.OwnershipCodeChanged():
            return moved(row, recorded, ownership_code=event.ownership_code)
    return moved(row, recorded)


MODEL = KeyedRows("app_user", "organisation", VERSION, ("user_id",), fold, row_key)
