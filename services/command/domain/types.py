"""The field types of all commands: what may come in at all, before any rule looks at it.

Everything is bounded, so that no caller can send what the database, JSON or a reader cannot hold.
"""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from schemas.incoming import as_time, clean, filled, in_utc, one_line

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

Text = Annotated[str, Field(max_length=10_000), AfterValidator(clean)]
NoteText = Annotated[Text, AfterValidator(filled)]
Line = Annotated[str, Field(max_length=200), AfterValidator(one_line)]
Name = Annotated[Line, AfterValidator(filled)]
"""One line that says something."""

ImportName = Annotated[str, Field(max_length=100), AfterValidator(one_line), AfterValidator(filled)]
FieldText = Annotated[str, Field(max_length=4_000), AfterValidator(clean)]
FieldInt = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
FieldFloat = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
FieldValue = FieldText | bool | FieldInt | FieldFloat | None
FieldMap = Annotated[dict[ImportName, FieldValue], Field(max_length=200)]

Id = Annotated[str, Field(pattern=f"^{_UUID}$")]
OwnerRef = Annotated[str, Field(pattern=f"^(team|user):{_UUID}$")]
PhoneText = Annotated[str, Field(min_length=2, max_length=40), AfterValidator(one_line)]
Region = Annotated[str, Field(pattern="^[A-Z]{2}$")]
CallId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
"""Code of a status, disposition, result or end cause."""

Instant = Annotated[AwareDatetime, BeforeValidator(as_time), AfterValidator(in_utc)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
ZoneName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")]
Priority = Annotated[int, Field(ge=1, le=10)]
Seconds = Annotated[int, Field(ge=0, le=7 * 86_400)]
