"""Without a broker: everything works, fed from the log, and it is said wherever somebody looks."""

import os
from pathlib import Path

import httpx
import pytest

from services.local.demo_keys import demo_keys
from services.local.sample import run_sample
from services.local.stack import running_stack
from services.query.app import FROM_LOG

LEADS = 60
pytestmark = pytest.mark.timeout(300)


async def test_the_sample_on_the_log_transport(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith("LEADS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LEADS_TRANSPORT", "log")
    told: list[str] = []
    async with running_stack(tmp_path, told.append) as stack:
        assert stack.servers.transport == "log"
        assert {"intake", "kafka"}.isdisjoint(stack.servers.supervisor.names())
        summary = await run_sample(stack, told.append, limit=LEADS)
        assert summary.ok, summary.lines()
        assert summary.as_json()["transport"] == "log"
        headers = {"authorization": f"Bearer {demo_keys(tmp_path)['admin']}"}
        async with httpx.AsyncClient(base_url=stack.address, headers=headers) as client:
            ready = await client.get("/readyz")
            assert ready.status_code == 200
            assert ready.json()["warnings"] == {"transport": FROM_LOG}
            page = (await client.get("/v1/leads?limit=1")).json()
            assert page["lag"] == 0
    assert any("not used, LEADS_TRANSPORT=log" in line for line in told)
    assert not (tmp_path / "kafka").exists()
