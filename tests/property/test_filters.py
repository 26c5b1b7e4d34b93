"""A filter finds exactly the leads that plain Python would: listed, counted, broken down, paged."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.envelope import Origin, Recorded
from schemas.filter_text import print_filter, read_filter
from schemas.filters import FilterInvalid, check_filter
from schemas.pool import PoolCreated
from schemas.rights import TeamTree, sees, sight_of
from schemas.segment import SegmentCreated
from services.kit.postgres import connect_pool
from services.projections import lead, lead_log, pool, segment
from services.projections.field_indexes import choose
from services.projections.model import StreamRow, Writes
from services.projections.registry import MODELS
from services.projections.tables import Tables
from tests.contract.query_service import NOON, SPRING, TEAMS, USERS, World, named, running
from tests.property.filter_trees import KINDS, POOLS, SEGMENTS, SORTED, log_of, rows, trees
from tests.property.plain_filters import matches, value_of

ROWS = rows(150)
LOGS = {row["lead_id"]: log_of(row) for row in ROWS}
INDEXED = ("age", "seen")
"""Fields with an index are asked about in another way."""
CALLERS = ("admin", "leader", "agent")
"""For who sees little leads are found in another way."""
TREE = TeamTree(
    {named(one): None if above is None else named(above) for one, above in TEAMS.items()},
    {
        named(one): [named(user) for user, (of_team, _, _) in USERS.items() if of_team == one]
        for one in TEAMS
    },
)
SIGHTS = {
    by: sight_of(role, rights, named(by), named(of_team), TREE)
    for by, (of_team, role, rights) in USERS.items()
}
BROKEN_DOWN = ("status", "owner", "active", "pool_name", "segment_name", "fields.tier")


class Leads:
    """A query service over the random leads, spoken to from plain functions."""

    def __init__(self, runner: asyncio.Runner, world: World, writer: Any) -> None:
        self.run = runner.run
        self.world = world
        self.writer = writer
        self.versions = Counter({row["lead_id"]: 1 for row in ROWS})

    def asked(self, path: str, body: dict[str, Any], by: str = "admin") -> Any:
        return self.run(self.world.asked(path, body, by))

    def selected(self, tree: Any, by: str) -> dict[str, int]:
        """Freeze what the filter finds; return the leads of the selection with their versions."""
        answer = self.run(self.world.post("/v1/selections", {"filter": tree}, by))
        assert answer.status_code == 201, answer.text
        asked = "select lead_id, version from job.selected where selection_id = $1"
        found = self.run(self.world.reading.pool.fetch(asked, UUID(answer.json()["id"])))
        assert answer.json()["count"] == len(found)
        return {str(row["lead_id"]): row["version"] for row in found}

    def write(self, changed: Sequence[dict[str, Any]]) -> None:
        """Store these leads anew, as the projections would after more events."""
        self.versions.update(row["lead_id"] for row in changed)
        newer = [{**row, "version": self.versions[row["lead_id"]]} for row in changed]
        self.run(_write(self.writer, [(lead.MODEL, newer)]))


@pytest.fixture
def leads(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Leads]:
    monkeypatch.setattr("services.query.lead.PROBED_MAX", 9)
    # Of what does not fill a page then, some is sorted and some looked for along its order.
    monkeypatch.setattr("services.query.lead.SIGHT_SORTED", 0)
    monkeypatch.setattr("services.query.lead.SORTED_COST", 9.0)
    with asyncio.Runner() as runner:
        context = running(database_url)
        world = runner.run(context.__aenter__())
        writer = runner.run(connect_pool(database_url, "leads_projections", largest=2))
        runner.run(_store(writer))
        yield Leads(runner, world, writer)
        runner.run(writer.close())
        runner.run(context.__aexit__(None, None, None))


async def _store(writer: Any) -> None:
    entries = [entry for log in LOGS.values() for entry in log]
    pools = [_pointed(pool.MODEL, key, row) for key, row in POOLS.items()]
    segments = [_pointed(segment.MODEL, key, row) for key, row in SEGMENTS.items()]
    stored = [(lead.MODEL, ROWS), (lead_log.MODEL, entries)]
    await _write(writer, [*stored, (pool.MODEL, pools), (segment.MODEL, segments)])
    for name in INDEXED:
        await choose(writer, name)


def _pointed(model: StreamRow, key: str | None, row: dict[str, Any]) -> dict[str, Any]:
    """A whole row of a pool or a segment."""
    happened = PoolCreated("", SPRING) if model is pool.MODEL else SegmentCreated("")
    made = Recorded(1, UUID(key), 1, NOON, NOON, Origin("user:a", "command:x"), happened)
    return {**model.fold(None, made), **row}


async def _write(writer: Any, stored: Sequence[tuple[Any, Any]]) -> None:
    async with writer.acquire() as connection, connection.transaction():
        tables = await Tables.read(connection, MODELS)
        for model, written in stored:
            await tables.write(connection, model, {UUID(int=1): Writes(written)})


def expected(tree: Any, by: str) -> list[dict[str, Any]]:
    return [
        row
        for row in ROWS
        if sees(SIGHTS[by], row["owner"], row["active"], row["user_processed_by"])
        and (tree is None or matches(tree, row, LOGS[row["lead_id"]], KINDS, NOON))
    ]


@settings(max_examples=200)
@given(tree=trees(), field=st.sampled_from(BROKEN_DOWN), by=st.sampled_from(CALLERS))
def test_a_filter_finds_what_plain_python_finds(
    leads: Leads, tree: Any, field: str, by: str
) -> None:
    found = expected(tree, by)
    wanted = {str(row["lead_id"]) for row in found}
    raw = tree.model_dump(mode="json")
    body = {"filter": raw, "limit": 1000, "columns": ["status"]}
    page = leads.asked("/v1/leads/search", body, by)
    assert {one["lead_id"] for one in page["leads"]} == wanted
    assert len(page["leads"]) == len(wanted)
    count = leads.asked("/v1/leads/count", {"filter": raw}, by)
    assert (count["count"], count["exact"]) == (len(wanted), True)
    assert leads.selected(raw, by) == dict.fromkeys(wanted, 1)
    spread = leads.asked("/v1/leads/breakdown", {"filter": raw, "field": field}, by)
    values = Counter(value_of(field, KINDS[field], row) for row in found)
    empty = values.pop(None, 0) + values.pop("", 0)
    assert {part["value"]: part["count"] for part in spread["parts"]} == values
    assert (spread["empty"], spread["other"], spread["total"]) == (empty, 0, len(found))
    assert spread["exact"]


@settings(max_examples=25)
@given(
    fields=st.lists(st.sampled_from(SORTED), min_size=1, max_size=3, unique=True),
    descending=st.lists(st.booleans(), min_size=3, max_size=3),
    limit=st.integers(1, 80),
    by=st.sampled_from(CALLERS),
)
def test_pages_in_any_order_hold_every_lead_once_forth_and_back(
    leads: Leads, fields: list[str], descending: list[bool], limit: int, by: str
) -> None:
    sort = [
        {"field": field, "descending": way} for field, way in zip(fields, descending, strict=False)
    ]
    body = {"sort": sort, "columns": ["lead_id"]}

    def asked(**more: Any) -> Any:
        return leads.asked("/v1/leads/search", {**body, **more}, by)

    whole = [one["lead_id"] for one in asked(limit=1000)["leads"]]
    assert sorted(whole) == sorted(str(row["lead_id"]) for row in expected(None, by))
    _check_order(whole, fields, descending)
    forth: list[str] = []
    page = asked(limit=limit)
    while True:
        forth += [one["lead_id"] for one in page["leads"]]
        if page["next"] is None:
            break
        page = asked(limit=limit, cursor=page["next"])
    assert forth == whole
    back = [one["lead_id"] for one in page["leads"]]
    while page["previous"] is not None:
        page = asked(limit=limit, cursor=page["previous"])
        back = [one["lead_id"] for one in page["leads"]] + back
    assert back == whole


def _check_order(whole: list[str], fields: list[str], descending: list[bool]) -> None:
    """Missing values come last, whichever way the first column goes."""
    by_id = {str(row["lead_id"]): row for row in ROWS}
    values = [value_of(fields[0], KINDS[fields[0]], by_id[lead_id]) for lead_id in whole]
    present = [value for value in values if value is not None]
    assert values[: len(present)] == present
    if not any(isinstance(value, str) and not value.isascii() for value in present):
        assert present == sorted(present, reverse=descending[0])


TOUCHED = ROWS[::3]
UNTOUCHED = [row for place, row in enumerate(ROWS) if place % 3]


@settings(max_examples=25)
@given(
    fields=st.lists(st.sampled_from(SORTED), min_size=1, max_size=2, unique=True),
    descending=st.booleans(),
    limit=st.integers(15, 60),
    tree=st.none() | trees(),
    seed=st.integers(0, 2**32),
    by=st.sampled_from(CALLERS),
)
def test_pages_of_a_changing_list_show_what_stays_once_and_miss_nothing(
    leads: Leads, fields: list[str], descending: bool, limit: int, tree: Any, seed: int, by: str
) -> None:
    chance = random.Random(seed)
    body: dict[str, Any] = {
        "sort": [{"field": field, "descending": descending} for field in fields],
        "columns": ["lead_id"],
        "limit": limit,
        "filter": None if tree is None else tree.model_dump(mode="json"),
    }
    found = [row for row in expected(tree, by) if row in UNTOUCHED]
    staying = {str(row["lead_id"]) for row in found}

    def next_page(cursor: str | None) -> Any:
        """Others change, come and go before every page."""
        changed = []
        for one in chance.sample(TOUCHED, 4):
            other = {**chance.choice(ROWS), "lead_id": one["lead_id"]}
            changed.append({**other, "deleted": chance.random() < 0.3})
        leads.write(changed)
        return leads.asked("/v1/leads/search", {**body, "cursor": cursor}, by)

    def shown(page: Any) -> list[str]:
        return [one["lead_id"] for one in page["leads"] if one["lead_id"] in staying]

    page = next_page(None)
    forth = shown(page)
    while page["next"] is not None:
        page = next_page(page["next"])
        forth += shown(page)
    assert Counter(forth) == Counter(staying)
    back = shown(page)
    while page["previous"] is not None:
        page = next_page(page["previous"])
        back = shown(page) + back
    assert back == forth
    leads.write(TOUCHED)


@settings(max_examples=300)
@given(trees())
def test_the_text_form_says_the_same_tree(tree: Any) -> None:
    assert read_filter(print_filter(tree)) == tree


@settings(max_examples=200)
@given(st.text('() =<>!,[]"ab1.and or not in is log search status', max_size=60))
def test_reading_any_text_gives_a_tree_or_says_what_is_wrong(text: str) -> None:
    with suppress(FilterInvalid):
        tree = read_filter(text)
        assert read_filter(print_filter(tree)) == tree


@settings(max_examples=200)
@given(trees())
def test_trees_for_known_fields_pass_the_check(tree: Any) -> None:
    check_filter(tree, KINDS)
