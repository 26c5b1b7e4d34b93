"""A filter finds exactly the leads that plain Python would: listed, counted, broken down, paged."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.filter_text import print_filter, read_filter
from schemas.filters import FilterInvalid, check_filter
from services.kit.postgres import connect_pool
from services.projections import lead, lead_log
from services.projections.registry import MODELS
from services.projections.tables import Tables
from tests.contract.query_service import NOON, World, running
from tests.property.filter_trees import KINDS, log_of, rows, trees
from tests.property.plain_filters import matches

ROWS = rows(150)
LOGS = {row["lead_id"]: log_of(row) for row in ROWS}


class Leads:
    """A query service over the random leads, spoken to from plain functions."""

    def __init__(self, runner: asyncio.Runner, world: World) -> None:
        self.run = runner.run
        self.world = world

    def asked(self, path: str, body: dict[str, Any]) -> Any:
        return self.run(self.world.asked(path, body))


@pytest.fixture
def leads(database_url: str) -> Iterator[Leads]:
    with asyncio.Runner() as runner:
        context = running(database_url)
        world = runner.run(context.__aenter__())
        runner.run(_store(database_url))
        yield Leads(runner, world)
        runner.run(context.__aexit__(None, None, None))


async def _store(url: str) -> None:
    pool = await connect_pool(url, "leads_projections", largest=1)
    async with pool.acquire() as connection, connection.transaction():
        tables = await Tables.read(connection, MODELS)
        await tables.write(connection, lead.MODEL, ROWS, [])
        entries = [entry for log in LOGS.values() for entry in log]
        await tables.write(connection, lead_log.MODEL, entries, [])
    await pool.close()


def expected(tree: Any) -> set[str]:
    return {
        str(row["lead_id"]) for row in ROWS if matches(tree, row, LOGS[row["lead_id"]], KINDS, NOON)
    }


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=trees())
def test_a_filter_finds_what_plain_python_finds(leads: Leads, tree: Any) -> None:
    wanted = expected(tree)
    raw = tree.model_dump(mode="json")
    page = leads.asked("/v1/leads/search", {"filter": raw, "limit": 1000, "columns": ["status"]})
    assert {one["lead_id"] for one in page["leads"]} == wanted
    count = leads.asked("/v1/leads/count", {"filter": raw})
    assert (count["count"], count["exact"]) == (len(wanted), True)
    spread = leads.asked("/v1/leads/breakdown", {"filter": raw, "field": "status"})
    assert spread["total"] == len(wanted)
    assert sum(part["count"] for part in spread["parts"]) == len(wanted)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    fields=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3, unique=True),
    descending=st.lists(st.booleans(), min_size=3, max_size=3),
    limit=st.integers(1, 80),
)
def test_pages_in_any_order_hold_every_lead_once_forth_and_back(
    leads: Leads, fields: list[str], descending: list[bool], limit: int
) -> None:
    sort = [
        {"field": field, "descending": way} for field, way in zip(fields, descending, strict=False)
    ]
    body = {"sort": sort, "columns": ["lead_id"]}
    whole = [
        one["lead_id"] for one in leads.asked("/v1/leads/search", {**body, "limit": 1000})["leads"]
    ]
    assert sorted(whole) == sorted(str(row["lead_id"]) for row in ROWS)
    _check_order(whole, fields, descending)
    forth: list[str] = []
    page = leads.asked("/v1/leads/search", {**body, "limit": limit})
    while True:
        forth += [one["lead_id"] for one in page["leads"]]
        if page["next"] is None:
            break
        page = leads.asked("/v1/leads/search", {**body, "limit": limit, "cursor": page["next"]})
    assert forth == whole
    back = [one["lead_id"] for one in page["leads"]]
    while page["previous"] is not None:
        page = leads.asked("/v1/leads/search", {**body, "limit": limit, "cursor": page["previous"]})
        back = [one["lead_id"] for one in page["leads"]] + back
    assert back == whole


def _check_order(whole: list[str], fields: list[str], descending: list[bool]) -> None:
    """Missing values come last, whichever way the first column goes."""
    by_id = {str(row["lead_id"]): row for row in ROWS}
    values = []
    for lead_id in whole:
        row = by_id[lead_id]
        name = fields[0]
        custom = name.removeprefix("fields.")
        values.append(row["fields"].get(custom) if name != custom else row[name])
    present = [value for value in values if value is not None]
    assert values[: len(present)] == present
    if not any(isinstance(value, str) and not value.isascii() for value in present):
        assert present == sorted(present, reverse=descending[0], key=_plain)


def _plain(value: Any) -> Any:
    return str(value) if not isinstance(value, (int, float, str)) else value


@settings(max_examples=300, deadline=None)
@given(trees())
def test_the_text_form_says_the_same_tree(tree: Any) -> None:
    assert read_filter(print_filter(tree)) == tree


@settings(max_examples=200, deadline=None)
@given(st.text('() =<>!,[]"ab1.and or not in is log search status', max_size=60))
def test_reading_any_text_gives_a_tree_or_says_what_is_wrong(text: str) -> None:
    with suppress(FilterInvalid):
        tree = read_filter(text)
        assert read_filter(print_filter(tree)) == tree


@settings(max_examples=200, deadline=None)
@given(trees())
def test_trees_for_known_fields_pass_the_check(tree: Any) -> None:
    check_filter(tree, KINDS)
