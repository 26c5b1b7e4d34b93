"""Every read model is known to worker, rebuild and check under its one name."""

from services.projections.registry import BY_CATEGORY, BY_NAME, MODELS


def test_every_read_model_is_registered_under_its_name() -> None:
    assert {model.name for model in MODELS} == BY_NAME.keys()
    assert [model.name for model in BY_CATEGORY["lead"]] == ["lead", "lead_log"]
