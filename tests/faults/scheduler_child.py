"""The scheduler in small steps, to be killed in the middle of what is due."""

import sys

from services.command.scheduler import firing
from services.command.scheduler.__main__ import main
from services.kit.background import run_service

firing.TAKEN = 5
sys.exit(run_service("scheduler", main))
