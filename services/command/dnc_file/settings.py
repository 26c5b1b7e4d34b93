"""What is asked for with a file of numbers."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.command.domain.dnc.commands import AddToDoNotCall, RemoveFromDoNotCall
from services.command.domain.types import Id, Instant, Line, Region


class DncFileSettings(BaseModel):
    """One command for every number of the file: add it to the list, or lift its entry.

    scope `campaign` needs `campaign_id`. `default_region`: numbers may be written as people there
    do; without it only E.164 is taken. column: its name in the header, or its place from 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["add", "lift"] = "add"
    scope: Literal["campaign", "global"]
    campaign_id: Id | None = None
    reason: Line = ""
    expires_at: Instant | None = None
    default_region: Region | None = None
    column: Annotated[Line, Field(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "DncFileSettings":
        if (self.scope == "campaign") != (self.campaign_id is not None):
            raise ValueError("a campaign_id goes with the scope campaign, and only with that")
        if self.action == "lift" and not self.reason:
            raise ValueError("say why the entries are lifted (reason)")
        if self.action == "lift" and self.expires_at is not None:
            raise ValueError("what is lifted does not expire")
        return self

    def command(self, number: str) -> AddToDoNotCall | RemoveFromDoNotCall:
        """Return the command for a number."""
        if self.action == "lift":
            return RemoveFromDoNotCall(
                number=number, scope=self.scope, campaign_id=self.campaign_id, reason=self.reason
            )
        return AddToDoNotCall(
            number=number,
            scope=self.scope,
            campaign_id=self.campaign_id,
            reason=self.reason,
            expires_at=self.expires_at,
        )
