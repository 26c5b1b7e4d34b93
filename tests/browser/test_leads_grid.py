"""The list of leads: filtered, kept as a view, chosen, changed in bulk, taken back."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.visiting import Visits, accessibility_faults

WON = '?filter=status = "success"'


def _count(page: Page) -> Locator:
    return page.get_by_role("status", name="Number of leads")


async def _number(page: Page) -> int:
    await expect(_count(page)).to_have_text(re.compile(r"^\d+ leads?$"))
    return int((await _count(page).inner_text()).split()[0])


async def test_a_filter_is_kept_as_a_view_and_found_again(visits: Visits) -> None:
    page = await visits.open("team_leader", "/leads?view=all")
    everybody = await _number(page)
    await page.get_by_role("button", name="Status", exact=True).click()
    await page.get_by_role("checkbox", name="Success", exact=True).check()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("group", name="What is filtered")).to_contain_text("Success")
    await expect(_count(page)).not_to_have_text(f"{everybody} leads")
    won = await _number(page)
    assert 0 < won < everybody
    assert await accessibility_faults(page) == []

    await page.get_by_role("button", name="Save as").click()
    await page.get_by_label("Name of the view").fill("Won here")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Won here")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Won here")).to_be_visible()
    assert await _number(page) == won
    mine = page.get_by_role("region", name="My views")
    await expect(mine).to_contain_text(str(won))

    await mine.get_by_role("button", name="Let Won here open first").click()
    await page.goto(page.url.split("?")[0])
    await expect(page.get_by_role("heading", name="Won here")).to_be_visible()

    await mine.get_by_role("button", name="What to do with Won here").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await expect(page.get_by_text("“Won here” is deleted.")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(mine).to_contain_text("Won here")


async def test_all_that_match_are_changed_as_planned_and_taken_back(visits: Visits) -> None:
    page = await visits.open("admin", f"/leads{WON}&columns=name&columns=priority")
    won = await _number(page)
    await page.get_by_role("checkbox", name="Choose the rows that are loaded").check()
    chosen = page.get_by_role("region", name="Chosen leads")
    everyone = chosen.get_by_role("button", name=f"Select all {won} that match")
    if await everyone.count():
        await everyone.click()
    await expect(chosen).to_contain_text(f"{won} leads chosen")

    await chosen.get_by_role("button", name="Set priority").click()
    job = page.get_by_role("dialog", name=re.compile("Set priority"))
    await job.get_by_role("combobox", name="Priority").click()
    await page.get_by_role("option", name="9", exact=True).click()
    await job.get_by_role("button", name=f"Plan for {won} leads").click()
    await expect(job.get_by_role("table", name="Leads of the job")).to_contain_text("5 → 9")
    await job.get_by_role("button", name=f"Change {won} leads").click()
    await page.get_by_role("button", name=f"Change {won} leads").last.click()
    undo = job.get_by_role("button", name="Undo")
    await expect(undo).to_be_visible()

    await undo.click()
    back = job.get_by_role("button", name=f"Take back {won} leads")
    await back.click()
    await page.get_by_role("button", name=f"Take back {won} leads").last.click()
    await expect(job.get_by_role("button", name="Show what it takes back")).to_be_visible()
    await expect(job).to_contain_text("finished", ignore_case=True)


async def test_columns_are_added_moved_looked_into_and_taken_out(page: Page) -> None:
    await _number(page)
    headers = page.get_by_role("grid").get_by_role("columnheader")
    await page.get_by_role("button", name="Columns", exact=True).click()
    await page.get_by_label("Find a column").fill("Yearly balance")
    await page.get_by_role("checkbox", name="Yearly balance, EUR").check()
    await page.keyboard.press("Escape")
    balance = headers.filter(has_text="Yearly balance, EUR")
    await expect(balance).to_be_visible()
    await expect(headers.last).to_contain_text("Yearly balance, EUR")

    await balance.hover()
    await balance.get_by_role("button", name="What to do with Yearly balance, EUR").click()
    await page.get_by_role("menuitem", name="Move left").click()
    await expect(headers.last).not_to_contain_text("Yearly balance, EUR")

    await balance.hover()
    await balance.get_by_role("button", name="What to do with Yearly balance, EUR").click()
    await page.get_by_role("menuitem", name="Sort, greatest first").click()
    await expect(page).to_have_url(re.compile("sort=.*balance"))

    status = headers.filter(has_text="Status").first
    await status.hover()
    await status.get_by_role("button", name="How Status spreads").hover()
    spread = page.get_by_role("table", name="Leads by Status")
    await expect(spread).to_contain_text("Not interested")
    await page.get_by_role("heading", name="All leads").hover()
    await status.hover()
    await status.get_by_role("button", name="What to do with Status").click()
    await page.get_by_role("menuitem", name="Focus on this").click()
    focus = page.get_by_role("region", name="Focus on Status")
    await expect(focus).to_contain_text("Success")
    await focus.get_by_role("button", name="End the focus").click()

    await balance.hover()
    await balance.get_by_role("button", name="Take out Yearly balance, EUR").click()
    await expect(balance).to_have_count(0)


async def test_rows_are_gone_along_with_the_keys_and_opened(visits: Visits) -> None:
    page = await visits.open("auditor", "/leads?view=all")
    await _number(page)
    grid = page.get_by_role("grid")
    await expect(grid.get_by_role("row").nth(1)).to_be_visible()
    await grid.get_by_role("row").nth(1).get_by_role("gridcell").nth(1).click()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/ui/leads/[0-9a-f-]{36}"))
    await page.go_back()
    await expect(grid).to_be_visible()


async def test_a_filter_that_cannot_be_read_says_so_above_the_rows(visits: Visits) -> None:
    visits.provoke("status of 422")
    page = await visits.open("admin", "/leads?filter=status = nonsense")
    await expect(page.get_by_role("alert")).to_contain_text("nonsense")
