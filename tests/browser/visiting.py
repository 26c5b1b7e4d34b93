"""Tabs of a real browser, signed in as somebody, and all that went wrong in them."""

import secrets
from pathlib import Path
from typing import Any, cast

import httpx
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from services.cli_ui import module_file
from tests.loaded import Loaded

PATIENCE_MS = 30_000
"""For what a person would see at once; a machine that does much else takes its time."""

CALLED_OFF = "net::ERR_ABORTED"
"""A page calls off what it does not need any more, like the live events of the page before."""


class Visits:
    """Opens tabs on the stack, each with a session of its own.

    What a browser tells its developer is a fault here: errors on the console, exceptions, requests
    that failed. `provoke` names one that a test means to see; it must then come.
    """

    def __init__(self, browser: Browser, loaded: Loaded, shots: Path) -> None:
        self._browser = browser
        self._loaded = loaded
        self._shots = shots
        self._contexts: list[BrowserContext] = []
        self._faults: list[str] = []
        self._provoked: list[str] = []

    async def open(self, user: str = "", path: str = "/", *, width: int = 1440) -> Page:
        """A tab at `path` of the UI, signed in as that demo user, "" for nobody."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": 900},
            locale="en-GB",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
        )
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._faults.append(f"exception: {error}"))
        page.on("requestfailed", self._failed)
        key = f"#key={self._loaded.key(user)}" if user else ""
        await page.goto(f"{self._loaded.stack.address}/ui{path}{key}")
        if user:
            await expect(page.get_by_role("button", name="Account")).to_be_visible()
        return page

    def provoke(self, text: str) -> None:
        """Expect a fault that holds `text`, as often as it comes."""
        self._provoked.append(text)

    async def give(self, user: str, path: str, body: object) -> dict[str, Any]:
        """Give a command past the browser, as somebody else would meanwhile; returns its answer
        once the read models show it.
        """
        key = self._loaded.key(user)
        headers = {"authorization": f"Bearer {key}", "idempotency-key": secrets.token_hex(16)}
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as client:
            answered = await client.post(f"{self._loaded.stack.address}{path}", json=body)
        assert answered.is_success, answered.text
        self._loaded.catch_up()
        return cast("dict[str, Any]", answered.json())

    async def read(self, user: str, path: str) -> dict[str, Any]:
        """Read past the browser, in the sight of that user."""
        headers = {"authorization": f"Bearer {self._loaded.key(user)}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as client:
            answered = await client.get(f"{self._loaded.stack.address}{path}")
        assert answered.is_success, answered.text
        return cast("dict[str, Any]", answered.json())

    async def shot(self, page: Page, name: str) -> Path:
        """A picture of the whole page, in the folder of this test run's leftovers."""
        path = self._shots / f"{name}.png"
        await page.screenshot(path=path, full_page=True)
        return path

    async def end(self) -> None:
        """Close all tabs; fails on what went wrong in any of them."""
        for context in self._contexts:
            await context.close()
        unexpected = [
            fault for fault in self._faults if not any(text in fault for text in self._provoked)
        ]
        assert not unexpected, "in the browser:\n" + "\n".join(unexpected)
        missing = [
            text for text in self._provoked if not any(text in fault for fault in self._faults)
        ]
        assert not missing, f"never came: {missing}"

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        if request.failure != CALLED_OFF:
            self._faults.append(f"request: {request.method} {request.url}: {request.failure}")


async def accessibility_faults(page: Page) -> list[str]:
    """What axe-core finds on the page as it stands, a line for each rule that is broken."""
    await page.evaluate(module_file("axe-core/axe.min.js").read_text())
    found = await page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: "
        + "; ".join(" ".join(map(str, node["target"])) for node in rule["nodes"])
        for rule in found["violations"]
    ]
