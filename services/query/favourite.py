"""Which view opens first for the caller."""

from uuid import UUID

from services.query.reading import Asked


async def favourite_of(asked: Asked) -> str | None:
    """Return the view the caller chose, None when there is none. It may be gone by now."""
    found: str | None = await asked.connection.fetchval(
        "select f.view from read.favourite f where f.user_id = $1", UUID(asked.principal.user_id)
    )
    return found
