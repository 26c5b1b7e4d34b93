"""The page of one lead: a change with its way back, an earlier version, every reason of a no."""

from playwright.async_api import Page, expect

from tests.browser.visiting import Visits, accessibility_faults


async def _first_lead(visits: Visits, status: str) -> Page:
    """A tab on some lead of that status."""
    page = await visits.open("admin")
    lead_id = await page.evaluate(
        """async (status) => {
            const key = sessionStorage.getItem("leads.key");
            const told = await fetch(`/v1/leads?limit=1&status=${status}`, {
                headers: { Authorization: `Bearer ${key}` },
            });
            return (await told.json()).leads[0].lead_id;
        }""",
        status,
    )
    address = page.url.split("/ui", 1)[0]
    await page.goto(f"{address}/ui/leads/{lead_id}?tab=log")
    return page


async def test_a_status_is_changed_and_brought_back(visits: Visits) -> None:
    page = await _first_lead(visits, "not_interested")
    await page.get_by_role("button", name="Status", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("combobox", name="Status").click()
    await page.get_by_role("option", name="Paused").click()
    await dialog.get_by_role("button", name="Change status").click()
    log = page.get_by_role("list", name="Log").get_by_role("listitem")
    changed = log.filter(has_text="Status changed").first
    await expect(changed).to_contain_text("Not interested")
    await expect(changed).to_contain_text("Paused")
    await page.get_by_role("button", name="Undo").click()
    restored = log.filter(has_text="Status restored").first
    await expect(restored).to_contain_text("Not interested")
    await page.get_by_role("tab", name="Looking back").click()
    await expect(page.get_by_text("What happened between")).to_be_visible()


async def test_the_first_version_is_looked_at_and_left(visits: Visits) -> None:
    page = await _first_lead(visits, "not_interested")
    await expect(page.get_by_role("tab", name="Log")).to_be_visible()
    await page.goto(page.url.replace("tab=log", "as_of=version:1"))
    await expect(page.get_by_text("You look at version 1 of")).to_be_visible()
    await expect(page.get_by_role("button", name="Status", exact=True)).to_have_count(0)
    await page.get_by_role("button", name="Back to now").click()
    await expect(page.get_by_role("button", name="Status", exact=True)).to_be_visible()


async def test_every_reason_why_a_lead_may_not_be_called_is_told(visits: Visits) -> None:
    page = await _first_lead(visits, "not_interested")
    answer = page.get_by_role("region", name="May I call this lead now?")
    await expect(answer).to_contain_text("No, for")
    await expect(answer).to_contain_text("are not dialled; change it first")
    await expect(answer).to_contain_text("by version", ignore_case=True)


async def test_a_lead_is_switched_off_and_on_and_its_fields_are_changed(visits: Visits) -> None:
    page = await _first_lead(visits, "success")
    switch = page.get_by_role("switch", name="Active")
    await expect(switch).to_be_checked()
    await page.locator(".mantine-Switch-track").first.click()
    off = page.get_by_role("switch", name="Not active")
    await expect(off).not_to_be_checked()
    log = page.get_by_role("list", name="Log").get_by_role("listitem")
    await expect(log.filter(has_text="Deactivated").first).to_be_visible()
    await off.press("Space")
    await expect(switch).to_be_checked()
    await page.get_by_role("tab", name="Details").click()
    await expect(page.get_by_role("heading", name="Fields")).to_be_visible()
    assert await accessibility_faults(page) == []


async def test_messages_and_contracts_tell_what_became_of_them(visits: Visits) -> None:
    visits.provoke("status of 409")
    page = await _first_lead(visits, "success")
    lead = page.url.split("/leads/")[1].split("?")[0]
    said = {"direction": "in", "channel": "sms", "sent_at": "2026-07-01T09:00:00Z"}
    text = {**said, "message_id": "m-1", "body": "Call me on Monday."}
    await visits.give("admin", f"/v1/leads/{lead}/record-message", text)
    for step in ("updated", "confirmation_sent", "reminder_1"):
        about = {"contract_id": "C-1", "step": step}
        await visits.give("admin", f"/v1/leads/{lead}/record-contract", about)
    await page.get_by_role("tab", name="Details").click()
    messages = page.get_by_role("region", name="Messages")
    row = messages.get_by_role("row", name="Call me on Monday.")
    await expect(row).to_contain_text("SMS in")
    await expect(row).to_contain_text("received")
    await messages.get_by_role("button", name="SMS", exact=True).click()
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox", name="Body").fill("We shall.")
    await form.get_by_role("button", name="Send SMS").click()
    await expect(form.get_by_role("alert")).to_contain_text("SMS is not set up here")
    await page.keyboard.press("Escape")

    contracts = page.get_by_role("region", name="Contracts")
    await expect(contracts).to_contain_text("Yellow 2: 1st reminder sent")
    await contracts.get_by_text("Lifecycle", exact=True).click()
    steps = contracts.get_by_role("listitem")
    await expect(steps.filter(has_text="Reminder 1")).to_have_attribute("aria-current", "step")
    await expect(steps.filter(has_text="Accepted")).to_contain_text("not reached")
    assert await accessibility_faults(page) == []
    await contracts.get_by_role("button", name="Reject").click()
    await form.get_by_role("textbox", name="Reason").fill("another price")
    await form.get_by_role("button", name="Reject C-1").click()
    await expect(form).to_be_hidden()
    await expect(contracts.get_by_text("Yellow 2")).to_have_count(0)
