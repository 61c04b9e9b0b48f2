"""The threshold of relatedness, against the cosines of all pairs of the sample."""

import random
from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import Archive

from recommender.index.calibration import (
    HIGHEST,
    LOWEST,
    SAMPLE,
    SMALL_SAMPLE,
    SMALL_SAMPLE_THRESHOLD,
)


def some_archive(chance: random.Random, size: int, words: int) -> Archive:
    return Archive(
        *(
            {
                "id": f"a{n}",
                "body": " ".join(f"w{chance.randint(0, words)}" for _ in range(12)),
                "language": chance.choice(["en", "en", "es"]),
            }
            for n in range(size)
        )
    )


def digest(article_id: str) -> bytes:
    return blake2b(article_id.encode(), digest_size=4).digest()[::-1]


def quantile(values: list[float], share: float) -> float:
    """With linear interpolation between the two nearest ranks."""
    values = sorted(values)
    rank = share * (len(values) - 1)
    low = values[int(rank)]
    return low + (rank - int(rank)) * (values[min(int(rank) + 1, len(values) - 1)] - low)


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32 - 1), st.sampled_from([20, 90, 900]), st.sampled_from([None, "en"]))
def test_one_pair_in_twenty_of_the_sample_is_nearer(seed, words, language):
    archive = some_archive(random.Random(seed), random.Random(seed).randint(60, 220), words)
    eligible = [i for i, a in archive.articles.items() if language in (None, a.language)]
    sample = sorted(eligible, key=lambda i: blake2b(i.encode(), digest_size=4).digest()[::-1])[
        :SAMPLE
    ]
    cosines = []
    for n, one in enumerate(sample):
        near = archive.corpus.index.similar(one, 1000)
        scores = dict(zip(archive.corpus.ids(near.slots), near.scores.tolist(), strict=True))
        cosines += [scores.get(other, 0.0) for other in sample[:n]]

    least = archive.corpus.least_similarity(language)
    expected = min(max(quantile(cosines, 0.95), LOWEST), HIGHEST)
    assert expected == pytest.approx(least, abs=0.0050001)
    assert least == round(least, 2)


def test_the_threshold_stays_within_its_bounds():
    apart = Archive(*({"id": f"a{n}", "body": f"w{n} v{n}"} for n in range(40)))
    alike = Archive(*({"id": f"a{n}", "body": "kursk sudzha"} for n in range(40)))

    assert LOWEST == apart.corpus.least_similarity("en")
    assert HIGHEST == alike.corpus.least_similarity("en")


def test_a_language_of_few_articles_gets_the_default_threshold():
    archive = Archive(*({"id": f"a{n}", "body": "kursk sudzha"} for n in range(SMALL_SAMPLE - 1)))
    least = [archive.corpus.least_similarity(language) for language in ("en", "xx", None)]
    archive.put({"id": "one more", "body": "kursk"})

    assert [SMALL_SAMPLE_THRESHOLD] * 3 == least
    assert [HIGHEST, SMALL_SAMPLE_THRESHOLD] == [
        archive.corpus.least_similarity(i) for i in ("en", "xx")
    ]


def test_the_threshold_does_not_depend_on_the_order_of_arrival():
    chance = random.Random(7)
    straight = some_archive(chance, 150, 60)
    turned = Archive({"id": "gone", "body": "w1 w2 w3"})
    for one in chance.sample([*straight.articles.values()], 150):
        turned.put({"id": one.id, "body": "edited since", "language": "en"})
        turned.put({"id": one.id, "body": one.body, "language": one.language})
    turned.delete("gone")

    assert straight.corpus.least_similarity("en") == turned.corpus.least_similarity("en")
