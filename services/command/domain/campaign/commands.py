"""What can be asked of a campaign, and what is decided. Campaigns are an admin's work."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas import campaign as events
from schemas.dialling_hours import DiallingHours, minute_of_day
from schemas.event import Event
from schemas.instants import format_instant
from services.command.domain.admission import admit
from services.command.domain.campaign.checking import (
    in_command,
    problems_of_change,
    problems_of_rules,
    problems_of_template,
)
from services.command.domain.campaign.state import (
    AttemptLimits,
    Campaign,
    FollowUpRule,
    FollowUpRules,
)
from services.command.domain.campaign.template import PHONE_KEY, Template, TemplateField
from services.command.domain.campaign.values import FieldType
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.dialling_hours import problems_of
from services.command.domain.facts import Facts
from services.command.domain.types import (
    Code,
    FieldValue,
    Id,
    ImportName,
    Instant,
    Line,
    Name,
    TimeOfDay,
    ZoneName,
)

_ADMINS = frozenset({"admin"})
_Count = Annotated[int, Field(ge=1, le=1_000)]
_WindowEnd = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
_Holiday = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31))]


class _Part(BaseModel):
    """A part of a command's body, as strict as the command itself."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class FieldSpec(_Part):
    """A template field as it shall be. `import_name` is its identity, type and personal final.

    The field `time_zone` holds the IANA zone a lead is in; it counts for dialling hours besides
    the zones of the number.
    """

    import_name: ImportName
    label: Line = ""
    type: FieldType = "text"
    values: Annotated[tuple[Name, ...], Field(max_length=500)] = ()
    required: bool = False
    default: FieldValue = None
    personal: bool = False

    def field(self) -> TemplateField:
        """Return the field, its default in the type's own spelling where it has one."""
        given = TemplateField(**self.model_dump())
        try:
            default = None if given.default is None else given.typed(given.default)
        except ValueError:
            return given  # the check of the template says what is wrong with it
        return TemplateField(**{**self.model_dump(), "default": default})


class RuleSpec(_Part):
    """A follow-up rule: about an end cause, a disposition or both; the most exact rule wins.

    `delay_minutes` from the end of the call to the next dial, none when left out.
    """

    end_cause: Code | None = None
    disposition: Code | None = None
    next_status: Code
    delay_minutes: Annotated[int, Field(ge=0, le=525_600)] | None = None
    max_attempts: _Count | None = None
    number: Literal["same", "next"] = "same"

    def rule(self) -> FollowUpRule:
        """Return the rule."""
        return FollowUpRule(**self.model_dump())


class LimitsSpec(_Part):
    """How often a lead or number may be tried, how often a day, how long a dial is reserved."""

    per_lead: _Count | None = None
    per_number: _Count | None = None
    per_day: _Count | None = None
    reservation_minutes: Annotated[int, Field(ge=1, le=1_440)] = 30

    def limits(self) -> AttemptLimits:
        """Return the limits."""
        return AttemptLimits(**self.model_dump())


class WindowSpec(_Part):
    """From `start` until `end`, which is outside; `24:00` ends the day."""

    start: TimeOfDay
    end: _WindowEnd


_Day = Annotated[tuple[WindowSpec, ...], Field(max_length=12)]


class HoursSpec(_Part):
    """Dialling hours per weekday; by the clock of `zone`, or of each lead when left out."""

    monday: _Day = ()
    tuesday: _Day = ()
    wednesday: _Day = ()
    thursday: _Day = ()
    friday: _Day = ()
    saturday: _Day = ()
    sunday: _Day = ()
    zone: ZoneName | None = None
    holidays: Annotated[tuple[_Holiday, ...], Field(max_length=1_000)] = ()

    def hours(self) -> DiallingHours:
        """Return the hours, the windows of each day in order."""
        days = (
            self.monday, self.tuesday, self.wednesday, self.thursday, self.friday, self.saturday,
            self.sunday,
        )  # fmt: skip
        windows = tuple(
            tuple(sorted((minute_of_day(one.start), minute_of_day(one.end)) for one in day))
            for day in days
        )
        return DiallingHours(
            windows, self.zone, frozenset(one.isoformat() for one in self.holidays)
        )


_Fields = Annotated[tuple[FieldSpec, ...], Field(max_length=500)]
_Rules = Annotated[tuple[RuleSpec, ...], Field(max_length=500)]


class CampaignCommand(Command):
    """What all commands to a campaign share."""

    aggregate: ClassVar[str] = "campaign"
    roles: ClassVar[frozenset[str]] = _ADMINS


class CreateCampaign(CampaignCommand):
    """Begin a campaign. `duplicate_key` is `phone` or a field's import name, and fixed for good."""

    creates: ClassVar[bool] = True

    name: Name
    code: Code | None = None
    project: Line = ""
    duplicate_key: ImportName = PHONE_KEY
    fields: _Fields = ()
    rules: _Rules = ()
    limits: LimitsSpec = LimitsSpec()
    hours: HoursSpec | None = None
    active: bool = True
    active_from: Instant | None = None
    active_until: Instant | None = None


class CopyCampaign(CampaignCommand):
    """Begin a campaign like another one: template, rules, limits, hours and project.

    The copy has no leads and no range, and is not active, so that it can be looked over first.
    """

    creates: ClassVar[bool] = True

    campaign_id: Id
    name: Name
    code: Code | None = None


class RenameCampaign(CampaignCommand):
    """Give the campaign another name, code or project; what is left out stays."""

    name: Name | None = None
    code: Code | None = None
    project: Line | None = None


class ChangeTemplate(CampaignCommand):
    """Add or change fields (`put`) and take fields out (`remove`).

    A field keeps its type, and whether it is personal, for good. Values of a field taken out stay
    with the leads. The duplicate key cannot be changed; it may be repeated.
    """

    put: _Fields = ()
    remove: Annotated[tuple[ImportName, ...], Field(max_length=500)] = ()
    duplicate_key: ImportName | None = None


class ChangeFollowUpRules(CampaignCommand):
    """Put these rules in place of all that were there (rule 19)."""

    rules: _Rules


class ChangeAttemptLimits(CampaignCommand):
    """Put these limits in place of those before; a limit left out is none."""

    limits: LimitsSpec


class ChangeDiallingHours(CampaignCommand):
    """Dial in these hours only; `null` lifts the bound."""

    hours: HoursSpec | None


class ChangeActivityRange(CampaignCommand):
    """Run the campaign between these instants; a side left out has no bound."""

    active_from: Instant | None = None
    active_until: Instant | None = None


class ActivateCampaign(CampaignCommand):
    """Let leads of the campaign be dialled again."""


class DeactivateCampaign(CampaignCommand):
    """Let no lead of the campaign be dialled."""


def _known(campaign: Campaign | None, command: Command, facts: Facts) -> Campaign:
    admit(command, facts)
    return _existing(campaign)


def _existing(campaign: Campaign | None) -> Campaign:
    if campaign is None or campaign.version == 0:
        raise Refused([Reason("unknown-campaign", "There is no such campaign.")])
    return campaign


def _must_be_new(campaign: Campaign | None, command: Command, facts: Facts) -> None:
    admit(command, facts)
    if campaign is not None and campaign.version > 0:
        raise Refused([Reason("campaign-exists", "A campaign with this id exists already.")])


def _refuse(reasons: Iterable[Reason]) -> None:
    found = list(reasons)
    if found:
        raise Refused(found)


def _range(command: CreateCampaign | ChangeActivityRange) -> tuple[str | None, str | None]:
    start, end = command.active_from, command.active_until
    return (
        None if start is None else format_instant(start),
        None if end is None else format_instant(end),
    )


def _problems_of_range(command: CreateCampaign | ChangeActivityRange) -> Iterable[Reason]:
    start, end = command.active_from, command.active_until
    if start is not None and end is not None and end <= start:
        yield Reason("range-reversed", "The range must end after it begins.", "active_until")


@decides(CreateCampaign)
def _create(campaign: Campaign | None, command: CreateCampaign, facts: Facts) -> Iterable[Event]:
    _must_be_new(campaign, command, facts)
    template = Template(tuple(one.field() for one in command.fields), command.duplicate_key)
    rules = [one.rule() for one in command.rules]
    hours = None if command.hours is None else command.hours.hours()
    names = [one.import_name for one in command.fields]
    _refuse(
        (
            *in_command(problems_of_template(template), "fields", names),
            *problems_of_rules(rules, facts.organisation.statuses),
            *(() if hours is None else problems_of(hours)),
            *_problems_of_range(command),
        )
    )
    active_from, active_until = _range(command)
    yield events.CampaignCreated(
        name=command.name,
        code=command.code or "",
        project=command.project,
        duplicate_key=command.duplicate_key,
        fields=tuple(one.stored() for one in template.fields),
        rules=tuple(one.stored() for one in rules),
        limits=command.limits.limits().stored(),
        hours=None if hours is None else hours.stored(),
        active=command.active,
        active_from=active_from,
        active_until=active_until,
    )


@decides(CopyCampaign)
def _copy(campaign: Campaign | None, command: CopyCampaign, facts: Facts) -> Iterable[Event]:
    _must_be_new(campaign, command, facts)
    source = _existing(facts.campaign)
    yield events.CampaignCreated(
        name=command.name,
        code=command.code or "",
        project=source.project,
        duplicate_key=source.template.duplicate_key,
        fields=tuple(one.stored() for one in source.template.fields),
        rules=tuple(one.stored() for one in source.rules.rules),
        limits=source.limits.stored(),
        hours=None if source.hours is None else source.hours.stored(),
        active=False,
        copied_from=source.id,
    )


@decides(RenameCampaign)
def _rename(campaign: Campaign | None, command: RenameCampaign, facts: Facts) -> Iterable[Event]:
    known = _known(campaign, command, facts)
    before = {"name": known.name, "code": known.code, "project": known.project}
    asked = {key: one for key, one in command.model_dump().items() if one is not None}
    after: dict[str, Any] = {**before, **asked}
    if after != before:
        yield events.CampaignRenamed(**after, before=before)


@decides(ChangeTemplate)
def _change_template(
    campaign: Campaign | None, command: ChangeTemplate, facts: Facts
) -> Iterable[Event]:
    template = _known(campaign, command, facts).template
    old = {one.import_name: one for one in template.fields}
    asked = [one.field() for one in command.put]
    reasons = list(problems_of_change(template, asked, command.remove))
    if command.duplicate_key not in {None, template.duplicate_key}:
        text = f"The duplicate key is {template.duplicate_key} for good, because the leads are "
        text += "told apart by it; make a campaign with another key and move the leads there."
        reasons.append(Reason("duplicate-key-fixed", text, "duplicate_key"))
    put = [one for one in asked if one != old.get(one.import_name)]
    removed = [name for name in dict.fromkeys(command.remove) if name in old]
    after = {one.import_name: one for one in (*template.fields, *put)}
    kept = {name for name in after if name not in removed} | {template.duplicate_key}
    fields = tuple(one for name, one in after.items() if name in kept)
    reasons.extend(problems_of_template(Template(fields, template.duplicate_key)))
    names = [one.import_name for one in command.put]
    _refuse(in_command(reasons, "put", names, command.remove))
    if put or removed:
        touched = (*(one.import_name for one in put), *removed)
        yield events.CampaignTemplateChanged(
            put=tuple(one.stored() for one in put),
            removed=tuple(removed),
            before=tuple(old[name].stored() for name in touched if name in old),
        )


@decides(ChangeFollowUpRules)
def _change_rules(
    campaign: Campaign | None, command: ChangeFollowUpRules, facts: Facts
) -> Iterable[Event]:
    known = _known(campaign, command, facts)
    rules = FollowUpRules(tuple(one.rule() for one in command.rules))
    _refuse(problems_of_rules(rules.rules, facts.organisation.statuses))
    if rules != known.rules:
        yield events.CampaignFollowUpRulesChanged(
            rules=tuple(one.stored() for one in rules.rules),
            before=tuple(one.stored() for one in known.rules.rules),
        )


@decides(ChangeAttemptLimits)
def _change_limits(
    campaign: Campaign | None, command: ChangeAttemptLimits, facts: Facts
) -> Iterable[Event]:
    known = _known(campaign, command, facts)
    limits = command.limits.limits()
    if limits != known.limits:
        yield events.CampaignAttemptLimitsChanged(limits.stored(), before=known.limits.stored())


@decides(ChangeDiallingHours)
def _change_hours(
    campaign: Campaign | None, command: ChangeDiallingHours, facts: Facts
) -> Iterable[Event]:
    known = _known(campaign, command, facts)
    hours = None if command.hours is None else command.hours.hours()
    if hours is not None:
        _refuse(problems_of(hours))
    if hours != known.hours:
        yield events.CampaignDiallingHoursChanged(
            None if hours is None else hours.stored(),
            before=None if known.hours is None else known.hours.stored(),
        )


@decides(ChangeActivityRange)
def _change_range(
    campaign: Campaign | None, command: ChangeActivityRange, facts: Facts
) -> Iterable[Event]:
    known = _known(campaign, command, facts)
    _refuse(_problems_of_range(command))
    before = (known.active_from, known.active_until)
    if _range(command) != before:
        yield events.CampaignActivityRangeChanged(*_range(command), before=before)


@decides(ActivateCampaign)
def _activate(
    campaign: Campaign | None, command: ActivateCampaign, facts: Facts
) -> Iterable[Event]:
    if not _known(campaign, command, facts).active:
        yield events.CampaignActivated()


@decides(DeactivateCampaign)
def _deactivate(
    campaign: Campaign | None, command: DeactivateCampaign, facts: Facts
) -> Iterable[Event]:
    if _known(campaign, command, facts).active:
        yield events.CampaignDeactivated()
