"""One whole stack with a small cut of the sample, shared by what only looks at it or adds to it."""

from collections.abc import Iterator

import pytest

from tests.loaded import Loaded, loaded_stack


@pytest.fixture
def loaded(shared: Loaded) -> Loaded:
    """The shared stack, once its read models show all that the tests before did."""
    shared.catch_up()
    return shared


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """The stack with the first leads of the sample and all their calls in it."""
    with loaded_stack(tmp_path_factory.mktemp("stack")) as one:
        yield one
