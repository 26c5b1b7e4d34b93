"""Searches ask the index for the rare parts of a text, and find what holds all of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.kit.postgres import connect_pool
from services.query import searching
from services.query.filters_sql import search_texts
from tests.contract.query_service import World, named, running


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


@pytest.mark.parametrize("drawn", [1, 2_000])
async def test_a_text_is_found_whole_whichever_parts_of_it_the_index_is_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch, drawn: int
) -> None:
    texts = (
        "Maria Anna Schmidt", "Anna Maria Schmid", "Mariannas Chmidt", "100% Müller_KG",
        "4711@example.com", "47110@example.org", "711 4711 x", "MARIA ANNA SCHMIDT-47",
    )  # fmt: skip
    for text in texts:
        await world.lead(text, personal_fields={"name": text}, fields={"city": text}, phone=None)
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await pool.execute("analyze read.lead_search")
    await pool.close()
    monkeypatch.setattr(searching, "DRAWN", drawn)
    told = []
    some_of = searching._some_of

    async def noted(connection: Any, sought: Any, rare: Any) -> Any:
        told.append(rare)
        return await some_of(connection, sought, rare)

    monkeypatch.setattr(searching, "_some_of", noted)
    for wanted in (
        "maria anna schmid", "maria anna", "ANNA M", "a sch", "100% mü", "müller_kg", "_kg",
        "4711@example", "711 4711", "711", "example", "nowhere at all", "0711 4711 ",
    ):  # fmt: skip
        found = await world.found({"op": "search", "value": wanted})
        expected = {
            named(text)
            for text in texts
            if any(one in text.lower() for one in search_texts(wanted))
        }
        assert set(found) == expected, wanted
        held = {"op": "contains", "field": "fields.city", "value": wanted}
        expected = {named(text) for text in texts if wanted.lower() in text.lower()}
        assert set(await world.found(held)) == expected, wanted
    assert any(any(rare) for rare in told) == (drawn == 1)


def test_the_parts_that_few_leads_have_together_are_asked_for() -> None:
    assert searching.parts_of("sekeso") == ("sek", "eke", "kes", "eso")
    assert searching.parts_of("4711") == searching.parts_of("müller") == ()
    assert searching.parts_of("o sek!4711") == ("sek", "471", "711")
    assert len(searching.parts_of("a1b2c3d4e5f6g7h8")) <= searching.PARTS_MAX
    # By masks: 90 have only the first part, 6 the second too, 4 the second and third.
    seen, bits = [(1, 90), (3, 6), (6, 4)], {"aaa": 1, "bbb": 2, "ccc": 4}
    assert searching._rarest(seen, bits) == ("ccc", "aaa")
    assert searching._rarest([(7, 10)], bits) == ("aaa",)
    assert searching._rarest([], bits) == ()
