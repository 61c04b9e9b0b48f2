"""The rules of an evaluation: which queries, and which articles may answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recommender.errors import InvalidInput, UnusableData
from recommender.evaluation.archive import Archive
from recommender.evaluation.trec import known_id
from recommender.evaluation.truth import Qrels

LINKED = 2  # the grade of an article that the query's text links to


@dataclass(frozen=True)
class Protocol:
    """
    The rules of an evaluation.

    Fields:
        as_of: `publication`: only articles published by the query's date may answer, as on that
            day; `all`: the whole archive may.
        candidates: `any`, or `older`: published strictly before the query.
        queries: how many to draw, None for all.
        seed: of that draw, and of everything else random.
    """

    as_of: Literal["publication", "all"] = "publication"
    candidates: Literal["any", "older"] = "any"
    queries: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.queries is not None and self.queries < 1:
            raise InvalidInput.at("queries", "expected 1 or more")

    def eligible(self, archive: Archive, query: int) -> NDArray[np.bool_]:
        """Which articles may answer the article at position *query*, by position; never itself."""
        published = archive.published
        moment = published[query]
        mask = np.ones(published.size, dtype=np.bool_)
        if self.candidates == "older":
            mask &= published < moment
        elif self.as_of == "publication":
            mask &= published <= moment
        mask[query] = False
        return mask


@dataclass(frozen=True)
class Judged:
    """
    The queries of an evaluation with their judged articles, as far as these may answer.

    Fields:
        qrels: query → eligible judged article → grade; every query has one above 0.
        unknown_ids: ids of the truth that the archive lacks.
        unanswerable: how many queries had no relevant article among the eligible.
        links: every link of the truth, whether its query was drawn or not: source and target.
        highest_grade: of the whole truth.
    """

    qrels: Qrels
    unknown_ids: list[str]
    unanswerable: int
    links: frozenset[tuple[str, str]] = frozenset()
    highest_grade: int = LINKED

    def summary(self) -> dict[str, Any]:
        return {
            "queries": len(self.qrels),
            "judged_pairs": sum(map(len, self.qrels.values())),
            "unknown_ids": self.unknown_ids,
            "queries_without_reachable_answer": self.unanswerable,
        }


def judge(archive: Archive, truth: Qrels, protocol: Protocol) -> Judged:
    """
    Keep the queries and answers of *truth* that *protocol* allows.

    Raises:
        UnusableData: when no query is left, or the archive has no dates to go by.
    """
    needs_dates = protocol.as_of == "publication" or protocol.candidates == "older"
    if needs_dates and not archive.is_dated:
        raise UnusableData("the archive has no publication dates; use --all instead")
    truth = _as_in_archive(truth, archive)
    named = set(truth).union(*truth.values())
    unknown = sorted(named - archive.place.keys())
    reachable = {}
    for query, judged in truth.items():
        if query in archive.place:
            reachable[query] = _reachable(archive, judged, protocol, query)
    # A query that only has grades of 0 measures nothing, for no list can be better than another.
    answerable = {query: judged for query, judged in reachable.items() if any(judged.values())}
    if not answerable:
        raise UnusableData(
            f"no query of the truth can be answered: {len(unknown)} ids are not in the archive"
            f" ({', '.join(unknown[:3])}…)"
            if unknown
            else "no query of the truth can be answered"
        )
    return Judged(
        qrels=_drawn(answerable, protocol),
        unknown_ids=unknown,
        unanswerable=len(reachable) - len(answerable),
        links=frozenset(_links(truth, reachable)),
        highest_grade=max(chain.from_iterable(judged.values() for judged in truth.values())),
    )


def _as_in_archive(truth: Qrels, archive: Archive) -> Qrels:
    renamed: Qrels = {}
    for query, judged in truth.items():
        grades = {known_id(article, archive.place): grade for article, grade in judged.items()}
        renamed.setdefault(known_id(query, archive.place), {}).update(grades)
    return renamed


def _links(truth: Qrels, queries: Iterable[str]) -> Iterator[tuple[str, str]]:
    for query in queries:
        for article, grade in truth[query].items():
            if grade == LINKED:
                yield query, article


def _reachable(
    archive: Archive, judged: dict[str, int], protocol: Protocol, query: str
) -> dict[str, int]:
    eligible = protocol.eligible(archive, archive.place[query])
    reachable = {}
    for article, grade in judged.items():
        place = archive.place.get(article)
        if place is not None and eligible[place]:
            reachable[article] = grade
    return reachable


def _drawn(qrels: Qrels, protocol: Protocol) -> Qrels:
    queries = sorted(qrels)  # or the draw would depend on the order of the file
    if protocol.queries is not None and protocol.queries < len(queries):
        drawn = np.random.default_rng(protocol.seed).choice(
            len(queries), protocol.queries, replace=False
        )
        queries = [queries[number] for number in sorted(drawn)]
    return {query: qrels[query] for query in queries}
