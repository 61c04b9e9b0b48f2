"""How is the archive, how are its lists, what do readers do with them, and is the service well?"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.articles import UNDATED, instant
from recommender.backend import Backend
from recommender.checks import durability
from recommender.replica.holdings import Holdings
from recommender.replica.site import SiteReplica
from recommender.replica.survey import DAYS, FEW, OLD_DAYS, TIMES
from recommender.storage.events import DailyTotal
from recommender.storage.surveys import Survey, SurveyOutlier

FRESH_DAYS = 30
READER_DAYS = 28
MOST_VALUES = 12  # sections, languages and years of their own; the rest goes together
NAMED = 10  # of the articles that stand out in a survey
_DAY_MICROSECONDS = 86_400_000_000

Figures = dict[str, Any]


def figures(backend: Backend, live: SiteReplica, now: datetime) -> Figures:
    """All that the overview shows, as JSON types."""
    holdings, found = live.holdings(now), backend.surveys.latest(live.site)
    running = backend.surveys.progress(live.site)
    return {
        "site": live.site,
        "made_at": now.isoformat(timespec="seconds"),
        "version": holdings.version,
        "archive": _archive(holdings, now),
        "fresh": _fresh(backend, live.site, holdings, now),
        "survey": None if found is None else _survey(backend, live.site, found, holdings.version),
        "surveying": None if running is None else running._asdict(),
        "imports": [one.model_dump(mode="json") for one in backend.imports.last(live.site)],
        "readers": _readers(backend, live.site, now.date()),
        "ranking": {"measured": dict(backend.model(live.site).measured)},
        "evaluation": _evaluation(backend, live.site),
        "service": _service(backend, live),
    }


def _archive(holdings: Holdings, now: datetime) -> Figures:
    published = holdings.published
    dated = published[published != UNDATED]
    years = dated.astype("datetime64[us]").astype("datetime64[Y]").astype(int) + 1970
    by_year = sorted(Counter(years.tolist()).items(), reverse=True)
    return {
        "articles": int(published.size),
        "undated": int(published.size - dated.size),
        "scheduled": int(np.count_nonzero(dated > instant(now))),
        "languages": _values(_largest_first(holdings.languages), published.size),
        "sections": _values(_largest_first(holdings.sections), published.size),
        "years": _values([(str(year), n) for year, n in by_year], dated.size),
    }


def _largest_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))


def _values(rows: Sequence[tuple[str, int]], articles: int) -> list[Figures]:
    """The first ones, and all the others together, which may have none at all."""
    shown: list[Figures] = [{"name": name, "articles": n} for name, n in rows[:MOST_VALUES]]
    others = articles - sum(row["articles"] for row in shown)
    return [*shown, {"name": None, "articles": others}] if others > 0 else shown


def _fresh(backend: Backend, site: str, holdings: Holdings, now: datetime) -> Figures:
    days = _per_day(holdings.published, now)
    newest = [] if holdings.newest is None else [holdings.newest]
    cards = backend.store.cards(site, newest).values()
    named = [{name: card[name] for name in ("id", "title", "published_at")} for card in cards]
    return {
        "days": days,
        "week": sum(day["articles"] for day in days[-7:]),
        "newest": named[0] if named else None,
    }


def _per_day(published: NDArray[np.int64], now: datetime) -> list[Figures]:
    """How many articles came out on each of the last days (UTC), the first one first."""
    first = now.date() - timedelta(days=FRESH_DAYS - 1)
    start = instant(datetime(first.year, first.month, first.day, tzinfo=UTC))
    out = published[(published >= start) & (published <= instant(now))]
    counts = np.bincount((out - start) // _DAY_MICROSECONDS, minlength=FRESH_DAYS)
    dates = (first + timedelta(days=n) for n in range(FRESH_DAYS))
    return [
        {"day": day.isoformat(), "articles": int(n)} for day, n in zip(dates, counts, strict=True)
    ]


def _survey(backend: Backend, site: str, found: Survey, present_version: int) -> Figures:
    shown = {
        name: getattr(found, name)[:NAMED] for name in ("most", "never", "without", "few", "old")
    }
    ids = [one.id for several in shown.values() for one in several]
    cards = backend.store.cards(site, list(dict.fromkeys(ids)))
    return {
        "made_at": found.made_at.isoformat(timespec="seconds"),
        "changes_since": max(0, present_version - found.version),
        "articles": found.articles,
        "lists": found.lists,
        "related": list(found.related),
        "without": found.related[0],
        "few": sum(found.related[1 : FEW + 1]),
        "old": sum(found.gaps[DAYS.index(OLD_DAYS) + 2 :]),
        "never": found.recommended[0],
        "recommended": _bands((0, *TIMES), found.recommended, "articles"),
        "ages": _bands((0, *DAYS), found.ages, "lists"),
        "gaps": _bands((None, 0, *DAYS), found.gaps, "lists"),
        "named": {name: _named(several, cards) for name, several in shown.items()},
    }


def _bands(starts: Sequence[int | None], counts: Iterable[int], what: str) -> list[Figures]:
    ends = [*starts[1:], None]
    return [
        {"from": start, "below": end, what: count}
        for start, end, count in zip(starts, ends, counts, strict=True)
    ]


def _named(found: Iterable[SurveyOutlier], cards: Mapping[str, Mapping[str, Any]]) -> list[Figures]:
    return [
        {"id": one.id, "title": cards[one.id]["title"], "number": one.number}
        for one in found
        if one.id in cards  # or it was deleted since
    ]


def _readers(backend: Backend, site: str, today: date) -> Figures:
    days = [today - timedelta(days=n) for n in range(READER_DAYS - 1, -1, -1)]
    totals = backend.events.totals(site, days, today)
    by_day = {day: _summed(t for t in totals if t.day == day) for day in days}
    places = sorted({total.position for total in totals})
    by_place = {place: _summed(t for t in totals if t.position == place) for place in places}
    return {
        **_summed(totals),
        "days": [{"day": day.isoformat(), **sums} for day, sums in by_day.items()],
        "positions": [{"position": place, **sums} for place, sums in by_place.items()],
    }


def _summed(totals: Iterable[DailyTotal]) -> Figures:
    found = list(totals)
    seen, clicked = sum(t.impressions for t in found), sum(t.clicks for t in found)
    rate = round(clicked / seen, 6) if seen else None
    return {"impressions": seen, "clicks": clicked, "click_through": rate}


def _evaluation(backend: Backend, site: str) -> Figures | None:
    found = backend.evaluations.latest(site)
    return None if found is None else found.model_dump(mode="json", exclude={"format"})


def _service(backend: Backend, live: SiteReplica) -> Figures:
    server, settings, store = backend.store.server(), backend.settings, backend.store
    return {
        "version": version("alsosee"),
        "state": backend.readiness(live),
        "store": f"{server.name} {server.version}",
        "checks": [{"state": c.state, "text": c.text} for c in durability(server)],
        "index_file": live.file_number,
        "damaged_records": store.corrupt_records,
        "outdated_vectors": store.outdated_vectors,
        "workers": settings.workers,
        "threads": settings.threads,
    }
