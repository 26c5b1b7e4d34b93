"""The web UI as built, in a real Chromium, on the real stack with a few hundred leads.

`page` is a tab of the admin; `visits` opens others. What any of them complains of fails the test.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from services.cli_browser import NoChromium, chromium
from tests.browser.visiting import PATIENCE_MS, Visits
from tests.loaded import Loaded, loaded_stack

HERE = Path(__file__).parent
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Nothing is asked of anybody but the stack."""

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser belongs to the loop it was started on, so these tests share one. Whichever comes
    first waits for stack and browser.
    """
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """The stack with the first leads of the sample and all their calls in it."""
    with loaded_stack(tmp_path_factory.mktemp("browsed")) as one:
        yield one


@pytest.fixture
def loaded(shared: Loaded) -> Loaded:
    """The shared stack, once its read models show all that the tests before did."""
    shared.catch_up()
    return shared


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """This machine's Chromium; without one every test fails and says what to do."""
    try:
        path = chromium()
    except NoChromium as reason:
        pytest.fail(str(reason))
    # Its sandbox is of no use to root, and refuses to start.
    sandbox = () if os.geteuid() else ("--no-sandbox",)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visits(browser: Browser, loaded: Loaded, tmp_path: Path) -> AsyncIterator[Visits]:
    """Opens tabs; closes them in the end, and fails on what went wrong in them."""
    visits = Visits(browser, loaded, tmp_path)
    yield visits
    await visits.end()


@pytest_asyncio.fixture(loop_scope="session")
async def page(visits: Visits) -> Page:
    """A tab of the admin, at the page one comes to first."""
    return await visits.open("admin")
