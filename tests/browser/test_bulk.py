"""Bulk changes from the list: what each plan says, why leads are refused, confirmed, cancelled."""

import re

import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.visiting import Visits, accessibility_faults

LIST = "/leads?view=all&filter=name is not empty&columns=name&columns=owner&columns=status"


@pytest_asyncio.fixture(loop_scope="session")
async def chosen(visits: Visits) -> Locator:
    """The bar of an admin's list with the first three leads chosen."""
    page = await visits.open("admin", LIST)
    rows = page.get_by_role("grid").get_by_role("row")
    for place in (1, 2, 3):
        await rows.nth(place).get_by_role("checkbox").check()
    bar = page.get_by_role("region", name="Chosen leads")
    await expect(bar).to_contain_text("3 leads chosen")
    return bar


async def _begin(bar: Locator, command: str) -> Locator:
    """Choose a command of the whole menu; returns the drawer it opens."""
    await bar.get_by_role("button", name="All actions").click()
    await bar.page.get_by_role("menuitem", name=command, exact=True).click()
    return bar.page.get_by_role("dialog", name=f"{command}: 3 leads")


async def _choose(page: Page, field: Locator, option: str) -> None:
    await field.click()
    await page.get_by_role("option", name=option, exact=True).click()


async def test_a_plan_names_the_new_owner_and_a_job_is_cancelled(chosen: Locator) -> None:
    page = chosen.page
    job = await _begin(chosen, "Change owner")
    await _choose(page, job.get_by_role("combobox", name="Owner"), "Amy North")
    await job.get_by_role("button", name="Plan for 3 leads").click()
    leads = job.get_by_role("table", name="Leads of the job")
    await expect(leads.get_by_text("→ Amy North")).to_have_count(3)
    await expect(job.get_by_role("button", name="3 will change")).to_be_visible()
    await expect(job).to_contain_text("Owner: Amy North")
    await job.get_by_role("link", name="Its own page").click()
    await expect(page.get_by_role("heading", name="Bulk change", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Change 3 leads")).to_be_visible()
    assert await accessibility_faults(page) == []

    async def as_if_it_ran(route: Route) -> None:
        """Three leads are done before one could look: what is shown while they are is made up."""
        answer = await route.fetch()
        counts = {"applied": 1, "unchanged": 0, "refused": 0}
        running = {"state": "executing", "executing": {"done": 1, "counts": counts}}
        await route.fulfill(response=answer, json={**await answer.json(), **running})

    one_job = re.compile(r"/v1/bulk-jobs/[0-9a-f-]{36}$")
    await page.route(one_job, as_if_it_ran)
    await page.reload()
    await expect(page.get_by_text("Changing: 1 of 3")).to_be_visible()
    await expect(page.get_by_role("progressbar", name="Changing")).to_have_attribute(
        "aria-valuenow", re.compile("^33")
    )
    assert await accessibility_faults(page) == []
    await page.get_by_role("button", name="Cancel").click()
    await page.unroute_all(behavior="wait")  # one may be on its way
    told = page.get_by_text("It was cancelled before anything was changed.")
    await expect(told).to_be_visible()
    await expect(page.get_by_role("button", name="3 were not reached")).to_be_visible()
    await page.get_by_role("link", name="Bulk changes").first.click()
    await expect(page.get_by_role("row", name="Change owner").first).to_contain_text("Cancelled")


async def test_leads_are_suppressed_once_and_freed_again(chosen: Locator) -> None:
    page = chosen.page
    job = await _begin(chosen, "Suppress")
    await job.get_by_role("button", name="Plan for 3 leads").click()
    await job.get_by_role("button", name="Change 3 leads").click()
    sure = page.get_by_role("dialog", name="Suppress: 3 leads").last
    await expect(sure).to_contain_text("It can be undone afterwards.")
    await sure.get_by_role("button", name="Change 3 leads").click()
    await expect(job.get_by_role("button", name="3 changed")).to_be_visible()
    await job.get_by_role("button", name="Undo", exact=True).click()
    await expect(job.get_by_text("yes → no")).to_have_count(3)
    await job.get_by_role("button", name="Take back 3 leads").click()
    await page.get_by_role("button", name="Take back 3 leads").last.click()
    await expect(job.get_by_role("button", name="3 were taken back")).to_be_visible()


async def test_why_leads_are_refused_is_told_with_counts(chosen: Locator) -> None:
    page = chosen.page
    job = await _begin(chosen, "Clone lead")
    campaign = job.get_by_role("combobox", name="To campaign")
    await campaign.click()
    await page.get_by_role("option").first.click()
    await job.get_by_role("button", name="Plan for 3 leads").click()
    await expect(job.get_by_role("button", name="3 are refused")).to_be_visible()
    why = job.get_by_role("alert", name="Why leads are refused")
    await expect(why.get_by_role("row")).to_contain_text(
        ["The lead is in that campaign already; clone it into another one.3"]
    )
    await expect(job).to_contain_text("When there is a duplicate: Skip")
    await expect(job.get_by_text("There is nothing to change.")).to_be_visible()
    assert await accessibility_faults(page) == []
    async with page.expect_download() as saving:
        await job.get_by_role("button", name="Refused leads as a file").click()
    assert (await saving.value).suggested_filename.startswith("refused-")
    await job.get_by_role("button", name="Drop the plan").click()
    await expect(job.get_by_text("Cancelled", exact=True)).to_be_visible()
