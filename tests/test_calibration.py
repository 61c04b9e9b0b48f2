"""From which cosine on two articles of an archive are related, against every pair of the sample."""

import random
from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import Archive

from recommender.index.calibration import FEW, HIGHEST, LOWEST, OF_FEW, SAMPLE


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


def quantile(values: list[float], share: float) -> float:
    """With linear interpolation between the two nearest ranks."""
    values = sorted(values)
    rank = share * (len(values) - 1)
    low = values[int(rank)]
    return low + (rank - int(rank)) * (values[min(int(rank) + 1, len(values) - 1)] - low)


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32 - 1), st.sampled_from([20, 90, 900]), st.sampled_from([None, "en"]))
def test_of_all_pairs_of_the_sample_one_in_twenty_is_nearer(seed, words, language):
    archive = some_archive(random.Random(seed), random.Random(seed).randint(60, 220), words)
    there = [i for i, a in archive.articles.items() if language in (None, a.language)]
    sample = sorted(there, key=lambda i: blake2b(i.encode(), digest_size=4).digest()[::-1])[:SAMPLE]
    cosines = []
    for n, one in enumerate(sample):
        near = archive.corpus.index.similar(one, 1000)
        found = dict(zip(archive.corpus.ids(near.slots), near.scores.tolist(), strict=True))
        cosines += [found.get(other, 0.0) for other in sample[:n]]

    least = archive.corpus.least_similarity(language)
    expected = min(max(quantile(cosines, 0.95), LOWEST), HIGHEST)
    assert expected == pytest.approx(least, abs=0.0050001)
    assert least == round(least, 2)


def test_archives_of_nothing_in_common_and_of_everything_are_kept_within_bounds():
    apart = Archive(*({"id": f"a{n}", "body": f"w{n} v{n}"} for n in range(40)))
    alike = Archive(*({"id": f"a{n}", "body": "kursk sudzha"} for n in range(40)))

    assert LOWEST == apart.corpus.least_similarity("en")
    assert HIGHEST == alike.corpus.least_similarity("en")


def test_a_language_of_few_articles_says_nothing_of_itself():
    archive = Archive(*({"id": f"a{n}", "body": "kursk sudzha"} for n in range(FEW - 1)))
    least = [archive.corpus.least_similarity(language) for language in ("en", "xx", None)]
    archive.put({"id": "one more", "body": "kursk"})

    assert [OF_FEW] * 3 == least
    assert [HIGHEST, OF_FEW] == [archive.corpus.least_similarity(i) for i in ("en", "xx")]


def test_the_threshold_depends_on_which_articles_there_are_and_not_on_how_they_came():
    chance = random.Random(7)
    straight = some_archive(chance, 150, 60)
    turned = Archive({"id": "gone", "body": "w1 w2 w3"})
    for made in chance.sample([*straight.articles.values()], 150):
        turned.put({"id": made.id, "body": "edited since", "language": "en"})
        turned.put({"id": made.id, "body": made.body, "language": made.language})
    turned.delete("gone")

    assert straight.corpus.least_similarity("en") == turned.corpus.least_similarity("en")
