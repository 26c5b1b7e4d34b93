"""Whose call it was: which lead, which agent, by the names a dialer knows them by.

The organisation and the campaigns are read anew at most once a second; a code nobody knows makes
them be read at once, because it may be that new.
"""

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any
from uuid import UUID

from schemas.dialer_call import DialerCall
from schemas.organisation import ORGANISATION_ID
from services.command.domain.campaign.state import Campaign
from services.command.domain.lead.state import Lead
from services.command.domain.organisation.state import Organisation
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.hashes import number_hash
from services.command.intake_payload import Fault
from services.command.state_cache import StateCache
from services.kit.eventlog import EventLog

FRESH_SECONDS = 1.0


class Directory:
    """Organisation and campaigns as dialers name them."""

    def __init__(self, log: EventLog, states: StateCache) -> None:
        """Read through `states`."""
        self._log = log
        self._states = states
        self._read_at = -FRESH_SECONDS
        self.organisation = Organisation()
        self.campaigns: dict[UUID, Campaign] = {}
        self._by_code: dict[str, UUID | None] = {}

    async def refresh(self, *, at_once: bool = False) -> bool:
        """Read what is new, unless that was done just now; say whether it was read."""
        if not at_once and monotonic() - self._read_at < FRESH_SECONDS:
            return False
        campaigns = await self._log.streams_of("campaign")
        wanted = dict.fromkeys(campaigns, "campaign") | {ORGANISATION_ID: "organisation"}
        states: dict[UUID, Any] = await self._states.refresh(wanted)
        self.organisation = states.pop(ORGANISATION_ID)
        self.campaigns = states
        self._by_code = {}
        for stream, campaign in states.items():
            if campaign.code:
                taken = campaign.code in self._by_code
                self._by_code[campaign.code] = None if taken else stream
        self._read_at = monotonic()
        return True

    def campaign(self, name: str) -> UUID | None:
        """Return the campaign with this id or code; None when there is none, or several."""
        found = self._by_code.get(name)
        if found is None and len(name) == 36:
            try:
                found = UUID(name)
            except ValueError:
                return None
        return found if found in self.campaigns else None

    def agent(self, name: str) -> str | None:
        """Return the id of the user with this id or ownership code."""
        if name in self.organisation.users:
            return name
        kind, _, user = (self.organisation.owner_by_code(name) or "").partition(":")
        return user if kind == "user" else None

    def knows(self, calls: Iterable[DialerCall]) -> bool:
        """Say whether every agent and campaign these calls name is known."""
        return all(
            (call.agent is None or self.agent(call.agent) is not None)
            and (call.campaign is None or self.campaign(call.campaign) is not None)
            for call in calls
        )

    def fault_of(self, call: DialerCall) -> Fault | None:
        """Return what is wrong with the names a call uses."""
        if call.campaign is not None and self.campaign(call.campaign) is None:
            text = "No campaign has this id, or exactly one this code."
            return Fault("campaign-unknown", text, call.call_id)
        if call.agent is not None and self.agent(call.agent) is None:
            text = "No user has this id or ownership code."
            return Fault("agent-unknown", text, call.call_id)
        return None


class LeadFinder:
    """Finds the lead a call was to."""

    def __init__(self, log: EventLog, states: StateCache, directory: Directory) -> None:
        """Look numbers up in `log`, leads in `states`, campaigns in `directory`."""
        self._log = log
        self._states = states
        self._directory = directory

    async def leads(self, calls: Sequence[DialerCall]) -> list[UUID | Fault]:
        """Return each call's lead, or why there is none. The leads' states are at hand then."""
        found: list[UUID | Fault] = [self._by_id(call) for call in calls]
        by_number = [place for place, call in enumerate(calls) if call.lead_id is None]
        if by_number:
            numbered = await self._by_numbers([calls[place] for place in by_number])
            for place, lead in zip(by_number, numbered, strict=True):
                found[place] = lead
        return found

    def _by_id(self, call: DialerCall) -> UUID | Fault:
        if call.lead_id is not None:
            return UUID(call.lead_id)
        return Fault("number-unknown", "No lead has this number.", call.call_id)

    async def _by_numbers(self, calls: Sequence[DialerCall]) -> list[UUID | Fault]:
        master = self._log.keys.master
        hashes: list[bytes | Fault] = []
        for call in calls:
            try:
                hashes.append(number_hash(master, parse_phone(call.number or "")))
            except NotAPhone:
                text = "The number must be in international form, like +14155550100."
                hashes.append(Fault("number-not-e164", text, call.call_id))
        wanted = {one for one in hashes if isinstance(one, bytes)}
        holders = await self._log.streams_with_numbers(wanted)
        leads = {lead: "lead" for held in holders.values() for lead in held}
        # As they are now: a lead may have moved to another campaign since it was remembered.
        states = await self._states.refresh(leads)
        return [
            number if isinstance(number, Fault) else self._choose(call, holders, number, states)
            for call, number in zip(calls, hashes, strict=True)
        ]

    def _choose(
        self,
        call: DialerCall,
        holders: Mapping[bytes, Sequence[UUID]],
        number: bytes,
        states: Mapping[UUID, Lead],
    ) -> UUID | Fault:
        leads = list(holders.get(number, ()))
        if call.campaign is not None:
            campaign = str(self._directory.campaign(call.campaign))
            leads = [lead for lead in leads if states[lead].campaign_id == campaign]
        if len(leads) == 1:
            return leads[0]
        if leads:
            text = "Several leads have this number; name the campaign, or the lead."
            return Fault("number-ambiguous", text, call.call_id)
        return Fault("number-unknown", "No lead has this number there.", call.call_id)
