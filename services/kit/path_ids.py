"""Ids in paths: what is none is told apart from what is not there, for that gives nothing away."""

from uuid import UUID

from services.kit.errors import NotFound
from services.kit.ids import parse_id

_NO_ID = "The path holds something that is no id: an id is a UUID in small letters, with hyphens."


def id_in_path(text: str) -> UUID:
    """Return the id; raise NotFound, and say why, when it is not written as one."""
    try:
        found = parse_id(text)
    except ValueError:
        raise NotFound(_NO_ID) from None
    if str(found) != text:
        raise NotFound(_NO_ID)
    return found
