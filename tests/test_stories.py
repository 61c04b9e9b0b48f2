"""Which articles tell one story, by paper and pencil, and in texts such as agencies send."""

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import Archive, as_written, ids

from features.article import parse_article
from features.vectorizer import TWO_WORD_BIT, count_terms, term_ids
from recommender.pipeline.stories import (
    BENEFIT_OF_DOUBT,
    Fingerprint,
    Story,
    _below,
    _shared,
    candidate_pairs,
    is_duplicate,
    one_per_story,
)
from recommender.policy.list_options import ListOptions

PAIR = int(TWO_WORD_BIT)

OPENING = """
The river rose by four metres in the night and broke the old dam above the mill at Harrow. Firemen
brought eleven families out of their houses by boat before dawn, and nobody was hurt, the county
said. The school and the market hall have been opened for those who cannot go home yet.
"""
MIDDLE = """
Engineers had warned in March that the gates of the dam were rusted through, and a repair was put
off twice for want of money. Mayor Ellen Stokes promised an inquiry, but asked for patience until
the water has gone down. Trains to the coast end at Weller until Friday at least.
"""
TAIL = """
Farmers downstream moved their cattle to higher ground on Tuesday evening. Rain is forecast until
the weekend, although less of it, and the army has sent sixty soldiers with pumps and sandbags.
"""
OTHER = """
Parliament voted late on Thursday for a tax on flights within the country, by a majority of three.
Airlines called it a blow to small airports; the greens spoke of a beginning. The tax of nine euros
for each ticket will be raised from July, and islands are exempt for two years. A court may still
have to decide, since two states see their own rights touched and have announced a complaint.
Passengers who booked before the vote pay nothing, the minister said in a talk show on Friday.
"""
OPINION = """
Why did the mill dam fail, and who knew of it? Harrow deserves answers from its mayor, not pumps.
Whoever has seen the rusted gates wonders that nothing broke sooner. Money was there for a new town
hall, yet none for the river, writes our columnist after a walk along the flooded market.
"""


def terms(body: str, title: str = "–") -> Fingerprint:
    article = parse_article({"id": "a", "title": title, "body": body, "language": "en"})
    features = count_terms(article)
    return Fingerprint.of(features.counts, features.title)


def are_one_story(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether the two are duplicates in a list, in any order."""
    there, back = (
        [[1, 0]] == candidate_pairs(in_common(articles)).tolist() and is_duplicate(*articles)
        for articles in ([one, other], [other, one])
    )
    assert there == back
    return there


def compared(articles: Sequence[Fingerprint]) -> tuple[np.ndarray, Callable[[int, int], bool]]:
    pairs = candidate_pairs(in_common(articles))
    return pairs, lambda one, other: is_duplicate(articles[one], articles[other])


def in_common(articles: Sequence[Fingerprint]) -> np.ndarray:
    """As the index counts: shared word pairs, or all terms of articles with few word pairs."""
    texts = [set(article.terms.tolist()) for article in articles]
    pairs = [{term for term in text if term >= PAIR} for text in texts]
    counted = [p if len(p) >= BENEFIT_OF_DOUBT else t for p, t in zip(pairs, texts, strict=True)]
    shared = [[len(one & other) for other in counted] for one in counted]
    return np.tril(shared).astype(np.int32)


# In words


def test_the_same_text_published_again_is_one_story():
    assert are_one_story(terms(OPENING + MIDDLE, "Dam breaks"), terms(OPENING + MIDDLE))


def test_a_wire_variant_with_another_headline_and_a_cut_tail_is_one_story():
    whole = terms(OPENING + MIDDLE + TAIL, "Eleven families saved as dam breaks")

    assert are_one_story(whole, terms(OPENING + MIDDLE, "Flood at Harrow: county opens school"))


def test_a_running_update_that_grew_is_one_story():
    grown = terms(OPENING + TAIL + MIDDLE + OPINION, "What we know about the flood")

    assert are_one_story(terms(OPENING + MIDDLE, "Dam breaks"), grown)


def test_a_digest_that_contains_the_whole_story_is_another_story():
    rest = " ".join(f"{OTHER} {n}".replace(" a", f" a{n}").replace("t", f"t{n}") for n in range(8))

    assert not are_one_story(terms(OPENING), terms(OPENING + rest, "The week"))


def test_another_text_on_the_same_event_is_another_story():
    assert not are_one_story(terms(OPENING + MIDDLE + TAIL), terms(OPINION))
    assert not are_one_story(terms(OPENING + MIDDLE), terms(OTHER))


def test_two_short_notes_on_one_template_are_two_stories():
    note = "Net profit of {} rose to {} million in the quarter; no forecast was given for the year."

    assert not are_one_story(terms(note.format("Weller", 4)), terms(note.format("Stokes", 71)))


def test_a_short_note_published_again_is_one_story_and_so_is_a_chinese_text():
    chinese = "河水夜间上涨四米冲垮了哈罗磨坊上方的旧水坝消防员在黎明前用船救出十一户人家无人受伤"

    assert are_one_story(terms("Harrow: dam closed."), terms("Harrow: dam closed."))
    assert are_one_story(terms(chinese), terms(chinese))


def test_texts_without_a_term_are_no_story():
    nothing = terms("–")

    assert not are_one_story(nothing, nothing)


def test_being_duplicates_is_not_transitive():
    def stories(*starts: int) -> list[Story]:
        articles = [pairs(range(start, start + 200)) for start in starts]
        nothing = np.zeros(3, dtype=np.intp)
        return one_per_story(*compared(articles), range(3), nothing, nothing, "best")

    assert [Story(0, [1]), Story(2, [])] == stories(0, 70, 140)
    assert [Story(0, [1, 2])] == stories(70, 0, 140)


# In numbers


def text_of(
    ids: Iterable[int], title: Iterable[int] = (), subject: Iterable[int] = ()
) -> Fingerprint:
    columns = (np.array(sorted(one), dtype=np.uint32) for one in (ids, title, subject))
    return Fingerprint(*columns)


def pairs(ids: Iterable[int]) -> Fingerprint:
    return text_of(PAIR + n for n in ids)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (range(80), range(30, 400), True),  # 50 = (80 + 20) / 2 of the shorter, 80 > 370 / 5
        (range(80), range(31, 400), False),
        (range(80), range(30, 430), True),  # 80 = 400 / 5
        (range(80), range(30, 431), False),
        (range(20), range(20), True),
        (range(19), range(21), True),  # too few for halves, but 19 of 21 all in all
        (range(19), range(22), False),
    ],
)
def test_half_of_the_shorter_and_ten_pairs_more_make_a_story(one, other, same):
    assert same == are_one_story(pairs(one), pairs(other))


@pytest.mark.parametrize(
    ("shared", "subjects", "same"),
    [
        (85, ({1}, {2}), True),  # .85 of 100 pairs
        (84, ({1}, {2}), False),
        (84, ({1, 3}, {1, 2}), False),
        (60, ({1}, {1}), True),
        (60, ({1}, set()), True),
        (60, ({1}, {1, 2}), True),
        (60, ({1}, {3}), True),  # which the first has somewhere
        (59, ({1}, {1}), False),
    ],
)
def test_articles_whose_titles_differ_must_share_more(shared, subjects, same):
    one, other = subjects
    first = text_of([3, *one, *(PAIR + n for n in range(100))], one, one)
    second = text_of([*other, *(PAIR + n for n in range(100 - shared, 200 - shared))], other, other)

    assert same == are_one_story(first, second)


words = st.dictionaries(
    st.sampled_from(["12", "07", "2025", "arsenal", "storm"]), st.integers(0, 5)
)


@given(words)
def test_a_subject_is_a_word_of_the_title_that_recurs_or_a_number(words):
    body = " ".join(["news", *(f"{word} " * count for word, count in words.items())])
    article = terms(body, " ".join(words) or "–")
    subject = {word for word, count in words.items() if count or word.isdigit()}

    assert sorted(term_ids(subject)) == article.subject.tolist()


@pytest.mark.parametrize(("shared", "same"), [(18, True), (17, False)])
def test_texts_of_the_same_words_are_one_story_at_any_length(shared, same):
    assert same == are_one_story(text_of(range(19)), text_of(range(19 - shared, 38 - shared)))


@pytest.mark.parametrize(
    ("headline", "same"),
    [
        (10, True),  # 20 terms of 30 stand below the headline, and the other one has them all
        (15, True),
        (16, False),  # 14 of 30: less than half, so the headline counts too
    ],
)
def test_an_agency_report_under_another_headline_is_one_story(headline, same):
    one = text_of(range(30), range(headline))
    other = text_of([*range(headline, 30), *range(100, 100 + headline)], range(100, 100 + headline))

    assert same == are_one_story(one, other)


@settings(deadline=None, max_examples=150)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 200),
    st.floats(0.4, 1),
    st.floats(0, 0.5),
    st.floats(0, 0.6),
)
def test_no_pair_of_duplicates_is_skipped(seed, size, of_pairs, of_headline, changed):
    """Two texts of one length, with other headlines, and below them any part changed."""
    chance = random.Random(seed)
    pair_count = round(size * of_pairs)
    one, other, headline, other_headline = [], [], [], []
    for kind, count in ((range(PAIR, 2 * PAIR), pair_count), (range(PAIR), size - pair_count)):
        above, new = round(count * of_headline), round(count * changed)
        drawn = iter(chance.sample(kind, 2 * count))
        body = [*islice(drawn, count - above)]
        one += body
        other += [*body[new:], *islice(drawn, new)]
        headline += islice(drawn, above)
        other_headline += islice(drawn, above)
    first = text_of(one + headline, headline)
    second = text_of(other + other_headline, other_headline)

    assert is_duplicate(first, second) == are_one_story(first, second)


def test_articles_with_little_in_common_are_not_compared():
    """A fifth of the shorter text's 100 word pairs is worth a look, less is not."""
    texts = [pairs(range(100)), pairs(range(80, 280)), pairs(range(81, 280))]

    assert [[1, 0]] == candidate_pairs(in_common(texts[:2])).tolist()
    assert [] == candidate_pairs(in_common([texts[0], texts[2]])).tolist()
    assert [] == candidate_pairs(in_common([text_of([]), text_of([])])).tolist()


# Who speaks for a story


def plain_groups(same: list[list[bool]], among: list[int]) -> list[list[int]]:
    groups: list[list[int]] = []
    for number in among:
        group = next((g for g in groups if same[g[0]][number]), None)
        if group is None:
            groups.append([number])
        else:
            group.append(number)
    return groups


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["best", "newest", "original"]))
def test_each_story_is_represented_by_the_first_the_newest_or_the_original(seed, policy):
    chance = random.Random(seed)
    starts = [chance.choice([0, 30, 60, 300, 320]) for _ in range(9)]
    articles = [pairs(range(start, start + 100)) for start in starts]
    dates = [chance.randint(0, 5) for _ in starts]
    depths = sorted(chance.choice([0, 1]) for _ in starts)
    among = sorted(chance.sample(range(9), 7))
    same = [[is_duplicate(one, other) for other in articles] for one in articles]

    expected = []
    for group in plain_groups(same, among):
        may_speak = [member for member in group if depths[member] == depths[group[0]]]
        of_dates = {"best": may_speak[:1], "newest": newest(may_speak, dates)}
        [first, *_] = of_dates.get(policy) or newest(may_speak, [-date for date in dates])
        expected.append(Story(first, [member for member in group if member != first]))
    stories = one_per_story(*compared(articles), among, np.array(dates), np.array(depths), policy)
    assert expected == stories


def newest(members: list[int], dates: list[int]) -> list[int]:
    return [m for m in members if dates[m] == max(dates[n] for n in members)]


def test_a_list_names_the_articles_that_tell_the_story_of_one_that_it_shows():
    archive = Archive(
        {"id": "mayor", "title": "Mayor Stokes under fire", "body": OPINION},
        {"id": "early", "title": "Dam breaks", "body": OPENING, "published_at": "2025-03-01"},
        {"id": "late", "title": "Flood", "body": OPENING + TAIL, "published_at": "2025-03-09"},
        {"id": "again", "title": "Who knew?", "body": OPINION},
        count=count_terms,
    )

    for policy, first, others in [("newest", "late", ("early",)), ("original", "early", ("late",))]:
        related_list = archive.related("mayor", ListOptions(story=policy))
        assert ([first], others) == (ids(related_list), related_list.items[0].same_story)


def test_helpers_count_word_pairs_as_the_pipeline_does():
    article = parse_article(
        {"id": "a", "title": "t", "body": "kursk sudzha talks", "language": "en"}
    )

    assert 2 == np.count_nonzero(as_written(article).counts.terms & TWO_WORD_BIT)


id_sets = st.sets(st.integers(0, 40), max_size=30)


@given(id_sets, id_sets, id_sets)
def test_shared_terms_are_those_of_sets(one, other, title):
    first, second, headline = (np.array(sorted(ids), np.uint32) for ids in (one, other, title))

    assert _shared(first, second) == len(one & other)
    assert _below(first, second, headline) == (len(other - title), len((other - title) & one))
