"""kill -9 of the command service around its append, and answers that the database's line lost:
whoever asks again with the same key hears the one answer of the one effect.
"""

import asyncio
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.kit.eventlog import EventLog
from tests.faults.command_process import let_users_in, serving
from tests.kit.event_logs import opened, verdict_on
from tests.kit.swallowing_proxy import SwallowingProxy

AT_ONCE = 12


async def create(client: httpx.AsyncClient, place: int, campaign: str) -> httpx.Response:
    """A lead of its own for each place, under its own key."""
    return await client.post(
        "/v1/leads",
        json={"campaign_id": campaign, "phone": f"+141555501{place:02d}"},
        headers={"idempotency-key": f"lead-{place}"},
    )


async def campaign_in(client: httpx.AsyncClient) -> str:
    answer = await client.post("/v1/campaigns", json={"name": "Spring"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def leads_of(log: EventLog) -> dict[str, int]:
    streams = await log.streams_of("lead")
    return {str(stream): version for stream, version in (await log.versions(streams)).items()}


@pytest.mark.parametrize("place", ["append.before", "append.after"])
async def test_killed_around_the_append_each_command_has_one_effect_and_one_answer(
    database_url: str, owner_url: str, tmp_path: Path, place: str
) -> None:
    await let_users_in(database_url)
    # The campaign is the first append, the leads come with those after it.
    async with serving(database_url, tmp_path, f"{place}:kill:3") as (client, process):
        campaign = await campaign_in(client)
        first: list[Any] = []
        for round_ in range(3):
            asked = [create(client, round_ * AT_ONCE + n, campaign) for n in range(AT_ONCE)]
            first += await asyncio.gather(*asked, return_exceptions=True)
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    unanswered = [n for n, one in enumerate(first) if isinstance(one, httpx.TransportError)]
    assert unanswered
    async with opened(database_url) as log:
        stored = await leads_of(log)
    async with serving(database_url, tmp_path) as (client, _):
        again = [await create(client, n, campaign) for n in range(3 * AT_ONCE)]
        once_more = [await create(client, n, campaign) for n in range(3 * AT_ONCE)]
    assert {one.status_code for one in again} == {201}, [one.text for one in again]
    assert [one.json() for one in once_more] == [one.json() for one in again]
    for n, one in enumerate(first):
        if isinstance(one, httpx.Response):
            assert again[n].json() == one.json()
    replayed = {one.json()["id"] for one in again if "idempotency-replayed" in one.headers}
    assert replayed == set(stored), "what had been stored is repeated, all else is done now"
    async with opened(database_url) as log:
        assert await leads_of(log) == {one.json()["id"]: 1 for one in again}
    verdict = await verdict_on(owner_url)
    assert verdict.ok, verdict.fault


async def test_a_lost_answer_of_the_database_is_no_matter_to_the_client(
    database_url: str, tmp_path: Path
) -> None:
    """Every third answer to an append is lost after its commit."""
    await let_users_in(database_url)
    async with SwallowingProxy(database_url) as proxy:
        async with serving(proxy.url, tmp_path) as (client, _):
            campaign = await campaign_in(client)
            answers = []
            for n in range(60):
                proxy.answers = int(n % 3 == 0)
                answers.append(await create(client, n, campaign))
        assert proxy.swallowed == 20
    assert {one.status_code for one in answers} == {201}, [one.text for one in answers]
    async with opened(database_url) as log:
        assert await leads_of(log) == {one.json()["id"]: 1 for one in answers}


async def test_sigterm_lets_what_is_under_way_be_answered(
    database_url: str, tmp_path: Path
) -> None:
    await let_users_in(database_url)
    async with serving(database_url, tmp_path) as (client, process):
        campaign = await campaign_in(client)
        asked = [asyncio.ensure_future(create(client, n, campaign)) for n in range(40)]
        await asyncio.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert await asyncio.wait_for(process.wait(), 60) == 0
    made = {
        one.json()["id"]: 1
        for one in outcomes
        if isinstance(one, httpx.Response) and one.status_code == 201
    }
    async with opened(database_url) as log:
        assert await leads_of(log) == made, "everything that was done was answered"
