"""Forms of commands: what a filter is made of and what is wrong with it; somebody was faster."""

from playwright.async_api import Page, expect

from tests.browser.visiting import Visits, accessibility_faults


async def _some_lead(visits: Visits, status: str) -> str:
    found = await visits.read("admin", f"/v1/leads?limit=1&status={status}")
    return str(found["leads"][0]["lead_id"])


async def test_a_segment_gets_its_filter_as_a_list_does(visits: Visits, page: Page) -> None:
    visits.provoke("status of 422")
    await page.get_by_role("link", name="Segments", exact=True).click()
    await page.get_by_role("button", name="New segment").click()
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox", name="Name").fill("Won or paused")
    filters = form.get_by_role("group", name="Filter")
    await filters.get_by_role("button", name="Add condition").click()
    create = form.get_by_role("button", name="New segment")
    await create.click()
    gap = filters.locator(".node[data-pointer='/of/0']")
    await expect(gap.get_by_role("alert")).to_have_text("Say which, or take the condition out.")
    value = gap.get_by_role("combobox", name="Value")
    await expect(value).to_be_focused()
    await page.get_by_role("option", name="Success", exact=True).click()
    await value.press("Escape")
    await expect(gap.get_by_role("alert")).to_have_count(0)
    text = filters.get_by_role("textbox", name="As text")
    await expect(text).to_have_value("status in (success)")
    await expect(filters.get_by_role("status")).to_contain_text("match")
    assert await accessibility_faults(page) == []

    await text.fill("status in (success")
    await create.click()
    await expect(filters).to_contain_text("expected `)`")
    await text.fill('status in (success, paused) and next_dial_at > "soon"')
    dial = filters.locator(".node[data-pointer='/of/1']")
    await expect(dial.get_by_role("alert")).to_be_visible()
    await text.fill('status in (success, paused) and phone starts "+4930123456"')
    await expect(dial.get_by_role("alert")).to_have_count(0)
    await create.click()
    refused = filters.locator(".node[data-pointer='']").get_by_role("alert")
    await expect(refused).to_contain_text("must not name a phone number")
    await text.fill("status in (success, paused)")
    await create.click()
    await expect(form).to_be_hidden()
    await page.get_by_role("link", name="Won or paused").click()
    await page.get_by_role("button", name="Change", exact=True).click()
    await page.get_by_role("menuitem", name="Name, filter, agents").click()
    await expect(text).to_have_value("status in (success, paused)")
    await text.fill("")
    await expect(filters).to_contain_text("Without a condition the segment has no filter.")
    await form.get_by_role("button", name="Name, filter, agents").click()
    await expect(form).to_be_hidden()
    await page.get_by_role("button", name="Change", exact=True).click()
    await page.get_by_role("menuitem", name="Name, filter, agents").click()
    await expect(text).to_have_value("")


async def test_who_was_faster_with_a_lead_is_told_and_one_goes_on(visits: Visits) -> None:
    visits.provoke("status of 412")
    lead = await _some_lead(visits, "not_interested")
    page = await visits.open("admin", f"/leads/{lead}")
    await page.get_by_role("button", name="Status", exact=True).click()
    form = page.get_by_role("dialog")
    await visits.give("team_leader", f"/v1/leads/{lead}/change-status", {"status": "ready"})
    await form.get_by_role("combobox", name="Status").click()
    await page.get_by_role("option", name="Paused").click()
    await form.get_by_role("button", name="Change status").click()
    alert = form.get_by_role("alert")
    await expect(alert).to_be_focused()
    await expect(alert).to_contain_text("Status changed by Lena Leader")
    moved = alert.get_by_role("table", name="What moved")
    await expect(moved.get_by_role("row").nth(1)).to_contain_text("Not interested")
    await expect(moved.get_by_role("row").nth(1)).to_contain_text("Ready")
    assert await accessibility_faults(page) == []

    # What one fills in after that counts, and what moves again is told again.
    await form.get_by_role("textbox", name="Reason").fill("on holiday")
    await visits.give("team_leader", f"/v1/leads/{lead}/change-status", {"status": "created"})
    again = form.get_by_role("button", name="Change status all the same")
    await again.click()
    await expect(moved.get_by_role("row").nth(1)).to_contain_text("Created")
    await again.click()
    await expect(form).to_be_hidden()
    log = (await visits.read("admin", f"/v1/leads/{lead}/log?limit=1"))["entries"][0]
    assert (log["data"]["status"], log["data"]["reason"]) == ("paused", "on holiday")


async def test_who_was_faster_with_a_campaign_is_told_too(visits: Visits) -> None:
    visits.provoke("status of 412")
    campaign = (await visits.read("admin", "/v1/campaigns"))["campaigns"][0]["campaign_id"]
    page = await visits.open("admin", f"/campaigns/{campaign}")
    await page.get_by_role("button", name="Change").click()
    await page.get_by_role("menuitem", name="Name, code, project").click()
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox", name="Project").fill("Ours")
    await visits.give("admin", f"/v1/campaigns/{campaign}/rename", {"project": "Theirs"})
    await form.get_by_role("textbox", name="Project").press("Enter")
    await expect(form.get_by_role("alert")).to_contain_text("changed since you opened this")
    await expect(form.get_by_role("alert")).to_contain_text("The page behind this form shows it")
    await form.get_by_role("textbox", name="Project").press("Enter")
    await expect(form).to_be_hidden()
    told = (await visits.read("admin", f"/v1/campaigns/{campaign}"))["campaign"]
    assert told["project"] == "Ours"
