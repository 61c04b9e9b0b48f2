"""Duplicates of a draft in the archive."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import ANY, NOW, Archive, text

from features.vectorizer import TWO_WORD_BIT
from recommender.articles import StoredArticle
from recommender.pipeline.duplicates import Duplicate
from recommender.pipeline.results import Exclusion
from recommender.pipeline.stories import Fingerprint, overlap

FLOOD = text("flood", 60)
SAME_STORY = Exclusion("same_story_as_source")
DRAFT = {"id": "draft", "body": FLOOD}


def archive() -> Archive:
    return Archive(
        {"id": "copy", "body": FLOOD},
        {"id": "longer", "body": f"{FLOOD} {text('sea', 40)}"},
        {"id": "half", "body": f"{text('flood', 20)} {text('hill', 60)}"},
        {"id": "other", "body": text("vote", 60)},
        {"id": "tomorrow", "body": FLOOD, "published_at": "2035-01-01T00:00:00Z"},
    )


def duplicates(newsroom: Archive, draft: StoredArticle, draft_of: str) -> list[Duplicate]:
    return newsroom.with_cards(newsroom.recommender.duplicates(draft, NOW, draft_of))


def test_duplicates_are_the_articles_that_the_list_of_the_draft_excludes() -> None:
    newsroom = archive()
    draft = newsroom.read(DRAFT)[1]
    related = newsroom.related_to(draft, ANY.replacing(explain=True))
    copies = duplicates(newsroom, draft, "draft")

    assert ["copy", "longer"] == [one.card["id"] for one in copies]
    assert related.exclusions is not None
    assert {"copy", "longer"} == {i for i, why in related.exclusions.items() if why == SAME_STORY}
    assert [1.0, 1.0] == [one.overlap for one in copies]
    assert 1.0 == pytest.approx(copies[0].similarity)
    assert copies[0].similarity > copies[1].similarity


def test_a_stored_article_is_no_duplicate_of_its_own_draft() -> None:
    newsroom = archive()
    draft = newsroom.read(DRAFT)[1]

    assert ["longer"] == [one.card["id"] for one in duplicates(newsroom, draft, "copy")]


def test_an_empty_archive_has_no_duplicates() -> None:
    newsroom = Archive()

    assert [] == duplicates(newsroom, newsroom.read(DRAFT)[1], "draft")


ids = st.sets(st.integers(0, 60), max_size=60)


@given(ids, ids, ids, ids)
def test_overlap_is_the_shared_part_of_the_shorter_text(
    words: set[int], pairs: set[int], other_words: set[int], other_pairs: set[int]
) -> None:
    def fingerprint(words: set[int], pairs: set[int]) -> Fingerprint:
        terms = sorted(words) + [one | int(TWO_WORD_BIT) for one in sorted(pairs)]
        no_title = np.empty(0, np.uint32)
        return Fingerprint(np.array(terms, np.uint32), no_title, no_title)

    one, other = (words, pairs), (other_words, other_pairs)
    few = min(len(pairs), len(other_pairs)) < 20
    mine, theirs = (
        {("word", w) for w in text_words} | {("pair", p) for p in text_pairs}
        if few
        else {("pair", p) for p in text_pairs}
        for text_words, text_pairs in (one, other)
    )
    shared = len(mine & theirs) / max(min(len(mine), len(theirs)), 1)

    assert shared == overlap(fingerprint(*one), fingerprint(*other))
