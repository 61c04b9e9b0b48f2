"""Hundreds of histories of writes, delivered in any order and several times."""

import pytest
from hypothesis import HealthCheck, given, settings
from running_service import Record as KeepFigure
from test_store import Write, check_state, deliveries, expected_titles

from recommender.storage.store import Store

pytestmark = pytest.mark.chaos

HISTORIES = 300


def test_three_hundred_histories_end_in_the_state_of_their_newest_writes(
    backend, raw_redis, record: KeepFigure
) -> None:
    store: Store = backend.store
    counted: list[int] = []

    @settings(
        max_examples=HISTORIES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(deliveries())
    def check(delivered: tuple[list[Write], list[Write]]) -> None:
        history, arrived = delivered
        raw_redis.flushall()
        for write in arrived:
            write(store)
        counted.append(len(arrived))
        check_state(store, expected_titles(history))
        revive_with_older_writes(store, history)
        check_state(store, expected_titles(history))

    check()
    record(8, f"{len(counted)} histories, {sum(counted):,} deliveries: 0 ended in another state")


def revive_with_older_writes(store: Store, history: list[Write]) -> None:
    """Deliver every put once more, after all deletes."""
    for write in history:
        if write.title is not None:
            write(store)
