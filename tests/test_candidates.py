"""The order of candidates against the obvious one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import Archive

from recommender.index.corpus import Corpus
from recommender.pipeline.candidates import in_order

NAMES = ["b10", "b9", "ä", "a", "b", "Z", "c/1"]
DATES = ["2025-01-01", "2025-01-02", "2025-01-01", None, None, "2025-01-02", "2025-01-01"]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Archive(
        *({"id": i, "published_at": d} for i, d in zip(NAMES, DATES, strict=True))
    ).corpus


@given(
    st.lists(st.sampled_from(range(len(NAMES))), unique=True).flatmap(
        lambda chosen: st.tuples(
            st.just(chosen),
            st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=len(chosen), max_size=len(chosen)),
            st.lists(st.integers(0, 1), min_size=len(chosen), max_size=len(chosen)),
        )
    )
)
def test_candidates_are_ordered_by_pool_then_score_then_newer_then_id(corpus, drawn):
    chosen, scores, pools = drawn
    slots = corpus.slots([NAMES[n] for n in chosen])
    published = corpus.facets.published[slots].tolist()
    ids = corpus.ids(slots)
    places = in_order(corpus, slots, np.array(scores, float), np.array(pools, np.intp))

    def expected(place: int) -> tuple[int, float, int, str]:
        return pools[place], -scores[place], -published[place], ids[place]

    assert sorted(range(len(chosen)), key=expected) == places.tolist()
