"""Which view opens first: the row follows the events, and a view that is gone opens nothing."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from schemas import favourite as events
from schemas.view import ViewCreated, ViewDeleted
from services.command.hashes import favourite_stream
from services.projections.favourite import fold
from tests.contract.query_service import World, named, running
from tests.read_models.folding_events import row_of

VIEW = named("view")
STREAM = str(favourite_stream(named("agent")))


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


def test_the_row_is_what_was_chosen_last() -> None:
    user = named("agent")
    chosen = [events.FavouriteChosen(user, "mine"), events.FavouriteChosen(user, VIEW, "mine")]
    row = row_of(fold, *chosen)
    assert (row["user_id"], row["view"], row["version"]) == (user, VIEW, 2)
    assert row_of(fold, *chosen, events.FavouriteCleared(user, VIEW))["view"] is None
    assert UUID(STREAM) != favourite_stream(named("admin"))


async def test_each_user_has_one_favourite_of_their_own(world: World) -> None:
    async def first(by: str) -> tuple[str, list[str]]:
        page = await world.read("/v1/views", by)
        return page["opens_first"], [one["view"] for one in page["views"] if one["favourite"]]

    assert await first("agent") == ("all", [])
    await world.happen(STREAM, events.FavouriteChosen(named("agent"), "mine"))
    assert await first("agent") == ("mine", ["mine"])
    assert await first("leader") == ("all", [])
    await world.happen(VIEW, ViewCreated("Own", named("agent")))
    await world.happen(STREAM, events.FavouriteChosen(named("agent"), VIEW, "mine"))
    assert await first("agent") == (VIEW, [VIEW])
    await world.happen(VIEW, ViewDeleted())
    assert await first("agent") == ("all", [])
