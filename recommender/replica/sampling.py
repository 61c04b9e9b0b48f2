"""Compares two settings over a sample of articles, without keeping readers waiting."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial

from recommender.errors import NotFound, TooManyRequests
from recommender.pipeline.compare import ListFigures, Sampled, figures_of_both, sample, sampled
from recommender.policy.site_settings import ListDefaults
from recommender.replica.site import SiteReplica

SAMPLING_SECONDS = 8.0
# Or this thread would take the replica's lock again before a waiting reader is awake.
PAUSE_SECONDS = 0.0005


def sample_ids(replica: SiteReplica, size: int, now: datetime) -> list[str]:
    """Ids of articles that represent all, as `compare.sample` takes them."""
    ids, _ = replica.read(lambda recommender: sample(recommender.corpus, size, now))
    return ids


def compare_over_sample(
    replica: SiteReplica, a: ListDefaults, b: ListDefaults, size: int, now: datetime
) -> Sampled:
    """
    Compare the lists of two settings in figures.

    The sample has *size* articles, or as many as `SAMPLING_SECONDS` allow. Readers wait for two
    lists at most.

    Raises:
        TooManyRequests: while another comparison runs in this process.
    """
    # Refused, not queued: it would keep a thread of this worker waiting for seconds.
    if not replica.sampling.acquire(blocking=False):
        raise TooManyRequests("settings are being compared already; try again in a moment")
    try:
        ids = sample_ids(replica, size, now)
        return sampled(list(_figures(replica, ids, a, b, now)))
    finally:
        replica.sampling.release()


def _figures(
    replica: SiteReplica, ids: Iterable[str], a: ListDefaults, b: ListDefaults, now: datetime
) -> Iterator[tuple[ListFigures, ListFigures]]:
    deadline = time.monotonic() + SAMPLING_SECONDS
    for article_id in ids:
        with suppress(NotFound):  # it was deleted since the sample was taken
            compare = partial(figures_of_both, article_id=article_id, a=a, b=b, now=now)
            yield replica.read(compare)[0]
        if time.monotonic() > deadline:
            return
        time.sleep(PAUSE_SECONDS)
