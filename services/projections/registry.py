"""All read models there are. A new one: its table, its file with a MODEL, a line here, a test."""

from services.projections import (
    api_key,
    app_user,
    campaign,
    dnc,
    export_job,
    favourite,
    lead,
    lead_log,
    mailing,
    pool,
    quarantine,
    segment,
    status,
    team,
    view,
)
from services.projections.model import ReadModel

MODELS: tuple[ReadModel, ...] = (
    lead.MODEL,
    lead_log.MODEL,
    campaign.MODEL,
    team.MODEL,
    app_user.MODEL,
    api_key.MODEL,
    status.MODEL,
    dnc.MODEL,
    quarantine.MODEL,
    pool.MODEL,
    segment.MODEL,
    view.MODEL,
    export_job.MODEL,
    mailing.MODEL,
    favourite.MODEL,
)
BY_NAME: dict[str, ReadModel] = {model.name: model for model in MODELS}
BY_CATEGORY: dict[str, tuple[ReadModel, ...]] = {
    model.category: tuple(one for one in MODELS if one.category == model.category)
    for model in MODELS
}
