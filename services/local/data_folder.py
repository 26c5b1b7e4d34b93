"""Where one machine keeps its data: servers, keys, and what tells commands that all is running."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
API_ADDRESS = "api.json"
"""File with the address of the API, there as long as it runs."""


def data_folder() -> Path:
    """LEADS_DATA_DIR, else `.leads` in the project."""
    given = os.environ.get("LEADS_DATA_DIR")
    return Path(given).absolute() if given else _ROOT / ".leads"
