"""What can be asked of the organisation: teams, users, API keys, statuses. An admin's work."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from services.command.domain.addresses import parse_email
from services.command.domain.decider import Command
from services.command.domain.types import Code, Id, Instant, Line, Name, OwnerRef

Role = Literal["agent", "team_leader", "admin", "auditor", "dialer"]
Right = Literal["extended_data", "extended_insights", "lead_admin", "lead_pools"]
Rights = Annotated[tuple[Right, ...], Field(max_length=10)]
Email = Annotated[str, Field(max_length=254), AfterValidator(parse_email)]
OwnGroup = Literal["open", "held", "closed"]
OwnKind = Literal[
    "new", "working", "redial", "waiting", "held", "won", "lost", "unreachable", "exhausted"
]


class OrganisationCommand(Command):
    """What all commands to the organisation share."""

    aggregate: ClassVar[str] = "organisation"
    roles: ClassVar[frozenset[str]] = frozenset({"admin"})


class SetUpOrganisation(OrganisationCommand):
    """Begin the organisation with its top-level team. Once that is done, it does nothing more.

    Given by the first start, never by people.
    """

    roles: ClassVar[frozenset[str]] = frozenset()

    name: Name
    team: Id | None = None
    ownership_code: Code | None = None


class AddTeam(OrganisationCommand):
    """Add a team below `parent`, or below the top-level team. `id` may be chosen by the caller."""

    name: Name
    parent: Id | None = None
    ownership_code: Code | None = None
    id: Id | None = None


class RenameTeam(OrganisationCommand):
    """Give the team another name."""

    team: Id
    name: Name


class MoveTeam(OrganisationCommand):
    """Hang the team, with all below it, under another one. Who may call which lead follows."""

    team: Id
    parent: Id


class ActivateTeam(OrganisationCommand):
    """Let the team be given leads, users and teams below it again."""

    team: Id


class DeactivateTeam(OrganisationCommand):
    """Let the team be given nothing any more: no lead, no user, no team below it.

    Refused for the top-level team, and while active users are in it or active teams below it. The
    leads it owns stay its own and can be handed on with ChangeOwner; nobody dials them meanwhile.
    """

    team: Id


class SetOwnershipCode(OrganisationCommand):
    """Let uploads and the API reach a team or user by this code; `null` takes it away."""

    owner: OwnerRef
    ownership_code: Code | None


class AddUser(OrganisationCommand):
    """Add a person, or a dialer's service account. `id` may be chosen by the caller."""

    team: Id
    role: Role
    name: Name
    email: Email | None = None
    rights: Rights = ()
    ownership_code: Code | None = None
    id: Id | None = None


class ChangeUser(OrganisationCommand):
    """Change role, rights, name or address; what is left out stays."""

    user: Id
    role: Role | None = None
    rights: Rights | None = None
    name: Name | None = None
    email: Email | None = None


class MoveUser(OrganisationCommand):
    """Put the user into another team; the leads they own stay theirs."""

    user: Id
    team: Id


class ActivateUser(OrganisationCommand):
    """Let the user act again."""

    user: Id


class DeactivateUser(OrganisationCommand):
    """Let the user act no more, by no key. The last active admin stays."""

    user: Id


class IssueApiKey(OrganisationCommand):
    """Let whoever holds this key act as the user. The caller makes the secret and keeps it.

    `secret_hash`: hex of the SHA-256 that `services.kit.auth` compares with.
    """

    user: Id
    key_id: Annotated[str, Field(pattern=r"^[a-z2-7]{10}$")]
    secret_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    label: Line = ""
    expires_at: Instant | None = None


class RevokeApiKey(OrganisationCommand):
    """Let the key open nothing any more, for good."""

    key_id: Annotated[str, Field(pattern=r"^[a-z2-7]{10}$")]


class AddStatus(OrganisationCommand):
    """Add a lead status of the organisation's own."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,62}$")]
    label: Name
    group: OwnGroup
    dialable: bool
    kind: OwnKind


class ChangeStatusCatalogue(OrganisationCommand):
    """Show a status by another label; for one of our own, change whether it is dialled too."""

    code: Code
    label: Name | None = None
    dialable: bool | None = None


class ActivateStatus(OrganisationCommand):
    """Let leads be given a status of our own again."""

    code: Code


class DeactivateStatus(OrganisationCommand):
    """Let no lead be given a status of our own any more, by hand, result or rule.

    Refused while a follow-up rule of any campaign sets it, and for those built in. Leads that have
    it keep it, are dialled as it says, and have it again when their status is restored.
    """

    code: Code
