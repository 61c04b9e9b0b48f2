"""Measures with the prefix `story-`: articles that tell one story count once."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.errors import InvalidInput
from recommender.evaluation import Archive, Protocol, evaluate, read_archive
from recommender.evaluation.measures import check_measure, per_query
from recommender.evaluation.protocol import Judged
from recommender.evaluation.systems import given_run
from recommender.evaluation.trec import Run

WORDS = [f"{a}{b}{c}" for a in "bdfgklmn" for b in ("aro", "elu", "imo", "ona") for c in "kst"]
START = datetime(2026, 1, 1, tzinfo=UTC)
IDS = [f"a{number}" for number in range(8)]


def text(story: int) -> str:
    """Sixty words in an order that no other story has."""
    return " ".join(np.random.default_rng(story).permutation(WORDS)[:60])


def newsroom(stories: list[int]) -> Archive:
    """One article for each, with a headline of its own; equal numbers are one story."""
    return read_archive(
        [
            {
                "id": f"a{number}",
                "title": f"Headline number{number}",
                "body": text(story),
                "published_at": (START + timedelta(days=number)).isoformat(),
                "language": "en",
            }
            for number, story in enumerate(stories)
        ]
    )


def listed(*articles: str) -> list[tuple[str, float]]:
    return [(article, 1.0 / place) for place, article in enumerate(articles, 1)]


def story_ndcg(archive: Archive, judged: dict[str, int], articles: list[str]) -> float:
    run = {"a0": listed(*articles)}
    return float(per_query("story-nDCG@10", archive, Judged({"a0": judged}, [], 0), run)[0])


def slow_story_ndcg(stories: list[int], judged: dict[str, int], articles: list[str]) -> float:
    """By the numbers of the stories: each has its highest grade, and gives it once."""
    story = dict(zip(IDS, stories, strict=True))
    grades: dict[int, int] = {}
    for article, grade in judged.items():
        if story[article] != story["a0"]:
            grades[story[article]] = max(grade, grades.get(story[article], 0))
    ideal = sorted((2**grade - 1 for grade in grades.values()), reverse=True)
    if not any(ideal):
        return math.nan
    gains = [2 ** grades.pop(story[article], 0) - 1 for article in articles]
    return discounted(gains) / discounted(ideal)


def discounted(gains: list[int]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, 1))


@settings(max_examples=40)
@given(
    stories=st.lists(st.integers(0, 3), min_size=8, max_size=8),
    judged=st.dictionaries(st.sampled_from(IDS[1:]), st.integers(0, 2), min_size=1),
    articles=st.permutations(IDS[1:]),
    length=st.integers(1, 7),
)
def test_each_story_counts_once_as_numbers_of_stories_say(stories, judged, articles, length):
    expected = slow_story_ndcg(stories, judged, articles[:length])

    value = story_ndcg(newsroom(stories), judged, articles[:length])
    assert value == pytest.approx(expected, nan_ok=True)


def test_a_twin_of_a_linked_article_is_as_good():
    archive = newsroom([0, 1, 1, 2, 3, 4, 5, 6])

    assert 1.0 == story_ndcg(archive, {"a1": 2}, ["a2"])
    assert 0.0 == per_query(
        "nDCG@10", archive, Judged({"a0": {"a1": 2}}, [], 0), {"a0": listed("a2")}
    )
    assert 0.0 == story_ndcg(archive, {"a1": 2}, ["a3"])


def test_a_second_article_of_a_story_takes_a_place_and_gains_nothing():
    archive = newsroom([0, 1, 1, 2, 3, 4, 5, 6])
    both = {"a1": 2, "a2": 2, "a3": 2}

    assert 1.0 == story_ndcg(archive, both, ["a2", "a3"])
    ideal = 1 + 1 / math.log2(3)
    assert (1 + 1 / math.log2(4)) / ideal == pytest.approx(
        story_ndcg(archive, both, ["a2", "a1", "a3"])
    )


def test_the_story_of_the_query_itself_is_in_no_truth():
    archive = newsroom([0, 0, 1, 2, 3, 4, 5, 6])

    assert math.isnan(story_ndcg(archive, {"a1": 2}, ["a1"]))
    assert 1.0 == story_ndcg(archive, {"a1": 2, "a2": 1}, ["a2", "a1"])


def test_without_twins_it_is_the_plain_measure():
    archive = newsroom([0, 1, 2, 3, 4, 5, 6, 7])
    truth = {one: {other: 2} for one, other in zip(IDS[1:], IDS, strict=False)}
    measures = ["nDCG@10", "story-nDCG@10", "recall@5", "story-recall@5", "MRR", "story-MRR"]
    result = evaluate(archive, truth, ["recent", "bm25"], measures)

    for system in ("recent", "bm25"):
        values = result.systems[system].values
        for plain in ("nDCG@10", "recall@5", "MRR"):
            assert values[plain].tolist() == values[f"story-{plain}"].tolist()


def test_a_query_without_an_answer_is_in_no_mean_and_null_in_json():
    archive = newsroom([0, 0, 1, 1, 2, 3, 4, 5])
    truth = {"a1": {"a0": 2}, "a3": {"a0": 2}}
    run: Run = {"a1": listed("a0"), "a3": listed("a0")}
    result = evaluate(
        archive, truth, ["given"], ["nDCG@10", "story-nDCG@10"], Protocol(),
        {"given": given_run(run)},
    )  # fmt: skip

    assert 1.0 == result.interval("given", "story-nDCG@10").mean
    values = result.to_json(per_query=True)["per_query"]["systems"]["given"]["values"]
    assert {"nDCG@10": [1.0, 1.0], "story-nDCG@10": [None, 1.0]} == values


@pytest.mark.parametrize("name", ["story-self@5", "story-coverage@5", "story-", "story-story-MRR"])
def test_only_measures_against_the_truth_have_the_prefix(name):
    with pytest.raises(InvalidInput, match="each also with the prefix story-"):
        check_measure(name)
