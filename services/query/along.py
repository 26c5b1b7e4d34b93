"""How a page goes along an order: which index has it, and what to do where none has.

In the usual order, the last change, there is an index of all leads, one of those of each owner,
pool, segment or value of a chosen field, and one of those of each status in each campaign.
"""

from dataclasses import dataclass
from typing import Any

from schemas.filters import CUSTOM, And, Equals, In, Search
from services.query.filters_sql import Found
from services.query.paging import BY_LAST_CHANGE, SortKey, sort_expression
from services.query.questions import Question
from services.query.reading import Asked
from services.query.sql import Arguments

MERGED_MAX = 200
"""A page is merged of so many campaigns times statuses."""

WALKED_MAX = 100_000
"""To go along so many entries of an order takes 20 ms. Sooner the leads that were looked up are
read and sorted.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a page: the whole condition on leads `l`, what it says of the page's place
    (`after`), the order, and how many rows at most.
    """

    where: str
    after: str
    order: str
    most: str

    @property
    def page(self) -> str:
        """What ends a statement that selects these rows."""
        return f"order by {self.order} limit {self.most}"


def leading(asked: Asked, question: Question) -> Any:
    """Return the condition that one value of a column holds, whose leads an index has in the order
    of the list; None if there is none.
    """
    if not _by_last_change(question):
        return None
    nodes = question.tree.of if isinstance(question.tree, And) else (question.tree,)
    fields = BY_LAST_CHANGE | {CUSTOM + name for name in asked.directory.indexed}
    return next((one for one in nodes if isinstance(one, Equals) and one.field in fields), None)


def led_order(node: Equals, asked: Asked, order: str, arguments: Arguments) -> str:
    """Return the order with the template field's value first. It is the same for all; but behind a
    policy the planner may not conclude so, and would not see that the index has this order.
    """
    if not node.field.startswith(CUSTOM):
        return order
    value, _ = sort_expression(SortKey(node.field), asked.directory.kinds, arguments)
    return f"{value} {order.rsplit(' ', 1)[1]}, {order}"


def sooner_gathered(question: Question, searched: Found) -> bool:
    """Say whether the leads looked up are so few that a page of them is far along any order."""
    if not searched.few:
        return False
    found = min(len(leads) for leads in searched.few.values())
    return question.limit * searched.total > WALKED_MAX * found


def gathered(step: Step) -> str:
    """Return what selects all leads `l` of the condition. Of those the planner knows how many there
    are, and does not go along an order in the hope that a page of them comes soon.
    """
    return f"(select l.* from read.lead l where {step.where} offset 0) l"  # noqa: S608 - ours


def by_indexes(
    asked: Asked, question: Question, searched: Found, step: Step, arguments: Arguments
) -> str:
    """Return what selects the ids of the page's leads from indexes alone, so that rows are read of
    those only and not of all that is passed by; "" where that is not possible.
    """
    if not asked.sight.everything or asked.then or not _by_last_change(question):
        return ""
    tree = question.tree
    if isinstance(tree, Search) and searched.many:
        leads = "select l.lead_id from read.lead l where"
        return " ".join((leads, step.where, step.page))
    if not isinstance(tree, Equals | In) or tree.field != "status":
        return ""
    values = {tree.value} if isinstance(tree, Equals) else set(tree.values)
    if len(values) * asked.directory.campaigns > MERGED_MAX:
        return ""
    return _merged(step, arguments.add(sorted(map(str, values)), "text[]"))


_CAMPAIGNS = """(
with recursive known (campaign_id) as (
  (select l.campaign_id from read.lead l
     where not l.deleted and l.campaign_id is not null order by l.campaign_id desc limit 1)
  union all
  select (select l.campaign_id from read.lead l
     where not l.deleted and l.campaign_id < k.campaign_id order by l.campaign_id desc limit 1)
    from known k where k.campaign_id is not null
)
select campaign_id from known where campaign_id is not null
) k"""
"""The campaigns that leads have, each found at once in the index that begins with them. Backwards,
because a lead that moves on in an index leaves a dead entry before the live ones.
"""


def _merged(step: Step, statuses: str) -> str:
    """Return what selects the ids of a page of leads of these statuses: of each campaign and status
    as many as a page takes, and of those the first.

    Along the order of all leads a page would pass by those of other statuses, 100,000 of them if so
    many were changed together.
    """
    leads = "select l.lead_id, l.last_modified_at from read.lead l where not l.deleted"
    here = f"{leads} and l.campaign_id = k.campaign_id and l.status = s.status"
    nowhere = f"{leads} and l.campaign_id is null and l.status = any({statuses})"
    each = f"cross join lateral ({here} and {step.after} {step.page}) l"
    pieces = (
        "select l.lead_id from (select l.* from",
        f"{_CAMPAIGNS} cross join unnest({statuses}) s (status) {each}",
        f"union all ({nowhere} and {step.after} {step.page})) l {step.page}",
    )
    return " ".join(pieces)


def _by_last_change(question: Question) -> bool:
    return question.sort[0].field == "last_modified_at" and len(question.sort) == 1
