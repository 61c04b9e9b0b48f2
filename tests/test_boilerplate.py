"""The boilerplate shield: which lines count, held against the same articles without them."""

from collections import Counter
from itertools import count
from string import ascii_lowercase

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from news import article

from features.article import Article, parse_article
from features.boilerplate import (
    BOILERPLATE_ARTICLES,
    SHORT_LINE_ARTICLES,
    BlockBook,
    Limits,
    _digest,
    _words,
    _words_of_all,
    find_line,
    line_digest,
)
from features.vectorizer import TITLE_WEIGHT, ArticleFeatures, TermCounts, count_terms

LINES = [
    "Sudzha fell on Wednesday.",
    "Read much more »",
    "read  MUCH more",
    "Photo 12: AP",
    "Photo 345: AP",
    "The",
    "",
    "停火 2025",
]
# So much that nothing else is half of the text.
OWN = " ".join(
    f"{one}{other}" for one in ("bravo", "delta", "golf", "kilo") for other in ascii_lowercase
)
texts = st.lists(st.sampled_from(LINES), max_size=7).map(lambda lines: "\n".join([OWN, *lines]))
histories = st.lists(
    st.tuples(
        st.lists(st.sets(st.integers(0, 5)), max_size=5), st.sets(st.integers(0, 30), max_size=4)
    ),
    max_size=8,
)


def blocks(*digests: int) -> np.ndarray:
    return np.array(sorted(digests), dtype=np.uint64)


def story(body: str, title: str = "Kursk", **fields: object) -> Article:
    return parse_article(article(title=title, body=body, language="en", **fields))


def as_dict(counts: TermCounts) -> dict[int, float]:
    return dict(zip(counts.terms.tolist(), counts.counts.tolist(), strict=True))


def same(line: str, other: str) -> bool:
    return line_digest(line, 9) == line_digest(other, 9)


def without(features: ArticleFeatures, *lines: str) -> dict[int, float]:
    """What is left when these are boilerplate, however long."""
    digests = [line_digest(line, terms) for line in lines for terms in (0, 9)]
    return as_dict(features.without(np.isin(features.blocks.digests, digests)))


@given(texts, st.sets(st.sampled_from(LINES)), st.sampled_from([(), ("ceasefire",)]))
def test_an_article_without_some_lines_counts_as_if_they_had_never_been_written(body, gone, tags):
    rest = [line for line in body.split("\n") if not any(same(line, other) for other in gone)]
    made = count_terms(story(body, tags=tags))

    assert as_dict(count_terms(story("\n".join(rest), tags=tags)).counts) == without(made, *gone)


@given(st.lists(st.text("aB1 -.\r\té’中", max_size=12), max_size=6))
def test_lines_have_the_same_digest_alone_and_together(lines):
    words = [_words(line) for line in lines]

    assert words == [*_words_of_all(lines)]
    assert {line_digest(line, 9) for line in lines} == {
        _digest(line, own, 9) for line, own in zip(lines, words, strict=True)
    }


def test_a_line_that_stands_twice_goes_twice():
    features = count_terms(story(f"Read much more\n{OWN}\nRead much more"))

    assert as_dict(count_terms(story(OWN)).counts) == without(features, "Read much more")


@pytest.mark.parametrize("other", ["photo 12:  ap", "Photo 12 (AP)", "PHOTO 12 – AP."])
def test_lines_that_differ_in_case_spaces_or_punctuation_are_one_block(other):
    assert same("Photo 12: AP", other)


def test_numbers_tell_lines_from_each_other():
    assert not same("Revs 12 mln vs 13 mln", "Revs 7 mln vs 9 mln")


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("Jane Doe covers the war.", BOILERPLATE_ARTICLES),
        ("Read more »", SHORT_LINE_ARTICLES),
        ("News Desk", SHORT_LINE_ARTICLES),
        ("VirtualBox 2.0.2", SHORT_LINE_ARTICLES),
        ("हिन्दी समाचार", SHORT_LINE_ARTICLES),
        ("本文由记者张三报道", BOILERPLATE_ARTICLES),
        ("生平", SHORT_LINE_ARTICLES),
    ],
)
def test_a_short_line_is_boilerplate_only_when_it_is_everywhere(line, limit):
    [digest] = count_terms(story(line)).blocks.digests
    book = BlockBook()
    for _ in range(limit - 1):
        book.apply([blocks(digest)], ())
    before = book.is_boilerplate(blocks(digest)).item()
    book.apply([blocks(digest)], ())

    assert (False, True) == (before, book.is_boilerplate(blocks(digest)).item())


def test_a_text_that_was_published_several_times_stays_whole():
    features = count_terms(story(f"{OWN}\nSudzha fell on Wednesday."))

    assert as_dict(features.counts) == without(features, OWN)
    assert as_dict(features.counts) != without(features, "Sudzha fell on Wednesday.")


def test_a_line_without_terms_is_no_block():
    assert 1 == count_terms(story("Sudzha fell.\n\n—\nThe and of")).blocks.digests.size


def test_a_headline_that_opens_the_body_is_never_boilerplate():
    features = count_terms(story(f"Latest from Kursk\nRead much more\n{OWN}", "Latest from Kursk"))
    kept = count_terms(story(f"Latest from Kursk\n{OWN}", "Latest from Kursk"))

    assert 2 == features.blocks.digests.size
    assert as_dict(kept.counts) == without(features, "Latest from Kursk", "Read much more")


def test_a_boilerplate_line_leaves_the_title_its_weight():
    features = count_terms(story(f"All about Kursk\n{OWN}"))
    [kursk] = count_terms(story("–")).title.tolist()

    assert TITLE_WEIGHT + 1 == as_dict(features.counts)[kursk]
    assert TITLE_WEIGHT == without(features, "All about Kursk")[kursk]


@pytest.mark.parametrize("line", ["Photo 12: AP", "AP", "本文由记者张三报道"])
def test_a_line_is_found_by_its_digest(line):
    [digest] = count_terms(story(line)).blocks.digests.tolist()

    assert line == find_line(f"Sudzha\n{line}\nKursk", digest)
    assert find_line("Sudzha", digest) is None


@given(histories, st.integers(1, 3), st.randoms(use_true_random=False))
def test_the_book_knows_what_is_boilerplate_and_who_holds_it(history, limit, chance):
    book, held = BlockBook(Limits(limit, limit)), {}
    slots = count()
    for arriving, candidates in history:
        if chance.random() < 0.3:  # begins anew from what it was
            book = BlockBook(Limits(limit, limit), book.arrays(np.array([*held], dtype=np.intp)))
            held, slots = dict(enumerate(held.values())), count(len(held))
        leaving = candidates & held.keys()
        before = boilerplate(held, limit)
        rows = [blocks(*row) for row in arriving]
        crossing = book.crossing(rows, leaving)
        book.apply(rows, leaving)
        held = {slot: row for slot, row in held.items() if slot not in leaving}
        held |= {next(slots): row for row in arriving}

        assert sorted(before.keys() ^ boilerplate(held, limit).keys()) == crossing.tolist()
    for block in range(6):
        holders = [slot for slot, row in held.items() if block in row]
        assert sorted(holders) == book.holders(blocks(block)).tolist()
    assert boilerplate(held, limit) == {b: n for b, n, _ in book.boilerplate()}
    assert all(block in held[slot] for block, _, slot in book.boilerplate())
    assert [b in boilerplate(held, limit) for b in range(7)] == book.is_boilerplate(
        blocks(*range(7))
    ).tolist()


def boilerplate(held: dict[int, set[int]], limit: int) -> dict[int, int]:
    counted = Counter(block for row in held.values() for block in row)
    return {block: n for block, n in counted.items() if n >= limit}


def test_the_most_frequent_comes_first():
    book = BlockBook(Limits(1, 1))
    book.apply([blocks(7), blocks(7, 9), blocks(5)], [])

    assert [(7, 2, 0), (5, 1, 2), (9, 1, 1)] == book.boilerplate()
