"""The writer of exports, in such small pieces that it can be killed in the middle of a small file.

Ends by itself once nothing waits.
"""

import sys

from services.kit.background import run_service
from services.query.exports import __main__ as exports
from services.query.exports import writing

for name, small in (("LEADS_AT_ONCE", 2), ("PIECE_BYTES", 1)):
    setattr(writing, name, small)

if __name__ == "__main__":
    sys.exit(run_service("export", exports.main))
