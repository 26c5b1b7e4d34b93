"""What may stand in an address: strict, bounded, and refused by name when it is unknown."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from schemas.filters import CUSTOM, Fault, FilterInvalid, Kind
from services.kit import errors
from services.query.columns import COLLECTIONS
from services.query.paging import SORT_KEYS_MAX, SortKey

LIMIT_MAX = 1_000
LIMIT_DEFAULT = 50
POSITION_MAX = 2**63 - 1
COLUMNS_MAX = 300
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def _whole_number(text: Any) -> Any:
    """Only digits: the lenient parser would also take `1_0` and ` 1 `."""
    if isinstance(text, str) and not re.fullmatch(r"\d{1,19}", text, re.ASCII):
        raise ValueError("give a whole number")
    return text


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    return text


Whole = Annotated[int, BeforeValidator(_whole_number)]
Limit = Annotated[Whole, Field(ge=1, le=LIMIT_MAX, description="Rows on a page.")]
Position = Annotated[
    Whole,
    Field(ge=0, le=POSITION_MAX, description="Wait, 2 s at most, until this log position shows."),
]
Version = Annotated[
    Whole,
    Field(ge=0, le=2**31 - 1, description="Wait, 2 s at most, until the lead has this version."),
]
Line = Annotated[str, Field(max_length=500), AfterValidator(_one_line)]
LongLine = Annotated[str, Field(max_length=8_000), AfterValidator(_one_line)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Id = Annotated[str, Field(pattern=f"^{_UUID}$")]
Owner = Annotated[str, Field(pattern=f"^(team|user):{_UUID}$")]
Actor = Annotated[str, Field(pattern=r"^[a-z]+:[A-Za-z0-9_.-]{1,64}$")]
Cursor = Annotated[
    str, Field(max_length=4_000, description="`next` or `previous` of an answer to the same query.")
]


class Parameters(BaseModel):
    """The parameters of one operation; any other name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Current(Parameters):
    """Every read can wait for what its caller has just done."""

    min_position: Position = 0


def read_sort(text: str, kinds: dict[str, Kind]) -> tuple[SortKey, ...]:
    """Return the sort that `-last_modified_at,name` spells; raise FilterInvalid."""
    keys = [SortKey(part.removeprefix("-"), part.startswith("-")) for part in text.split(",")]
    check_sort(keys, kinds, "")
    return tuple(keys)


def check_sort(keys: list[SortKey], kinds: dict[str, Kind], pointer: str) -> None:
    """Raise FilterInvalid unless every key names a different field the caller may sort by."""
    faults = [
        Fault("no-such-field", f"there is no field {key.field[:107]}", f"{pointer}/{index}")
        for index, key in enumerate(keys)
        if key.field not in kinds
    ]
    if len(keys) > SORT_KEYS_MAX:
        faults.append(Fault("too-large", f"sort by at most {SORT_KEYS_MAX} fields", pointer))
    if len({key.field for key in keys}) != len(keys):
        faults.append(Fault("repeated", "sort by each field only once", pointer))
    if faults:
        raise FilterInvalid(faults)


def check_columns(columns: list[str], kinds: dict[str, Kind], pointer: str) -> None:
    """Raise FilterInvalid unless every column exists. A template field nobody has is no fault:
    saved views outlive templates.
    """
    faults = [
        Fault("no-such-field", f"there is no column {name[:107]}", f"{pointer}/{index}")
        for index, name in enumerate(columns)
        if name not in kinds and name not in COLLECTIONS and not name.startswith(CUSTOM)
    ]
    if len(columns) > COLUMNS_MAX:
        faults.append(Fault("too-large", f"ask for at most {COLUMNS_MAX} columns", pointer))
    if faults:
        raise FilterInvalid(faults)


def invalid(reason: FilterInvalid, root: str) -> errors.Invalid:
    """Return the problem that says what is wrong with a filter, sort or column list at `root`."""
    faults = reason.faults[:100]
    details = [errors.Detail(one.code, one.text, root + one.pointer) for one in faults]
    count = "One thing is" if len(faults) == 1 else f"{len(faults)} things are"
    return errors.Invalid(f"{count} not valid; see errors.", details)
