"""Figures about the articles of an archive."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.language import UNKNOWN
from recommender.articles import UNDATED
from recommender.index.corpus import Corpus


class Holdings(NamedTuple):
    """
    Figures about an archive.

    Fields:
        languages, sections: (case-folded) value → how many articles have it.
        published: of every article, shape (articles,), int64, microseconds since 1970 UTC;
            `UNDATED` without a date.
        out: how many are published.
        newest: id of the article that was published last; None when none is.
    """

    version: int
    languages: Mapping[str, int]
    sections: Mapping[str, int]
    published: NDArray[np.int64]
    out: int
    newest: str | None

    @classmethod
    def of(cls, corpus: Corpus, version: int, now: datetime) -> Self:
        facets = corpus.facets
        is_published = facets.published_between(None, None, now)
        dated = np.flatnonzero(is_published & (facets.published != UNDATED))
        newest = dated[np.argsort(facets.published[dated])][-1:].tolist()
        languages = facets.value_counts("language")
        del languages[UNKNOWN]  # a `Counter`, so it may be missing
        return cls(
            version,
            languages,
            facets.value_counts("section"),
            facets.published[corpus.index.live],
            int(np.count_nonzero(is_published)),
            next(iter(corpus.ids(newest)), None),
        )
