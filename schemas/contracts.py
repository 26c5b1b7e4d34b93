"""The steps of a lead's contract, and the icon each stands for. Data, not code."""

from collections.abc import Mapping
from typing import Literal

Step = Literal[
    "updated",
    "confirmation_sent",
    "reminder_1",
    "reminder_2",
    "reminder_3",
    "help",
    "accepted",
    "cancelled",
    "expired",
]
Icon = Literal[
    "white", "yellow_1", "yellow_2", "yellow_3", "yellow_4", "blue", "green", "red", "grey"
]

STEPS: Mapping[str, str] = {
    "updated": "white",
    "confirmation_sent": "yellow_1",
    "reminder_1": "yellow_2",
    "reminder_2": "yellow_3",
    "reminder_3": "yellow_4",
    "help": "blue",
    "accepted": "green",
    "cancelled": "red",
    "expired": "grey",
}
"""Icon by step, in the order of a contract's life."""

SETTLED: frozenset[str] = frozenset({"accepted", "cancelled", "expired"})
"""Steps after which nothing is sent any more."""

SENT_AFTER: Mapping[str, str] = {
    "updated": "confirmation_sent",
    "confirmation_sent": "reminder_1",
    "reminder_1": "reminder_2",
    "reminder_2": "reminder_3",
}
"""The step a contract takes when a message about it was sent; after other steps it takes none."""
