"""Views over HTTP: versions and If-Match, whose they are, the favourite of the caller."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from schemas.favourite import FavouriteChosen
from schemas.segment import SegmentCreated, SegmentFilterErased
from schemas.view import ViewCreated, ViewErased
from services.command.app import open_commanding
from services.command.hashes import favourite_stream
from services.kit.ids import new_id
from services.kit.settings import Settings
from tests.contract.command_service import NORTH, USER_IDS, Service, running
from tests.kit.event_logs import append

READY = {"op": "equals", "field": "status", "value": "ready"}


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


async def view(service: Service, by: str = "agent") -> str:
    body = {"name": "Ready", "filter": READY, "columns": ["name"]}
    made = await service.post("/v1/views", body, by)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/v1/views/{made.json()['id']}"
    return str(made.json()["id"])


async def test_edits_on_an_old_version_pass_where_nobody_touched_the_same(
    service: Service,
) -> None:
    place = f"/v1/views/{await view(service)}"
    await service.done(f"{place}/change", {"columns": ["status"]}, "agent")
    seen = {"If_Match": '"1"'}
    renamed = await service.post(f"{place}/rename", {"name": "Mine"}, "agent", **seen)
    assert (renamed.status_code, renamed.headers["etag"]) == (200, '"3"')
    sort = {"sort": [{"field": "name"}]}
    assert (await service.post(f"{place}/change", sort, "agent", **seen)).status_code == 200
    same = await service.post(f"{place}/change", {"columns": ["phone"]}, "agent", **seen)
    assert (same.status_code, same.json()["changed"]) == (412, ["columns"])
    back = await service.done(f"{place}/revert", {"version": 1}, "agent")
    assert back["events"] == ["view.renamed", "view.changed"]


async def test_a_private_view_is_not_there_for_others_and_a_shared_one_as_it_is_shared(
    service: Service,
) -> None:
    place = f"/v1/views/{await view(service, 'team_leader')}"
    rename = (f"{place}/rename", {"name": "X"})
    for by in ("agent", "admin", "auditor"):
        assert (await service.post(*rename, by)).status_code == 404
    await service.done(f"{place}/share", {"to": [NORTH]}, "team_leader")
    refused = await service.post(*rename, "agent")
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["code"] == "view-out-of-reach"
    copy = {"view": place.rpartition("/")[2], "name": "Copy"}
    copied = await service.post("/v1/views/copy", copy, "agent")
    assert copied.status_code == 201
    assert (await service.post("/v1/views/copy", copy, "admin")).status_code == 422
    await service.done(f"{place}/share", {"to": [NORTH], "may": "edit"}, "team_leader")
    assert (await service.post(*rename, "agent")).status_code == 200
    assert (await service.post(*rename, "dialer")).status_code == 403


async def test_a_favourite_is_the_callers_own(service: Service) -> None:
    chosen = await service.done("/v1/favourite-view/choose", {"view": "mine"}, "agent")
    assert chosen["id"] == str(favourite_stream(USER_IDS["agent"]))
    await service.done("/v1/favourite-view/choose", {"view": "locked"}, "admin")
    own = {"view": await view(service)}
    await service.done("/v1/favourite-view/choose", own, "agent")
    events = await service.events(chosen["id"])
    assert events == [
        FavouriteChosen(USER_IDS["agent"], "mine"),
        FavouriteChosen(USER_IDS["agent"], own["view"], previous="mine"),
    ]
    refused = await service.post("/v1/favourite-view/choose", own, "admin")
    assert refused.status_code == 422
    again = await service.done("/v1/favourite-view/choose", own, "agent")
    assert again["changed"] is False


async def test_a_number_is_erased_in_views_too(service: Service) -> None:
    phone = "+14155550188"
    tree = {"op": "contains", "field": "phone", "value": phone}
    made = await service.done("/v1/views", {"name": "Ann", "filter": tree}, "agent")
    copy = {"view": made["id"], "name": "Copy"}
    copied = await service.done("/v1/views/copy", copy, "agent")
    other = await view(service)
    await service.done("/v1/do-not-call/erase-number", {"number": phone, "reason": "asked"})
    for one in (made["id"], copied["id"]):
        first, last = await service.events(one)
        assert isinstance(first, ViewCreated)
        assert (first.filter, last) == (None, ViewErased("asked"))
        refused = await service.post(f"/v1/views/{one}/restore", {}, "agent")
        assert refused.json()["errors"][0]["code"] == "view-erased"
    assert len(await service.events(other)) == 1


async def test_what_was_stored_before_numbers_were_noted_is_found_too(
    service: Service, database_url: str
) -> None:
    phone, log = "+14155550187", service.commanding.log
    tree = {"op": "equals", "field": "phone", "value": phone}
    saved, segment, other = new_id(), new_id(), new_id()
    await log.append(append(saved, 0, ViewCreated("Ann", USER_IDS["agent"], filter=tree)))
    await log.append(append(segment, 0, SegmentCreated("Ann", tree)))
    await log.append(append(other, 0, SegmentCreated("Ready", READY)))
    key = bytes(range(32))
    settings = Settings(database_url, "", "log", key, key, 0, 0, Path())
    for _ in range(2):  # Every start looks whether it was done.
        async with open_commanding(settings, service.clock):
            pass
    erase = {"number": phone, "reason": "asked"}
    answer = await service.done("/v1/do-not-call/erase-number", erase)
    assert {one["id"] for one in answer["others"]} == {str(saved), str(segment)}
    assert (await service.events(str(saved)))[-1] == ViewErased("asked")
    assert (await service.events(str(segment)))[-1] == SegmentFilterErased("asked")
    again = await service.done("/v1/do-not-call/erase-number", erase)
    assert again["changed"] is False


async def test_what_is_no_view_is_refused_with_every_reason(service: Service) -> None:
    twice = {"field": "name"}
    body: dict[str, Any] = {"name": "X", "columns": ["name", "name"], "sort": [twice, twice]}
    refused = await service.post("/v1/views", body, "agent")
    assert refused.status_code == 422
    assert {one["pointer"] for one in refused.json()["errors"]} == {"/columns", "/sort"}
    body = {"name": "", "filter": {"op": "is"}, "columns": ["a;drop"], "more": 1}
    refused = await service.post("/v1/views", body, "agent")
    assert refused.status_code == 422
    assert len(refused.json()["errors"]) == 4
