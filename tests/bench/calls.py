"""Dialer calls, from the topic `dialer.calls` to the read model: everything on real servers."""

from services.local.sample import load_sample
from tests.bench.harness import Result, Stack, reached, tell

CLIENTS = 20_000


async def run(stack: Stack) -> Result:
    """Load the sample's leads, let the dialer tell their calls, wait until all are visible."""
    services = await stack.services()
    assert services.servers.transport == "kafka", "this is about Kafka"
    loading = await load_sample(services, tell, limit=CLIENTS)
    assert loading is not None, "loaded before"
    detail = {"calls": loading.calls, "leads/s": loading.leads_per_second}
    return reached("calls", loading.calls_per_second, "calls/s", 5_000, detail)
