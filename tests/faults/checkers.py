"""The five checks after every run, whatever was broken in it.

1 what was answered is in the log, whole and once; what was refused is not. 2 positions and versions
without a gap. 3 every read model is a fold of the log. 4 the chain verifies. 5 no part lost an
exception.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from schemas.envelope import Recorded
from services.kit.keys import SigningKey
from services.kit.verify import verify
from services.projections.check import check
from tests.faults.cluster import Cluster
from tests.faults.workload import Answered, Workload

LOST = re.compile(
    r"^Traceback|Task exception was never retrieved|Unclosed|was never awaited", re.MULTILINE
)


async def five_checks(cluster: Cluster, work: Workload) -> None:
    """Wait until all is visible, then check; raises AssertionError with what does not hold."""
    await cluster.settled()
    settings = cluster.settings
    async with cluster.log() as log:
        recorded = await log.read(0, 1_000_000)
    answered_once(recorded, work.answers)
    calls_once(recorded, work.calls)
    without_gaps(recorded)
    checked = await check(settings.database_url, settings.master_key)
    assert checked.equal, checked.differences
    connection = await asyncpg.connect(cluster.owner_url)
    try:
        anchor = settings.data_dir / "seals.ndjson"
        public = SigningKey(settings.signing_key).public
        verdict = await verify(connection, public, anchor)
    finally:
        await connection.close()
    assert verdict.ok, verdict.fault
    assert verdict.events >= len(recorded), "what the clock set off since may come in addition"
    nothing_lost(cluster.logs())


def answered_once(recorded: Sequence[Recorded], answers: Sequence[Answered]) -> None:
    """Each command's events are in the log as its answer says, or not at all if it was refused."""
    by_cause: dict[str, list[Recorded]] = {}
    for one in recorded:
        by_cause.setdefault(one.origin.cause, []).append(one)
    for answer in answers:
        events = by_cause.get(f"command:{answer.command_id}", [])
        if answer.status >= 400:
            assert not events, (answer, events)
            continue
        own = [one for one in events if one.stream_id == UUID(answer.body["id"])]
        assert [type(one.event).TOPIC for one in own] == answer.body["events"], (answer, events)
        if own:
            assert own[-1].version == answer.body["version"], (answer, own)
            assert events[-1].position == answer.body["position"], (answer, events)
    known = {answer.command_id for answer in answers}
    assert len(known) == len(answers)


def calls_once(recorded: Sequence[Recorded], calls: Mapping[str, str]) -> None:
    """Each call that was told is in its lead's stream exactly once."""
    found = Counter(
        (vars(one.event)["call_id"], str(one.stream_id))
        for one in recorded
        if type(one.event).TOPIC == "lead.call_recorded"
    )
    assert found == Counter(calls.items())


def without_gaps(recorded: Sequence[Recorded]) -> None:
    """Positions from 1 on, and versions from 1 on in each stream, in that order."""
    versions: dict[UUID, int] = {}
    for place, one in enumerate(recorded, 1):
        assert one.position == place
        assert one.version == versions.get(one.stream_id, 0) + 1
        versions[one.stream_id] = one.version


def nothing_lost(logs: Mapping[str, str]) -> None:
    """No part wrote of an exception that nobody handled."""
    for part, text in logs.items():
        if part not in ("postgres", "kafka"):
            found = LOST.search(text)
            assert not found, f"{part}: {text[found.start() : found.start() + 3000]}"
