"""What cannot be taken back: a number erased, a payload discarded, a key revoked."""

import httpx
from playwright.async_api import expect

from tests.browser.visiting import Visits, accessibility_faults
from tests.loaded import Loaded


async def test_a_number_is_erased_once_it_is_typed_again(visits: Visits) -> None:
    campaign = (await visits.read("admin", "/v1/campaigns"))["campaigns"][0]["campaign_id"]
    number = "+12025550199"
    one = {"campaign_id": campaign, "phone": number}
    lead = (await visits.give("admin", "/v1/leads", one))["id"]
    page = await visits.open("admin", "/do-not-call")
    await page.get_by_role("button", name="Erase a number").click()
    form = page.get_by_role("dialog")
    erase = form.get_by_role("button", name="Erase it for good")
    await form.get_by_role("textbox", name="Number").fill(f"{number[:4]} {number[4:]}")
    await form.get_by_role("textbox", name="Why").fill("asked for it in a letter")
    await expect(form.get_by_role("alert")).to_contain_text(f"1 lead with {number} now")
    await expect(erase).to_be_disabled()
    await form.get_by_role("textbox", name=f"Type {number}").fill(number)
    assert await accessibility_faults(page) == []
    await erase.click()
    await expect(page.get_by_text("The number is being erased everywhere.")).to_be_visible()
    await expect(form).to_be_hidden()
    address = page.url.split("/ui", 1)[0]
    await page.goto(f"{address}/ui/leads/{lead}?tab=log")
    log = page.get_by_role("list", name="Log").get_by_role("listitem")
    await expect(log.filter(has_text="Anonymised").first).to_be_visible()
    await expect(page.get_by_text(number)).to_have_count(0)
    # The other tests count the leads of the sample.
    await visits.give("admin", f"/v1/leads/{lead}/delete", {})


async def test_a_held_payload_is_discarded_with_its_reason(visits: Visits) -> None:
    page = await visits.open("admin", "/quarantine?state=open")
    rows = page.get_by_role("row").filter(has_text="Lead unknown")
    call = await rows.first.get_by_role("button").inner_text()
    await rows.first.get_by_role("button").click()
    held = page.get_by_role("dialog", name="Held payload")
    await expect(held.get_by_role("textbox", name="Payload")).to_be_visible()
    assert await accessibility_faults(page) == []
    await held.get_by_role("button", name="Discard").click()
    form = page.get_by_role("dialog").last
    await form.get_by_role("button", name="Discard").click()
    reason = form.get_by_role("textbox", name="Reason")
    await expect(reason).to_be_focused()
    await reason.fill("a trial of the dialer")
    await reason.press("Enter")
    await expect(held).to_contain_text("Discarded: a trial of the dialer")
    await expect(held.get_by_role("button", name="Reprocess")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("row").filter(has_text=call)).to_have_count(0)


async def test_a_key_is_issued_and_revoked(visits: Visits, loaded: Loaded) -> None:
    page = await visits.open("admin", "/organisation?tab=keys")
    keys = page.get_by_role("table", name="API keys")
    await expect(keys.get_by_text("you are signed in with it")).to_have_count(1)
    await page.get_by_role("button", name="Issue a key").click()
    form = page.get_by_role("dialog")
    await form.get_by_role("combobox", name="Acts as").click()
    await page.get_by_role("option", name="Nils North (agent)").click()
    await form.get_by_role("textbox", name="Label").fill("a trial")
    await form.get_by_role("button", name="Issue").click()
    text = await form.get_by_label("The key").inner_text()
    await form.get_by_role("button", name="I have it").click()
    row = keys.get_by_role("row", name="a trial")
    await row.get_by_role("button", name="Revoke").click()
    sure = page.get_by_role("dialog")
    await expect(sure).to_contain_text("can no longer act as Nils North")
    assert await accessibility_faults(page) == []
    await sure.get_by_role("button", name="Revoke it").click()
    await expect(row).to_have_count(0)
    headers = {"authorization": f"Bearer {text}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
        answer = await client.get(f"{loaded.stack.address}/v1/me")
    assert answer.status_code == 401
