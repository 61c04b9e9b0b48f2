import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking import newest, top_k

few_values = st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0]), max_size=12)


@given(few_values, st.integers(-1, 14))
def test_top_k_is_the_front_of_a_stable_sort_with_its_ties(scores, k):
    ranked = sorted((i for i, s in enumerate(scores) if s > 0), key=lambda i: -scores[i])
    last = scores[ranked[min(k, len(ranked)) - 1]] if k > 0 and ranked else 2.0

    expected = [i for i in ranked if scores[i] >= last]
    assert expected == top_k(np.array(scores), k).tolist()


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=12), st.integers(-1, 14))
def test_newest_holds_the_k_latest_eligible_dates_with_their_ties(articles, k):
    dates = sorted((date for date, eligible in articles if eligible), reverse=True)
    last = dates[min(k, len(dates)) - 1] if k > 0 and dates else 9

    expected = [i for i, (date, eligible) in enumerate(articles) if eligible and date >= last]
    published = np.array([date for date, _ in articles], dtype=np.int64)
    mask = np.array([eligible for _, eligible in articles], dtype=np.bool_)
    assert expected == newest(published, mask, k).tolist()
