"""The whole API against its own document, by schemathesis: every check, no failure.

What is sent follows from the committed OpenAPI document alone: values the schemas allow, their
edges, and values they forbid. A lead that exists stands in half of the paths; ids nobody has are
tried by the tests of hostile input. Of the stream that never ends the first words are looked at,
through a door that ends it there. The same requests are made in every run; LEADS_FUZZ_SEED is a
number that makes others.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from services.local.demo_keys import demo_keys
from services.local.sample import run_sample
from services.local.sample_data import clients
from services.local.stack import running_stack
from tests.e2e.first_words import first_words_of

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "schemas" / "generated" / "openapi.json"
LEADS = 12
EXAMPLES = 4
SEED = os.environ.get("LEADS_FUZZ_SEED", "1")
NEVER_ENDING = "/v1/activity"
CONFIG = """
continue-on-failure = true
max-failures = 200
request-timeout = 20
warnings = false

# 422 is what the rules refuse of a well-formed request, 412 a version that has passed, 413 an
# address of more than 64 KiB; 503 and 504 say that the same may succeed later: a min_version that
# nobody has reached yet is waited for, and then it is 504.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 412, 413, 422, 503, 504]

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503, 504]

[generation]
max-examples = {examples}
no-shrink = true

[phases.examples]
enabled = false

[phases.stateful]
enabled = false

# The tool takes an empty If-Match for a valid one; wrong ones are tried by test_command_http.py.
[parameters]
"header.If-Match" = "*"

[[operations]]
include-path-regex = "^/v1/leads/"
parameters = {{ "path.id" = "{lead}", "path.lead_id" = "{lead}" }}
"""
pytestmark = pytest.mark.timeout(1_500)


def shallow(document: dict[str, Any]) -> dict[str, Any]:
    """Cut the recursion of the filter trees that are sent: making trees takes the tool minutes, and
    trees of any depth are tried by tests/property/test_filters.py. Those that come back stay.
    """
    schemas = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                named = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
                if named:
                    schemas[named] = without_branches(schemas[named])
    return document


def without_branches(schema: Any) -> Any:
    """Leave And, Or and Not out of a schema's filter tree."""
    if isinstance(schema, list):
        return [without_branches(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "and" in schema.get("discriminator", {}).get("mapping", {}):
        kinds = [kind["$ref"].rpartition("/")[2] for kind in schema["oneOf"]]
        kept = [kind for kind in kinds if kind not in {"And", "Or", "Not"}]
        return {"oneOf": [{"$ref": f"#/components/schemas/{kind}"} for kind in kept]}
    return {name: without_branches(part) for name, part in schema.items()}


async def fuzzed(address: str, folder: Path, by: str, *which: str) -> tuple[int, str]:
    """Run schemathesis as that demo user; return its exit code and what it printed.

    which: operations and phases, as its options.

    One worker: with more the interpreter itself may fail (recursion depth of its parser).
    """
    document, config = folder / "openapi.json", folder / "schemathesis.toml"
    document.write_text(json.dumps(shallow(json.loads(DOCUMENT.read_text()))))
    config.write_text(CONFIG.format(examples=EXAMPLES, lead=next(iter(clients(1))).lead))
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", str(document), "--url", address, "--no-color"),
        *("--header", f"Authorization: Bearer {demo_keys(folder)[by]}"),
        *("--seed", SEED, "--generation-database", "none", *which),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await running.communicate()
    return running.returncode or 0, printed.decode()


@pytest.mark.parametrize(("by", "phases"), [("admin", "coverage,fuzzing"), ("agent", "fuzzing")])
async def test_every_answer_is_as_the_document_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str, phases: str
) -> None:
    monkeypatch.setenv("LEADS_TRANSPORT", "log")
    async with running_stack(tmp_path, print) as stack:
        await run_sample(stack, print, limit=LEADS)
        which = ("--exclude-path", NEVER_ENDING, "--phases", phases)
        code, printed = await fuzzed(stack.address, tmp_path, by, *which)
        assert code == 0, printed
        async with first_words_of(stack.address) as door:
            which = ("--include-path", NEVER_ENDING, "--phases", phases)
            code, printed = await fuzzed(door, tmp_path, by, *which)
        assert code == 0, printed
