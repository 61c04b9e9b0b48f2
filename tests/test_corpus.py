"""The corpus of a worker: the same articles have the same rows, whatever their history."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from news import article

from features.analyzer import analyze
from features.article import Article, parse_article
from features.boilerplate import Limits, line_digest
from features.vectorizer import TermCounts, count_terms
from recommender.articles import Facets, StoredArticle, card_of
from recommender.index.corpus import Corpus
from recommender.index.index import ArticleIndex

IDS = [f"a{n}" for n in range(6)]
LINES = [
    "Sudzha fell on Wednesday",
    "Read much more",
    "read MUCH more!",
    "Photo 12: AP",
    "Photo 3: AP",
    "Kursk talks",
    "Alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar",
]
LIMITS = Limits(articles=3, short=4)  # of 6 articles

stories = st.builds(
    lambda title, lines: parse_article(
        article("x", title=title, body="\n".join(lines), language="en")
    ),
    st.sampled_from(["Kursk", "Sudzha fell on Wednesday", "Budget"]),
    st.lists(st.sampled_from(LINES), max_size=5),
)
changes = st.tuples(
    st.dictionaries(st.sampled_from(IDS), stories, max_size=4),
    st.sets(st.sampled_from(IDS), max_size=3),
)
histories = st.lists(changes, max_size=8)

Archive = dict[str, Article]


def story(*lines: str) -> Article:
    return parse_article(article("x", title="Kursk", body="\n".join(lines), language="en"))


# Without the long line, which three have, 20 of the 49 terms of the second one would be left.
LITTLE_LEFT = {"a0": story(LINES[6]), "a1": story(*4 * LINES[:1], LINES[6]), "a2": story(LINES[6])}


def stored(one: Article) -> StoredArticle:
    return StoredArticle(Facets.of(card_of(one)), count_terms(one))


class Site:
    """A corpus and the store that it follows, which may be ahead of it."""

    def __init__(self) -> None:
        self.articles: Archive = {}
        self.corpus = Corpus(self.fetch, limits=LIMITS)
        self.fetched: list[str] = []

    def fetch(self, ids: Any) -> dict[str, StoredArticle]:
        self.fetched += ids
        return {i: stored(self.articles[i]) for i in ids if i in self.articles}

    def restart(self) -> None:
        """As a worker does that maps an index file."""
        self.corpus = Corpus(self.fetch, self.corpus.arrays(), LIMITS)

    def write(self, put: Archive, deleted: Any = ()) -> list[str]:
        self.articles |= put
        for article_id in set(deleted) - put.keys():
            self.articles.pop(article_id, None)
        return [*put, *deleted]

    def catch_up(self, ids: list[str]) -> None:
        """As `SiteReplica` does: what the store holds now counts, not what the log says."""
        current = {i: stored(self.articles[i]) for i in ids if i in self.articles}
        self.corpus.apply(current, [i for i in ids if i not in current])


def key(line: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in line.casefold()).split())


def expected_index(articles: Archive) -> ArticleIndex:
    """The slow way: remove the lines that too many articles have, then count again."""
    held = Counter(line for a in articles.values() for line in {*map(key, lines_below(a))})
    known = {line for line, n in held.items() if n >= LIMITS[len(line.split()) <= 2]}
    index = ArticleIndex()
    index.apply({i: without(a, known) for i, a in articles.items()})
    return index


def lines_below(one: Article) -> list[str]:
    """The lines of the body without one that starts with the headline."""
    return one.body.split("\n")[one.body.startswith(one.title) :]


def without(one: Article, boilerplate: set[str]) -> TermCounts:
    # A dash has no term, and keeps the other lines where they are.
    lines = ["—" if key(line) in boilerplate else line for line in one.body.split("\n")]
    if one.body.startswith(one.title):
        lines[0] = one.body.split("\n")[0]
    left = terms_in("\n".join(lines))
    body = one.body if left < 20 or left < terms_in(one.body) / 2 else "\n".join(lines)
    return count_terms(one.model_copy(update={"body": body})).counts


def terms_in(body: str) -> int:
    return sum(map(len, analyze(body, "en")))


def lists(index: ArticleIndex, ids: Any) -> dict[str, dict[str, float]]:
    neighbours = {i: index.similar(i, len(IDS)) for i in ids}
    return {
        i: {index.ids[s]: score for s, score in zip(near.slots, near.scores, strict=True)}
        for i, near in neighbours.items()
    }


def assert_as_fresh(site: Site) -> None:
    expected = expected_index(site.articles)
    index = site.corpus.index
    rows = [count_terms(one).counts.terms for one in site.articles.values()]
    terms = np.unique(np.concatenate([np.empty(0, np.uint32), *rows]))
    df = index.document_frequencies(terms)

    assert set(site.articles) == {i for i in IDS if i in index}
    assert expected.document_frequencies(terms).tolist() == df.tolist()
    assert lists(expected, site.articles) == {
        i: pytest.approx(near, abs=1.1e-6) for i, near in lists(index, site.articles).items()
    }


@settings(deadline=None)
@given(histories, st.sets(st.integers(0, 8)))
@example([(LITTLE_LEFT, set())], set())
def test_after_any_history_the_rows_are_those_of_a_fresh_corpus(history, restarts):
    site = Site()
    for number, (put, deleted) in enumerate(history):
        if number in restarts:
            site.restart()
        site.catch_up(site.write(put, deleted))
        assert_as_fresh(site)


@settings(deadline=None)
@given(histories, st.integers(1, 4), st.sets(st.integers(0, 8)))
def test_the_same_holds_when_the_store_is_ahead_of_the_corpus(history, lag, restarts):
    site = Site()
    for start in range(0, len(history), lag):
        if start in restarts:
            site.restart()
        for ids in [site.write(put, deleted) for put, deleted in history[start : start + lag]]:
            site.catch_up(ids)
        assert_as_fresh(site)


@settings(deadline=None)
@given(histories, st.sets(st.integers(0, 8)))
def test_titles_facets_and_the_sample_follow_their_articles(history, restarts):
    site = Site()
    for number, (put, deleted) in enumerate(history):
        site.catch_up(site.write(put, deleted))
        if number in restarts:
            site.restart()
    corpus = site.corpus
    fresh = Corpus(site.fetch)
    fresh.apply({i: stored(a) for i, a in sorted(site.articles.items())})

    for article_id, one in site.articles.items():
        [slot] = corpus.slots([article_id])
        assert count_terms(one).title.tolist() == corpus.title_terms(slot).tolist()
        assert corpus.facets.mask("language", ["en"])[slot]
    assert corpus.index.slots == corpus.facets.published.size
    for size in (0, 2, len(IDS)):
        sample = corpus.ids(corpus.sample(size))
        assert sample == fresh.ids(fresh.sample(size))
        assert min(size, len(site.articles)) == len(sample)
        assert sample == corpus.ids(corpus.sample(size, "en"))
        assert [] == corpus.ids(corpus.sample(size, "es"))


def test_articles_with_equal_hashes_are_sampled_in_the_order_of_their_ids():
    ids = ["a46307", "a65336"]  # with the same 32 bits of BLAKE2
    for order in (ids, ids[::-1]):
        site = Site()
        for article_id in order:
            one = parse_article(article(article_id, title="Kursk", language="en"))
            site.catch_up(site.write({article_id: one}))

        assert ids[:1] == site.corpus.ids(site.corpus.sample(1))
        assert ids == site.corpus.ids(site.corpus.sample(2))


PLACES = dict(
    zip(
        [*IDS, "draft"], ["Kyiv", "Lviv", "Sumy", "Izium", "Bakhmut", "Kursk", "Odesa"], strict=True
    )
)


def bio(article_id: str, **fields: Any) -> Article:
    body = f"{PLACES[article_id]} fell; {LINES[-1]}.\nAbout the author: Jane Doe."
    return parse_article(article(article_id, title="T", body=body, language="en") | fields)


def test_a_line_stops_counting_while_too_many_articles_have_it():
    site, words = Site(), count_terms(parse_article(article(title="–", body="Jane")))
    [jane] = np.setdiff1d(words.counts.terms, words.title)
    df = []
    for article_id in ("a0", "a1", "a2"):
        site.catch_up(site.write({article_id: bio(article_id)}))
        df.append(site.corpus.index.document_frequencies(np.array([jane])).item())
    site.catch_up(site.write({}, ["a1"]))

    assert [1, 2, 0] == df
    assert 2 == site.corpus.index.document_frequencies(np.array([jane])).item()


def test_other_articles_are_fetched_only_when_their_boilerplate_changes():
    site = Site()
    for article_id in IDS:
        site.catch_up(site.write({article_id: bio(article_id)}))

    assert ["a0", "a1"] == site.fetched


def test_a_draft_loses_boilerplate_and_makes_none():
    site, draft = Site(), count_terms(bio("draft"))
    for article_id in ("a0", "a1"):
        site.catch_up(site.write({article_id: bio(article_id)}))
    assert draft.counts == site.corpus.effective_counts(draft)
    site.catch_up(site.write({"a2": bio("a2")}))

    left = count_terms(bio("draft", body=f"Odesa fell; {LINES[-1]}."))
    assert left.counts.terms.tolist() == site.corpus.effective_counts(draft).terms.tolist()


def test_boilerplate_is_listed_with_an_example():
    site = Site()
    site.catch_up(site.write({i: bio(i) for i in IDS[:4]}))
    site.catch_up(site.write({}, ["a0"]))

    [block] = site.corpus.boilerplate()
    assert (line_digest("About the author: Jane Doe.", 9), 3, "a1") == block


def test_nothing_changes_when_the_store_is_away():
    site = Site()
    site.catch_up(site.write({i: bio(i) for i in IDS[:2]}))
    before = lists(site.corpus.index, IDS[:2])
    site.corpus._fetch = away
    with pytest.raises(ConnectionError):
        site.corpus.apply({"a2": stored(bio("a2"))})
    site.corpus._fetch = site.fetch

    assert before == lists(site.corpus.index, IDS[:2])
    site.catch_up(site.write({"a2": bio("a2")}))
    assert_as_fresh(site)


def away(ids: Any) -> dict[str, StoredArticle]:
    raise ConnectionError
