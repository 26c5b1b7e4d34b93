"""What is proposed for the columns of a file, and what is warned of."""

from dataclasses import replace

from services.command.domain.campaign.template import Template, TemplateField
from services.command.imports.proposal import Proposal, propose, targets_of
from services.command.imports.reading import Layout, Row

TEMPLATE = Template(
    (
        TemplateField("age", "Age in years", "number"),
        TemplateField("job_title", "Job", "text"),
        TemplateField("city", "", "text", required=True),
    )
)


def proposed(*rows: list[str], header: bool = True, template: Template = TEMPLATE) -> Proposal:
    numbered = [Row(number, cells) for number, cells in enumerate(rows, 1)]
    return propose(Layout("utf-8", ",", header), numbered, template)


def fields(found: Proposal) -> list[str | None]:
    return [one.field for one in found.columns]


def codes(found: Proposal) -> set[str]:
    return {one.code for one in found.warnings}


def test_headers_find_their_fields_by_import_name_label_and_usual_names() -> None:
    found = proposed(
        ["Mobile_Number", "First Name", "Surname", "E-Mail", "JOB TITLE", "age in years", "City",
         "Ownership Code", "Shoe size", "Second phone", "Phone 3"],
        ["+14155550100"] * 11,
    )  # fmt: skip
    assert fields(found) == [
        "phone", "name", "name", "email", "job_title", "age", "city", "system:ownership_code",
        None, "contact:1", "contact:2",
    ]  # fmt: skip
    assert [one.because for one in found.columns][4:6] == ["import name", "label"]
    assert "unreachable" not in codes(found)


def test_a_template_comes_before_usual_names_and_no_field_twice() -> None:
    own = Template((TemplateField("status", "Marital status", "text"),))
    found = proposed(["status", "Status", "priority", "Lead priority", "phone"], template=own)
    assert fields(found) == ["status", None, "system:priority", None, "phone"]
    assert set(targets_of(own)) > {"status", "system:status", "phone", "contact:20", "whatsapp"}


def test_what_looks_wrong_is_said_with_its_place() -> None:
    found = proposed(
        ["phone", "City", "city", "", "note"],
        ["4.91E+11", "Lisbon", "x", "y", ""],
        ["0791 234 5678", "Porto"],
        ["+14155550100", "a", "b", "c", ""],
    )
    told = {one.code: (list(one.columns), list(one.rows)) for one in found.warnings}
    assert told == {
        "header-doubled": ([2, 3], []),
        "header-empty": ([4], []),
        "column-empty": ([5], []),
        "number-mangled": ([1], [2]),
        "number-without-country": ([1], [3]),
        "rows-ragged": ([], [3]),
    }


def test_what_no_column_holds_is_said() -> None:
    assert codes(proposed(["note"], ["x"])) == {"unreachable", "required-unmapped"}
    keyed = replace(TEMPLATE, duplicate_key="job_title")
    assert "key-unmapped" in codes(proposed(["phone", "city"], ["+14155550100", "x"],
                                            template=keyed))  # fmt: skip


def test_without_a_header_every_row_is_a_lead_and_nothing_is_proposed() -> None:
    found = proposed(["+14155550100", "Ann"], ["+14155550101", "Bob"], header=False)
    assert fields(found) == [None, None]
    assert [row.number for row in found.first_rows] == [1, 2]
    assert codes(found) == {"no-header", "unreachable", "required-unmapped"}


def test_nothing_and_a_header_alone() -> None:
    assert proposed().columns == []
    alone = proposed(["phone", "city"])
    assert (fields(alone), list(alone.first_rows), codes(alone)) == (["phone", "city"], [], set())
