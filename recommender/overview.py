"""Figures about a site: its archive, its lists, its readers, and the service."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from itertools import pairwise
from operator import attrgetter
from typing import Annotated, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import TypedDict

from recommender.articles import UNDATED, Card, instant
from recommender.backend import Backend
from recommender.checks import State, durability
from recommender.replica.holdings import Holdings
from recommender.replica.site import SiteReplica
from recommender.replica.survey import FEW, OLD_DAYS
from recommender.storage.evaluations import MeasureFigures
from recommender.storage.events import DailyTotal
from recommender.storage.imports import Import
from recommender.storage.surveys import DAYS, TIMES, Survey, SurveyOutlier

FRESH_DAYS = 30
READER_DAYS = 28
MAX_VALUES = 12  # sections, languages and years with their own figures; the others are summed up
MAX_OUTLIERS = 10  # of each kind
_DAY_MICROSECONDS = 86_400_000_000

Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Value(TypedDict):
    """How many articles have one value of a field."""

    name: Annotated[str | None, Field(description="Null for all other values, and for none")]
    articles: int


class ArchiveFigures(TypedDict):
    """The articles of the archive."""

    articles: int
    undated: int
    scheduled: Annotated[int, Field(description="How many are not published yet")]
    languages: list[Value]
    sections: Annotated[list[Value], Field(description="The largest, in lower case")]
    years: Annotated[list[Value], Field(description="The last ones")]


class DayOfArticles(TypedDict):
    day: Day
    articles: int


class DatedArticle(TypedDict):
    id: str
    title: str | None
    published_at: str | None


class FreshFigures(TypedDict):
    """The newest articles."""

    days: Annotated[list[DayOfArticles], Field(description="The last thirty (UTC), oldest first")]
    week: Annotated[int, Field(description="Articles of the last seven days")]
    newest: DatedArticle | None


Band = TypedDict(
    "Band",
    {
        "from": Annotated[int | None, Field(description="Null: no lower bound")],
        "below": Annotated[int | None, Field(description="Null: no upper bound")],
    },
)


class BandOfArticles(Band):
    """How many articles have a number between two bounds."""

    articles: int


class BandOfLists(Band):
    """How many lists have a number between two bounds."""

    lists: int


class OutlierArticle(TypedDict):
    """An article that stands out, and the number it stands out by."""

    id: str
    title: str | None
    number: float


class OutlierArticles(TypedDict):
    """The first articles that stand out, by kind."""

    most: Annotated[
        list[OutlierArticle], Field(description="Those in the most lists; the number of lists")
    ]
    never: Annotated[list[OutlierArticle], Field(description="Those in no list, newest first")]
    without: Annotated[
        list[OutlierArticle], Field(description="Those without related articles, newest first")
    ]
    few: Annotated[
        list[OutlierArticle],
        Field(description="Those with one or two related articles, newest first; how many"),
    ]
    old: Annotated[list[OutlierArticle], Field(description="Those with old lists; the days")]


class SurveyFigures(TypedDict):
    """The last survey: it made every list, or a sample of the lists."""

    made_at: Timestamp
    changes_since: int
    articles: Annotated[int, Field(description="How many there were")]
    lists: Annotated[int, Field(description="How many lists were made")]
    related: Annotated[
        list[int], Field(description="How many lists have 0, 1, 2, … related articles")
    ]
    without: Annotated[int, Field(description="How many have none")]
    few: Annotated[int, Field(description="How many have one or two")]
    old: Annotated[
        int, Field(description="How many are older than their article by a year or more")
    ]
    never: Annotated[int, Field(description="How many articles are in none of these lists")]
    recommended: Annotated[
        list[BandOfArticles], Field(description="By the number of lists that they are in")
    ]
    ages: Annotated[
        list[BandOfLists], Field(description="By the age in days of their median article")
    ]
    gaps: Annotated[
        list[BandOfLists],
        Field(description="By days between the list's own article and its median article"),
    ]
    named: OutlierArticles


class SurveyProgress(TypedDict):
    """How many of how many lists are made."""

    done: int
    total: int


class Counts(TypedDict):
    impressions: int
    clicks: int
    click_through: Annotated[float | None, Field(description="Clicks for each impression")]


class DayOfReaders(Counts):
    day: Day


class PositionOfReaders(Counts):
    position: int


class ReaderFigures(Counts):
    """What readers did in the last 28 days (UTC)."""

    days: list[DayOfReaders]
    positions: list[PositionOfReaders]


class RankingFigures(TypedDict):
    measured: Annotated[
        dict[str, float | int | str],
        Field(description="What `alsosee tune` measured of the ranking in use; empty without one"),
    ]


class EvaluationSummary(TypedDict):
    """The last evaluation: system, measure, and its mean with the 95 % interval."""

    made_at: Timestamp
    articles: int
    queries: int
    systems: dict[str, dict[str, MeasureFigures]]


class StoreCheck(TypedDict):
    state: State
    text: str


class UpgradeFigures(TypedDict):
    """How far an upgrade is: articles of the site that were checked, and all of them."""

    checked: int
    articles: int


class ServiceFigures(TypedDict):
    """The state of the service, as the answering worker knows it."""

    version: str
    state: Annotated[str, Field(description="`ready`, or why it is not")]
    store: str
    checks: list[StoreCheck]
    index_file: Annotated[int | None, Field(description="Its number; null without one")]
    damaged_records: int
    outdated_vectors: int
    upgrade: Annotated[
        UpgradeFigures | None, Field(description="While articles are analysed again; else null")
    ]
    workers: int
    threads: int


class Overview(TypedDict):
    """Archive, lists, readers and service in figures."""

    site: str
    made_at: Timestamp
    version: Annotated[int, Field(description="Number of the site's last change")]
    archive: ArchiveFigures
    fresh: FreshFigures
    survey: Annotated[SurveyFigures | None, Field(description="Null before the first")]
    surveying: Annotated[
        SurveyProgress | None, Field(description="The progress of a running survey")
    ]
    imports: Annotated[list[Import], Field(description="The last imports, newest first")]
    readers: ReaderFigures
    ranking: RankingFigures
    evaluation: Annotated[
        EvaluationSummary | None,
        Field(description="From `alsosee evaluate --overview`; null before the first"),
    ]
    service: ServiceFigures


def overview_of(backend: Backend, live: SiteReplica, now: datetime) -> Overview:
    holdings = live.holdings(now)
    survey = backend.surveys.latest(live.site)
    progress = backend.surveys.progress(live.site)
    return {
        "site": live.site,
        "made_at": now.isoformat(timespec="seconds"),
        "version": holdings.version,
        "archive": _archive(holdings, now),
        "fresh": _fresh(backend, live.site, holdings, now),
        "survey": _survey(backend, live.site, survey, holdings.version) if survey else None,
        "surveying": {"done": progress.done, "total": progress.total} if progress else None,
        "imports": backend.imports.last(live.site),
        "readers": _readers(backend, live.site, now.date()),
        "ranking": {"measured": dict(backend.model(live.site).measured)},
        "evaluation": _evaluation(backend, live.site),
        "service": _service(backend, live),
    }


def _archive(holdings: Holdings, now: datetime) -> ArchiveFigures:
    published = holdings.published
    dated = published[published != UNDATED]
    # NumPy counts years from 1970.
    years = dated.astype("datetime64[us]").astype("datetime64[Y]").astype(int) + 1970
    by_year = Counter(years.tolist())
    years_first = [(str(year), by_year[year]) for year in sorted(by_year, reverse=True)]
    return {
        "articles": int(published.size),
        "undated": int(published.size - dated.size),
        "scheduled": int(np.count_nonzero(dated > instant(now))),
        "languages": _values(_largest_first(holdings.languages), published.size),
        "sections": _values(_largest_first(holdings.sections), published.size),
        "years": _values(years_first, dated.size),
    }


def _largest_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))


def _values(rows: Sequence[tuple[str, int]], articles: int) -> list[Value]:
    """The first values, and one sum for the articles with other values or none."""
    values: list[Value] = []
    others = articles
    for name, count in rows[:MAX_VALUES]:
        values.append({"name": name, "articles": count})
        others -= count
    if others > 0:
        values.append({"name": None, "articles": others})
    return values


def _fresh(backend: Backend, site: str, holdings: Holdings, now: datetime) -> FreshFigures:
    days = _per_day(holdings.published, now)
    card = None
    if holdings.newest is not None:
        card = backend.store.cards(site, [holdings.newest]).get(holdings.newest)
    return {
        "days": days,
        "week": sum(day["articles"] for day in days[-7:]),
        "newest": _dated_article(card) if card else None,
    }


def _dated_article(card: Card) -> DatedArticle:
    return {"id": card["id"], "title": card["title"], "published_at": card["published_at"]}


def _per_day(published: NDArray[np.int64], now: datetime) -> list[DayOfArticles]:
    """How many articles were published on each of the last days (UTC), oldest first."""
    first = now.date() - timedelta(days=FRESH_DAYS - 1)
    start = instant(datetime(first.year, first.month, first.day, tzinfo=UTC))
    recent = published[(published >= start) & (published <= instant(now))]
    counts = np.bincount((recent - start) // _DAY_MICROSECONDS, minlength=FRESH_DAYS)
    days: list[DayOfArticles] = []
    for number, count in enumerate(counts.tolist()):
        day = first + timedelta(days=number)
        days.append({"day": day.isoformat(), "articles": count})
    return days


def _survey(backend: Backend, site: str, survey: Survey, current_version: int) -> SurveyFigures:
    ids: set[str] = set()
    for outliers in (survey.most, survey.never, survey.without, survey.few, survey.old):
        ids.update(map(attrgetter("id"), outliers[:MAX_OUTLIERS]))
    cards = backend.store.cards(site, sorted(ids))
    return {
        "made_at": survey.made_at.isoformat(timespec="seconds"),
        "changes_since": max(0, current_version - survey.version),
        "articles": survey.articles,
        "lists": survey.lists,
        "related": list(survey.related),
        "without": survey.related[0],
        "few": sum(survey.related[1 : FEW + 1]),
        "old": sum(survey.gaps[DAYS.index(OLD_DAYS) + 2 :]),
        "never": survey.recommended[0],
        "recommended": _article_bands((0, *TIMES), survey.recommended),
        "ages": _list_bands((0, *DAYS), survey.ages),
        # A list may be newer than its article, so the first group has no start.
        "gaps": _list_bands((None, 0, *DAYS), survey.gaps),
        "named": {
            "most": _outlier_articles(survey.most, cards),
            "never": _outlier_articles(survey.never, cards),
            "without": _outlier_articles(survey.without, cards),
            "few": _outlier_articles(survey.few, cards),
            "old": _outlier_articles(survey.old, cards),
        },
    }


def _article_bands(starts: Sequence[int | None], counts: Iterable[int]) -> list[BandOfArticles]:
    return [{**band, "articles": count} for band, count in _bands(starts, counts)]


def _list_bands(starts: Sequence[int | None], counts: Iterable[int]) -> list[BandOfLists]:
    return [{**band, "lists": count} for band, count in _bands(starts, counts)]


def _bands(starts: Sequence[int | None], counts: Iterable[int]) -> list[tuple[Band, int]]:
    bands: list[Band] = [{"from": a, "below": b} for a, b in pairwise([*starts, None])]
    return list(zip(bands, counts, strict=True))


def _outlier_articles(
    outliers: Sequence[SurveyOutlier], cards: Mapping[str, Card]
) -> list[OutlierArticle]:
    articles: list[OutlierArticle] = []
    for outlier in outliers[:MAX_OUTLIERS]:
        card = cards.get(outlier.id)
        if card is not None:  # otherwise it was deleted since
            articles.append({"id": outlier.id, "title": card["title"], "number": outlier.number})
    return articles


def _readers(backend: Backend, site: str, today: date) -> ReaderFigures:
    days = [today - timedelta(days=number) for number in range(READER_DAYS - 1, -1, -1)]
    totals = backend.events.totals(site, days, today)
    by_day: list[DayOfReaders] = []
    for day in days:  # those without events too, or the plot would have gaps
        sums = _sums([total for total in totals if total.day == day])
        by_day.append({"day": day.isoformat(), **sums})
    by_position: list[PositionOfReaders] = []
    for position in sorted({total.position for total in totals}):
        sums = _sums([total for total in totals if total.position == position])
        by_position.append({"position": position, **sums})
    return {**_sums(totals), "days": by_day, "positions": by_position}


def _sums(totals: Iterable[DailyTotal]) -> Counts:
    impressions = clicks = 0
    for total in totals:
        impressions += total.impressions
        clicks += total.clicks
    rate = round(clicks / impressions, 6) if impressions else None
    return {"impressions": impressions, "clicks": clicks, "click_through": rate}


def _evaluation(backend: Backend, site: str) -> EvaluationSummary | None:
    evaluation = backend.evaluations.latest(site)
    if evaluation is None:
        return None
    return cast(EvaluationSummary, evaluation.model_dump(mode="json", exclude={"format"}))


def _service(backend: Backend, live: SiteReplica) -> ServiceFigures:
    server = backend.store.server()
    progress = backend.formats.progress(live.site)
    return {
        "version": version("alsosee"),
        "state": backend.readiness(live),
        "store": f"{server.name} {server.version}",
        "checks": [{"state": check.state, "text": check.text} for check in durability(server)],
        "index_file": live.file_number,
        "damaged_records": backend.store.corrupt_records,
        "outdated_vectors": backend.store.outdated_vectors,
        "upgrade": {"checked": progress.checked, "articles": progress.articles}
        if progress
        else None,
        "workers": backend.settings.workers,
        "threads": backend.settings.threads,
    }
