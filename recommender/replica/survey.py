"""A survey of a site: figures about the lists of all its articles."""

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from typing import TypeVar

from recommender.errors import NotFound, StoreUnavailable
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import FALLBACKS, RelatedList
from recommender.policy.list_options import DEFAULT_LIMIT, ListOptions
from recommender.replica.sampling import sample_ids
from recommender.replica.site import SiteReplica
from recommender.storage.surveys import DAYS, TIMES, Survey, SurveyOutlier

MAX_LISTS = 10_000  # of more articles, so many are a sample of all
MAX_OUTLIERS = 200
FEW = 2  # related articles, or just one
OLD_DAYS = 365  # from the article to the median article of its list

PATIENCE_SECONDS = 10.0  # while the store is away
PAUSE_SECONDS = 0.2

Answer = TypeVar("Answer")
BetweenLists = Callable[[int, int], None]


class SurveyCounter:
    """Counts what the lists of a survey have, one list after the other."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._times_recommended: Counter[str] = Counter()
        self._related: list[tuple[str, int]] = []  # in the order of `add`
        self._gaps: list[tuple[str, float]] = []
        self._ages: list[float] = []

    def add(self, article_id: str, related_list: RelatedList) -> None:
        items = related_list.items
        related = 0
        dates = []
        for item in items:
            self._times_recommended[item.card["id"]] += 1
            related += item.reason not in FALLBACKS
            date = _date(item.card)
            if date is not None:
                dates.append(date)
        self._related.append((article_id, related))
        if not dates:
            return
        # Medians, because one very old item must not make a whole list look old.
        self._ages.append(median([_days(self._now - date) for date in dates]))
        own_date = _date(related_list.source or {})
        if own_date is not None:
            gap = median([_days(own_date - date) for date in dates])
            self._gaps.append((article_id, gap))

    def survey(self, version: int, articles: int) -> Survey:
        times = self._times_recommended
        never = max(0, articles - len(times))
        by_times = sorted(times.items(), key=lambda item: (-item[1], item[0]))
        old = [(article_id, gap) for article_id, gap in self._gaps if gap >= OLD_DAYS]
        # The largest gap first; equal ones by id, so that every survey shows the same.
        old.sort(key=lambda row: (-row[1], row[0]))
        return Survey(
            made_at=self._now,
            version=version,
            articles=articles,
            lists=len(self._related),
            related=_counts([number for _, number in self._related]),
            ages=_group_sizes(self._ages, DAYS),
            gaps=_group_sizes([gap for _, gap in self._gaps], (0, *DAYS)),
            recommended=(never, *_group_sizes(times.values(), TIMES)[1:]),
            most=_outliers(by_times),
            never=_outliers([(i, 0) for i, _ in self._related if i not in times]),
            without=_outliers([(i, number) for i, number in self._related if number == 0]),
            few=_outliers([(i, number) for i, number in self._related if 0 < number <= FEW]),
            old=_outliers([(i, round(gap, 1)) for i, gap in old]),
        )


def survey(replica: SiteReplica, now: datetime, between: BetweenLists) -> Survey:
    """
    Make the list of every article, or of a sample of `MAX_LISTS`, and summarise them.

    Args:
        between: called before each list with how many are made and how many there will be; an
            exception that it raises ends the survey.
    """
    options = ListOptions()
    counter = SurveyCounter(now)
    ids = patiently(partial(sample_ids, replica, MAX_LISTS, now))
    articles = patiently(partial(replica.holdings, now)).out
    # One article after the other, so that readers wait for one list at most.
    for done, article_id in enumerate(ids):
        between(done, len(ids))
        related = partial(Recommender.related, article_id=article_id, options=options, now=now)
        try:
            related_list, _ = patiently(partial(replica.read_with_cards, related))
        except NotFound:  # deleted just now
            continue
        counter.add(article_id, related_list)
    return counter.survey(replica.version, articles)


def patiently(ask: Callable[[], Answer]) -> Answer:
    """
    Return the result of *ask*; repeat it while the store is away, for `PATIENCE_SECONDS`.

    Of ten thousand answers, one comes late even from a healthy store.

    Raises:
        StoreUnavailable: when the store stays away.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


def _date(card: Mapping[str, object]) -> datetime | None:
    date = card.get("published_at")
    return datetime.fromisoformat(str(date)) if date else None


def _days(duration: timedelta) -> float:
    return duration / timedelta(days=1)


def _counts(numbers: Iterable[int]) -> tuple[int, ...]:
    """How many are 0, 1, 2, … up to the usual length of a list, or the largest number."""
    counts = Counter(numbers)
    highest = max([DEFAULT_LIMIT, *counts])
    return tuple(map(counts.__getitem__, range(highest + 1)))


def _group_sizes(values: Iterable[float], starts: Sequence[float]) -> tuple[int, ...]:
    """How many are below the first of *starts*, from there to below the second, and so on."""
    counts = Counter(bisect_right(starts, value) for value in values)
    return tuple(map(counts.__getitem__, range(len(starts) + 1)))


def _outliers(articles: Sequence[tuple[str, float]]) -> tuple[SurveyOutlier, ...]:
    return tuple(SurveyOutlier(id=i, number=number) for i, number in articles[:MAX_OUTLIERS])
