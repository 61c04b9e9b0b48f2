"""What the lists of an archive look like, all of them together."""

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from recommender.errors import NotFound, StoreUnavailable
from recommender.pipeline.results import FALLBACKS, RelatedList
from recommender.policy.list_options import DEFAULT_LIMIT, ListOptions
from recommender.replica.site import SiteReplica

MOST_LISTS = 10_000  # of more articles as many stand for all
MOST_NAMED = 200
FEW = 2  # related articles, or just one
OLD_DAYS = 365  # an article that came out so long before the story
DAYS = (1, 7, 30, 90, 365, 1825)
"""Where one group of ages ends and the next begins; the last has no end."""
TIMES = (1, 2, 3, 6, 11, 21, 51)
"""The same for how often an article is recommended; the first is never."""

PATIENCE_SECONDS = 10.0  # with a store that is away
PAUSE_SECONDS = 0.2

Answer = TypeVar("Answer")
Between = Callable[[int, int], None]


class Noted(BaseModel):
    """An article that stands out, and by which number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    number: float


class Survey(BaseModel):
    """
    The lists of a site in figures, as readers get them by the site's own settings.

    Fields:
        version: of the site when it ended.
        articles: how many were out.
        lists: how many were looked at; fewer than `articles` are a sample.
        related: how many lists have 0, 1, 2, … related articles; the rest only fill them up.
        ages: how many lists are so old: `DAYS` from today to the middle one of their articles.
        gaps: the same from the story; the first is of lists whose middle article is newer.
        recommended: how many articles stand in so many of the lists, by `TIMES`.
        most: articles that stand in the most lists, and in how many.
        never: the newest articles that stand in none.
        without, few: the newest articles with no related ones, or few, and how many.
        old: articles whose lists are the oldest, and by how many days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: datetime
    version: int
    articles: int
    lists: int
    related: tuple[int, ...]
    ages: tuple[int, ...]
    gaps: tuple[int, ...]
    recommended: tuple[int, ...]
    most: tuple[Noted, ...]
    never: tuple[Noted, ...]
    without: tuple[Noted, ...]
    few: tuple[Noted, ...]
    old: tuple[Noted, ...]

    @property
    def is_sample(self) -> bool:
        return self.lists < self.articles


class Lists:
    """Lists as they come, added up."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._times: Counter[str] = Counter()
        self._related: list[tuple[str, int]] = []  # in the order in which lists came
        self._gaps: list[tuple[str, float]] = []
        self._ages: list[float] = []

    def add(self, article_id: str, made: RelatedList) -> None:
        items = made.items
        self._times.update(item.card["id"] for item in items)
        found = sum(item.reason not in FALLBACKS for item in items)
        self._related.append((article_id, found))
        dates = [at for item in items if (at := _date(item.card)) is not None]
        if not dates:
            return
        self._ages.append(median(_days(self._now - at) for at in dates))
        own = _date(made.source or {})
        if own is not None:
            self._gaps.append((article_id, median(_days(own - at) for at in dates)))

    def survey(self, version: int, articles: int) -> Survey:
        recommended = _grouped(self._times.values(), TIMES)
        never = max(0, articles - len(self._times))
        by_number = sorted(self._times.items(), key=lambda item: (-item[1], item[0]))
        old = sorted((-gap, i) for i, gap in self._gaps if gap >= OLD_DAYS)
        return Survey(
            made_at=self._now,
            version=version,
            articles=articles,
            lists=len(self._related),
            related=_counted([n for _, n in self._related]),
            ages=_grouped(self._ages, DAYS),
            gaps=_grouped([gap for _, gap in self._gaps], (0, *DAYS)),
            recommended=(never, *recommended[1:]),
            most=_noted(by_number),
            never=_noted([(i, 0) for i, _ in self._related if i not in self._times]),
            without=_noted([(i, n) for i, n in self._related if not n]),
            few=_noted([(i, n) for i, n in self._related if 0 < n <= FEW]),
            old=_noted([(i, round(-days, 1)) for days, i in old]),
        )


def survey(live: SiteReplica, now: datetime, between: Between) -> Survey:
    """
    Make the list of every article, or of as many as stand for all, and add them up.

    Args:
        between: called before each list with how many are made and how many there will be; what
            it raises ends the survey.
    """
    options, lists = ListOptions(), Lists(now)
    ids = patiently(partial(live.sample, MOST_LISTS, now))
    articles = patiently(partial(live.holdings, now)).out
    for done, article_id in enumerate(ids):
        between(done, len(ids))
        try:
            made, _ = patiently(partial(live.related, article_id, options, now))
        except NotFound:  # deleted just now
            continue
        lists.add(article_id, made)
    return lists.survey(live.version, articles)


def patiently(ask: Callable[[], Answer]) -> Answer:
    """
    What *ask* returns; a store that is away is asked again, for among ten thousand answers one
    comes late.

    Raises:
        StoreUnavailable: when it stays away for `PATIENCE_SECONDS`.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


def _date(card: dict[str, object]) -> datetime | None:
    date = card.get("published_at")
    return datetime.fromisoformat(str(date)) if date else None


def _days(time: timedelta) -> float:
    return time / timedelta(days=1)


def _counted(numbers: Iterable[int]) -> tuple[int, ...]:
    """How many are 0, 1, 2, … up to the usual length of a list, or the most there are."""
    counts = Counter(numbers)
    return tuple(counts[n] for n in range(max([DEFAULT_LIMIT, *counts]) + 1))


def _grouped(values: Iterable[float], starts: Sequence[float]) -> tuple[int, ...]:
    """How many are below the first of *starts*, from there to below the second, and so on."""
    counts = Counter(bisect_right(starts, value) for value in values)
    return tuple(counts[n] for n in range(len(starts) + 1))


def _noted(found: Sequence[tuple[str, float]]) -> tuple[Noted, ...]:
    return tuple(Noted(id=i, number=number) for i, number in found[:MOST_NAMED])
