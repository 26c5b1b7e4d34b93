"""The bulk runner with small batches and a short lease, to be killed in the middle of a job."""

import sys
from datetime import timedelta

from services.command.bulk import dry_run, execution, tables
from services.command.bulk.__main__ import main
from services.kit.background import run_service

dry_run.BATCH = execution.BATCH = 3
tables.LEASE = timedelta(seconds=0.4)
sys.exit(run_service("bulk", main))
