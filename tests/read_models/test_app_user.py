"""Given the organisation's events, then the rows of its users."""

from schemas import organisation as org
from services.projections import (
    app_user,
)
from tests.read_models.folding_events import rows_of


def test_users_change_move_and_are_switched_off() -> None:
    (row,) = rows_of(
        app_user.MODEL,
        org.UserAdded("u", "top", "agent", name="Ada", email="a@example.com"),
        org.UserChanged("u", "admin", ("lead_admin",), name="Ada L", email="a@example.com"),
        org.UserMoved("u", "north"),
        org.OwnershipCodeChanged("user:u", "U"),
        org.UserDeactivated("u"),
    )
    shown = {name: row[name] for name in ("team_id", "role", "rights", "active", "name")}
    assert shown == {
        "team_id": "north",
        "role": "admin",
        "rights": ["lead_admin"],
        "active": False,
        "name": "Ada L",
    }
    assert row["ownership_code"] == "U"
    (again,) = rows_of(
        app_user.MODEL, org.UserAdded("u", "t", "agent"), org.UserDeactivated("u"),
        org.UserActivated("u"),
    )  # fmt: skip
    assert again["active"] is True
