"""A file of leads is imported and taken back; a number is kept from being called."""

from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.visiting import Visits, accessibility_faults
from tests.workbooks import sheet, workbook

LEADS = "Mobile;Full name;age;Shoe size\n+12025550171;Ann Ash;44;41\n0415;Cy;old;\n"
JOB_MS = 180_000
"""For a job that another process carries out, on a machine that does much else."""


async def test_a_file_with_a_bad_row_is_imported_and_undone(visits: Visits, tmp_path: Path) -> None:
    page = await visits.open("admin", "/imports/new")
    file = tmp_path / "clients.csv"
    file.write_text(LEADS)
    await page.locator("input[type=file]").set_input_files(file)
    await page.get_by_role("button", name="Upload").click()

    await expect(page.get_by_text("1 column will be ignored")).to_be_visible()
    onward = page.get_by_role("button", name="Go on to settings")
    await expect(onward).to_be_disabled()
    await page.get_by_role("checkbox", name="Ignore it").check()
    await onward.click()
    await page.get_by_role("button", name="Preview", exact=True).click()

    created = page.get_by_role("button", name="1 would be created")
    await expect(created).to_be_visible(timeout=JOB_MS)
    await expect(page.get_by_role("button", name="1 would be refused")).to_be_visible()
    await expect(page.get_by_text("Field age must be a number").first).to_be_visible()
    assert await accessibility_faults(page) == []
    await page.get_by_role("button", name="Import 1 row").click()

    row = page.get_by_role("link", name="Lead of row 2")
    await expect(row).to_be_visible(timeout=JOB_MS)
    await expect(page.get_by_role("button", name="Refused rows as CSV")).to_be_visible()
    await page.get_by_role("button", name="Undo", exact=True).click()
    await page.get_by_role("button", name="Undo the import").click()
    await expect(page.get_by_role("button", name="1 taken back")).to_be_visible(timeout=JOB_MS)


async def test_a_workbook_is_dropped_and_imported(visits: Visits) -> None:
    page = await visits.open("admin", "/imports/new")
    book = workbook(sheet([["Mobile", "Full name"], ["+12025550181", "Xenia Xu"]]))
    zone = page.locator(".drop")
    carried = await page.evaluate_handle(
        """(bytes) => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(bytes)], "clients.xlsx"));
            return carried;
        }""",
        list(book),
    )
    await zone.dispatch_event("dragover", {"dataTransfer": carried})
    await expect(zone).to_have_attribute("data-over", "true")
    await zone.dispatch_event("drop", {"dataTransfer": carried})
    await expect(zone).to_contain_text("clients.xlsx")
    await expect(zone).not_to_have_attribute("data-over", "true")
    await page.get_by_role("button", name="Upload").click()
    await page.get_by_role("button", name="Go on to settings").click()
    await page.get_by_role("button", name="Preview", exact=True).click()
    created = page.get_by_role("button", name="1 would be created")
    await expect(created).to_be_visible(timeout=JOB_MS)
    await page.get_by_role("button", name="Import 1 row").click()
    await page.get_by_role("link", name="Lead of row 2").click(timeout=JOB_MS)
    await expect(page.get_by_role("heading", name="Xenia Xu")).to_be_visible()
    # The other tests count the leads of the sample.
    lead = page.url.split("/leads/")[1].split("?")[0]
    await visits.give("admin", f"/v1/leads/{lead}/delete", {})


async def test_a_number_is_added_found_and_lifted(visits: Visits) -> None:
    page = await visits.open("admin", "/do-not-call")
    await page.get_by_role("button", name="Add a number").click()
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox", name="Number").fill("+14155550133")
    await form.get_by_role("textbox", name="Reason").fill("asked on the phone")
    await form.get_by_role("button", name="Add a number").click()
    await expect(form).to_be_hidden()

    await _look_for(page, "+1 (415) 555-0133")
    row = page.get_by_role("row", name="+14155550133")
    await expect(row).to_contain_text("asked on the phone")
    await row.get_by_role("button", name="Lift").click()
    await form.get_by_role("textbox", name="Reason").fill("a mistake")
    await form.get_by_role("button", name="Lift").click()
    await expect(page.get_by_text("It is on no list")).to_be_visible()


async def _look_for(page: Page, number: str) -> None:
    await page.get_by_role("textbox", name="Number", exact=True).fill(number)
