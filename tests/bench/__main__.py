"""`python -m tests.bench [NAME …] [--json]`."""

import sys

from tests.bench.harness import main

arguments = sys.argv[1:]
names = [one for one in arguments if one != "--json"]
sys.exit(main(names, as_json="--json" in arguments))
