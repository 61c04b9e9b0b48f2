import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.pipeline.diversity import diversified, newest


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=12), st.integers(-1, 14))
def test_newest_returns_the_k_latest_eligible_dates_with_their_ties(articles, k):
    dates = sorted((date for date, eligible in articles if eligible), reverse=True)
    last = dates[min(k, len(dates)) - 1] if k > 0 and dates else 9

    expected = [i for i, (date, eligible) in enumerate(articles) if eligible and date >= last]
    published = np.array([date for date, _ in articles], dtype=np.int64)
    mask = np.array([eligible for _, eligible in articles], dtype=np.bool_)
    assert expected == newest(published, mask, k).tolist()


@st.composite
def candidates(draw: st.DrawFn) -> tuple[list[float], list[list[float]]]:
    """Scores, and cosines of texts that are likely to be equal or to have nothing in common."""
    scores = draw(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 3.0]), max_size=9))
    directions = [draw(st.tuples(*3 * [st.integers(0, 2)])) for _ in scores]
    unit = [np.array(d) / (np.linalg.norm(d) or 1) for d in directions]
    return scores, [[float(np.round(one @ other, 6)) for other in unit] for one in unit]


def literal_mmr(
    scores: list[float], cosines: list[list[float]], diversity: float, k: int
) -> tuple[list[int], list[float]]:
    """Carbonell & Goldstein 1998, a sum at a time; the rest follows by score as it came."""
    best, chosen, left = max(scores, default=0.0), list[int](), [*range(len(scores))]
    penalties = [0.0] * len(scores)
    if not best or not diversity:
        return left, penalties
    while left and len(chosen) < k:
        likeness = {n: max((cosines[n][c] for c in chosen), default=0.0) for n in left}
        value = {n: (1 - diversity) * scores[n] / best - diversity * likeness[n] for n in left}
        # Equal but for the last digits: the one that came first.
        chosen.append(next(n for n in left if value[n] > max(value.values()) - 1e-12))
        left.remove(chosen[-1])
        penalties[len(chosen) - 1] = diversity * likeness[chosen[-1]]
    return chosen + left, penalties


Ranked = tuple[list[float], list[list[float]]]


def with_penalties(ranked: Ranked, diversity: float, k: int) -> tuple[list[int], list[float]]:
    scores, cosines = ranked
    square = np.array(cosines, dtype=np.float64).reshape((len(scores), len(scores)))
    order, penalties = diversified(np.array(scores), square, diversity, k)
    return order.tolist(), penalties.tolist()


def spread(ranked: Ranked, diversity: float, k: int) -> list[int]:
    return with_penalties(ranked, diversity, k)[0]


@given(candidates(), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.integers(0, 10))
def test_diversity_is_maximal_marginal_relevance(ranked, diversity, k):
    order, penalties = literal_mmr(*ranked, diversity, k)

    assert (order, pytest.approx(penalties)) == with_penalties(ranked, diversity, k)


@given(candidates(), st.floats(0, 1), st.integers(0, 10), st.integers(0, 10))
def test_a_longer_list_never_changes_the_start_of_a_shorter_one(ranked, diversity, k, more):
    assert spread(ranked, diversity, k)[:k] == spread(ranked, diversity, k + more)[:k]


@given(candidates(), st.floats(0, 1), st.integers(0, 10))
def test_diversity_moves_candidates_and_loses_none(ranked, diversity, k):
    assert [*range(len(ranked[0]))] == sorted(spread(ranked, diversity, k))


@given(candidates())
def test_without_diversity_the_order_stays(ranked):
    assert [*range(len(ranked[0]))] == spread(ranked, 0.0, 9)


def test_at_full_diversity_the_best_comes_first_and_then_the_least_similar():
    cosines = [[1.0, 0.9, 0.1, 0.5], [0.9, 1.0, 0.2, 0.4], [0.1, 0.2, 1.0, 0.3], [0.5, 0.4, 0.3, 1]]

    assert [0, 2, 3, 1] == spread(([0.9, 0.8, 0.1, 0.1], cosines), 1.0, 4)


def test_a_copy_of_the_first_comes_after_a_less_relevant_but_different_one():
    cosines = [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]

    # .7 · .8/.8 - .3 · 1 = .4 for the copy, .7 · .5/.8 - .3 · 0 = .4375 for the other
    assert ([0, 2, 1], [0.0, 0.0, 0.3]) == with_penalties(([0.8, 0.8, 0.5], cosines), 0.3, 3)
    assert [0, 1, 2] == spread(([0.8, 0.8, 0.4], cosines), 0.3, 3)
