"""Campaigns, pools, segments, work, lists as they were, the log: what a person reads and does."""

from playwright.async_api import Page, Route, expect

from tests.browser.visiting import Visits, accessibility_faults
from tests.loaded import LIMIT


async def test_a_campaign_tells_how_far_it_is_and_takes_another_name(page: Page) -> None:
    await page.get_by_role("link", name="Campaigns", exact=True).click()
    await page.get_by_role("link", name="Bank term deposit").click()
    await expect(page.get_by_role("heading", name="Bank term deposit")).to_be_visible()
    await expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()
    await expect(page.get_by_text(f"{LIMIT:,}", exact=True).first).to_be_visible()
    await page.get_by_role("tab", name="Fields").click()
    await expect(page.get_by_role("table", name="Fields")).to_contain_text("Yearly balance, EUR")
    await page.get_by_role("tab", name="Rules").click()
    await expect(page.get_by_role("heading", name="After a call")).to_be_visible()
    assert await accessibility_faults(page) == []

    await page.get_by_role("button", name="Change").click()
    await page.get_by_role("menuitem", name="Name, code, project").click()
    dialog = page.get_by_role("dialog")
    name = dialog.get_by_role("textbox", name="Name")
    await expect(name).to_have_value("Bank term deposit")
    await name.fill("Term deposit of the bank")
    await dialog.get_by_role("textbox", name="Name").press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("heading", name="Term deposit of the bank")).to_be_visible()


async def test_a_pool_tells_how_far_it_is_and_gives_its_log(page: Page) -> None:
    await page.get_by_role("link", name="Pools", exact=True).click()
    await expect(page.get_by_role("link", name="Clients of the bank")).to_be_visible()
    assert await accessibility_faults(page) == []
    await page.get_by_role("link", name="Clients of the bank").click()
    await expect(page.get_by_role("heading", name="By status")).to_be_visible()
    await expect(page.get_by_role("table", name="Leads by status")).to_contain_text("Success")
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Full log").click()
        await page.get_by_role("menuitem", name="For spreadsheets (CSV)").click()
    assert (await saving.value).suggested_filename.endswith(".csv")


async def test_a_segment_is_begun_and_switched_off(page: Page) -> None:
    async def none(route: Route) -> None:  # another test may have begun some
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**await answer.json(), "segments": []})

    await page.get_by_role("link", name="Segments", exact=True).click()
    await page.route("**/v1/segments*", none)
    await page.reload()
    await expect(page.get_by_text("No segments yet")).to_be_visible()
    await page.unroute_all(behavior="wait")  # one may be on its way
    await page.get_by_role("button", name="New segment").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="Name").fill("Seniors")
    await dialog.get_by_role("button", name="New segment").click()
    await page.get_by_role("link", name="Seniors").click()
    await expect(page.get_by_role("heading", name="Seniors")).to_be_visible()
    await expect(page.get_by_text("nobody yet")).to_be_visible()
    await page.get_by_role("button", name="Change").click()
    await page.get_by_role("menuitem", name="Deactivate").click()
    await page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    await expect(page.get_by_text("inactive", exact=True)).to_be_visible()


async def test_work_says_what_waits_and_why_nothing_does(page: Page) -> None:
    await page.get_by_role("link", name="Work", exact=True).click()
    await expect(page.get_by_text("Nothing waits")).to_be_visible()
    await page.get_by_role("tab", name="Callbacks").click()
    await page.get_by_text("All", exact=True).click()
    await page.get_by_role("tab", name="Dial list").click()
    await expect(page.get_by_text("Choose a campaign")).to_be_visible()
    await page.get_by_role("tab", name="Contracts").click()
    # Another test may have recorded one by now.
    some = page.get_by_role("table", name="Contracts")
    await expect(page.get_by_text("No contracts here").or_(some)).to_be_visible()
    assert await accessibility_faults(page) == []


async def test_the_leads_as_they_were_are_built_searched_and_given_up(page: Page) -> None:
    await page.get_by_role("link", name="Looking back").click()
    await expect(page.get_by_text("No list was asked for yet")).to_be_visible()
    await page.get_by_role("button", name="Now", exact=True).click()
    await expect(page.get_by_text("ready", exact=True)).to_be_visible()
    leads = page.get_by_role("table", name="Leads then")
    await expect(leads).to_contain_text(f"{LIMIT} leads then")
    await page.get_by_role("combobox", name="Break down by").click()
    await page.get_by_role("option", name="Status", exact=True).click()
    await expect(page.get_by_role("table", name="Breakdown")).to_contain_text("success")
    assert await accessibility_faults(page) == []
    await page.get_by_role("button", name="Give it up").click()
    await expect(page.get_by_text("cancelled", exact=True)).to_be_visible()


async def test_the_log_is_read_from_any_position_and_is_watched(visits: Visits) -> None:
    page = await visits.open("auditor", "/events")
    log = page.get_by_role("table", name="Events")
    await expect(log).to_contain_text("Set up")
    await expect(page.get_by_text("equals the log")).to_be_visible()
    await page.get_by_label("After position").fill("15")
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(log).not_to_contain_text("Set up")
    await expect(log).to_contain_text("Created")
    assert "after=15" in page.url
    assert await accessibility_faults(page) == []


async def test_an_agent_finds_only_the_pages_that_are_theirs(visits: Visits) -> None:
    page = await visits.open("agent", "/work")
    menu = page.get_by_role("navigation", name="Pages")
    await expect(menu.get_by_role("link", name="Work")).to_be_visible()
    for page_of_others in ("Quarantine", "The log", "Bulk changes"):
        await expect(menu.get_by_role("link", name=page_of_others)).to_have_count(0)
