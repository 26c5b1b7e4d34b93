"""The bulk runner with small batches and short leases, to be killed in the middle of its work."""

import sys
from datetime import timedelta

from services.command.bulk import dry_run, execution, tables
from services.command.bulk.__main__ import main
from services.command.dnc_file import tables as dnc_tables
from services.command.dnc_file import work
from services.command.imports import tables as import_tables
from services.command.imports import work as import_work
from services.kit.background import run_service

dry_run.BATCH = execution.BATCH = 3
work.ROWS = import_work.ROWS = 3
tables.LEASE = dnc_tables.LEASE = import_tables.LEASE = timedelta(seconds=0.4)
sys.exit(run_service("bulk", main))
