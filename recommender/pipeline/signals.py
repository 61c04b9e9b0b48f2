"""Signals of a candidate besides the cosine: fields in common with the source, and recency."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TermCounts, idf
from recommender.articles import UNDATED, Facets, StoredArticle
from recommender.index.corpus import Corpus
from recommender.policy.ranking_model import Signals, Values

Slots = NDArray[np.intp]

MICROSECONDS_A_DAY = 86_400e6
UNDATED_DAYS = 365.0
NO_COUNTS = TermCounts(np.empty(0, np.uint32), np.empty(0, np.float32))


class Source(NamedTuple):
    """
    The article or draft that a list belongs to.

    Fields:
        title: ids of the terms of its title, ascending.
        slot: None for a draft.
        counts: of its terms; empty for a stored article, whose terms are in the index.
        parts: the sources that this one combines (see `several.combined`).
    """

    title: NDArray[np.uint32]
    facets: Facets
    slot: int | None = None
    counts: TermCounts = NO_COUNTS
    parts: tuple["Source", ...] = ()

    @property
    def each(self) -> tuple["Source", ...]:
        """The sources that it combines, or only itself."""
        return self.parts or (self,)


def stored_source(corpus: Corpus, slot: int) -> Source:
    """An article of the corpus as the source of a list."""
    return Source(corpus.title_terms(slot), corpus.facets.of(slot), slot=slot)


def draft_source(corpus: Corpus, draft: StoredArticle) -> Source:
    """A text that is not stored, without the site's boilerplate."""
    counts = corpus.effective_counts(draft.features)
    return Source(draft.features.title, draft.facets, counts=counts)


def signals(corpus: Corpus, source: Source, slots: Slots, names: Collection[str]) -> Signals:
    """The signals called *names*, without time, which depends on the mode of the list."""
    return {name: SIGNALS[name](corpus, source, slots) for name in names if name in SIGNALS}


def recency(published: NDArray[np.int64], origin: int, half_life_days: float) -> Values:
    """
    The time signal: 1 at no distance, a half at *half_life_days*, an eighth at 73 times that.

    A power law, because stories are followed up within days and taken up again after years. An
    exponential would need a different half-life for each corpus that this was measured on.

    Args:
        published: microseconds since 1970, `UNDATED` without a date; shape (n,). An article without
            a date counts as `UNDATED_DAYS` away.
        origin: the moment from which the distance counts, in the same unit.
    """
    days = np.abs(published.astype(np.float64) - origin) / MICROSECONDS_A_DAY
    days[published == UNDATED] = UNDATED_DAYS
    if origin == UNDATED:
        days[:] = UNDATED_DAYS
    return (1.0 + 7.0 * days / half_life_days) ** (-1 / 3)


def _title(corpus: Corpus, source: Source, slots: Slots) -> Values:
    """Cosine of the two titles' binary TF-IDF vectors."""
    mass, shared = _masses(corpus, source.title, slots)
    # In a binary vector the squared length is the sum of squared idf.
    own_mass = np.full_like(mass, np.sum(_idf(corpus, source.title) ** 2))
    return np.sqrt(_ratio(shared, mass) * _ratio(shared, own_mass))


def _mention(corpus: Corpus, source: Source, slots: Slots) -> Values:
    """How much of the candidate's title is in the source's text, by squared idf."""
    own = source.counts.terms if source.slot is None else corpus.index.terms(source.slot)
    mass, shared = _masses(corpus, own, slots)
    return _ratio(shared, mass)


def _masses(corpus: Corpus, own: NDArray[np.uint32], slots: Slots) -> tuple[Values, Values]:
    """Squared idf of each candidate's title, of all its terms and of those among *own*."""
    titles = [corpus.title_terms(slot) for slot in slots.tolist()]
    sizes = np.array([title.size for title in titles], dtype=np.intp)
    terms = np.concatenate(titles) if titles else np.empty(0, np.uint32)
    owner = np.repeat(np.arange(sizes.size), sizes)
    squares = _idf(corpus, terms) ** 2
    among = np.isin(terms, own, kind="sort")
    return (
        np.bincount(owner, squares, sizes.size).astype(np.float64),
        np.bincount(owner[among], squares[among], sizes.size).astype(np.float64),
    )


def _idf(corpus: Corpus, terms: NDArray[np.uint32]) -> Values:
    distinct, places = np.unique(terms, return_inverse=True)
    df = corpus.index.document_frequencies(distinct)
    return idf(df, len(corpus.index))[places]


def _ratio(part: Values, whole: Values) -> Values:
    return np.divide(part, whole, out=np.zeros(part.size), where=whole > 0)


def _tags(corpus: Corpus, source: Source, slots: Slots) -> Values:
    """Share of the source's tags that the candidate has; a rare tag counts for more, by idf."""
    articles = len(corpus.index)
    shared = np.zeros(slots.size)
    whole = 0.0
    for tag in source.facets.tag:
        # A tag that the whole archive has weighs nothing.
        carriers = corpus.facets.count("tag", tag)
        weight = float(np.log((1 + articles) / (1 + carriers)))
        shared += weight * corpus.facets.has_value("tag", tag, slots)
        whole += weight
    return shared / whole if whole > 0 else shared


def _author(corpus: Corpus, source: Source, slots: Slots) -> Values:
    """How rare the rarest shared author is: 1 for one of a single article, 0 for one of all."""
    articles = len(corpus.index)
    highest = np.zeros(slots.size)
    if not articles:
        return highest  # the first draft of a site
    for author in source.facets.author:
        carriers = corpus.facets.count("author", author)
        rarity = np.log((1 + articles) / (1 + carriers)) / np.log(1 + articles)
        shares = corpus.facets.has_value("author", author, slots)
        highest = np.maximum(highest, rarity * shares)
    return highest


def _section(corpus: Corpus, source: Source, slots: Slots) -> Values:
    """1 in the source's section, else 0."""
    values = np.zeros(slots.size)
    for section in source.facets.section:
        values[corpus.facets.has_value("section", section, slots)] = 1.0
    return values


SIGNALS = {
    "title": _title,
    "mention": _mention,
    "tags": _tags,
    "author": _author,
    "section": _section,
}
