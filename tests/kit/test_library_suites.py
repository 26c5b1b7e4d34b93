"""The recorder suites of the `eventsourcing` library pass on our event log, unchanged."""

import pytest
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
)

from tests.kit.library_recorder import LogAggregateRecorder, LogApplicationRecorder, LogThread


class TestAsAggregateRecorder(AggregateRecorderTestCase):
    @pytest.fixture(autouse=True)
    def database(self, database_url: str) -> None:
        self.url = database_url

    def create_recorder(self) -> LogAggregateRecorder:
        thread = LogThread(self.url)
        self.addCleanup(thread.close)
        return LogAggregateRecorder(thread)


class TestAsApplicationRecorder(ApplicationRecorderTestCase[LogApplicationRecorder]):
    @pytest.fixture(autouse=True)
    def database(self, database_url: str) -> None:
        self.url = database_url

    def create_recorder(self) -> LogApplicationRecorder:
        thread = LogThread(self.url)
        self.addCleanup(thread.close)
        return LogApplicationRecorder(thread)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


del AggregateRecorderTestCase, ApplicationRecorderTestCase  # abstract: not to be collected here
