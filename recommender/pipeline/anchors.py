"""Finds the phrases of a text that name the subject of another article, as anchors of links."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from math import sqrt
from operator import attrgetter
from typing import NamedTuple

import regex

from features.analyzer import occurrences
from features.offsets import OffsetText, Span, Spans
from features.text import MARKUP
from features.vectorizer import term_ids
from recommender.deadline import check_deadline

# The words with which a line announces a link, in several languages.
ANNOUNCES = regex.compile(
    r"\s*(also see|see also|also read|read also|read more|related|more on this|"
    r"lee también|lea también|leer también|ver también|vea también|leia também|à lire aussi|"
    r"lire aussi|lesen sie auch|siehe auch|mehr dazu|leggi anche|lees ook|یہ بھی پڑھیں|"
    r"यह भी पढ़ें|另见|另請參閱|相关阅读|相關閱讀|延伸阅读|延伸閱讀|"
    r"あわせて読みたい|こちらも読む|関連記事|"
    r"اقرأ أيضًا|همچنین بخوانید|קראו גם|আরও পড়ুন|함께 읽기|читайте (?:также|також)|"
    r"czytaj także|bunu da oku)\s*[:：]",
    regex.IGNORECASE,
)
_ADDRESS = regex.compile(r"https?://[^\s<>\"')\]]++")
# Addresses, and links and headings of Markdown.
_NOT_PROSE = regex.compile(
    # No run of characters is tried twice, so a long text without blanks takes linear time.
    r"(?:https?://|www\.)[^\s<>\"]++ | (?<![^\s@])[^\s@]++@\S++ | \[[^\[\]\n]*+\]\([^)\n]*+\)"
    r" | ^\#{1,6}\ .*+$",
    regex.MULTILINE | regex.VERBOSE,
)
# Two words with one of these between them are no phrase.
_APART = regex.compile(r"[,;:!?…()\[\]{}<>|/\"“”„«»「」『』、，；：（）–—\n]|\s-|-\s")
_MARKS = regex.compile(r"[\p{M}\u200c\u200d]*+")

LONGEST_PHRASE = 40  # characters
# How much more a term of the target's title counts.
IN_TITLE = 3.0
# A phrase of another paragraph is used if it weighs at least this share of the best one.
GOOD_ENOUGH = 0.5


class Subject(NamedTuple):
    """
    The article that a link leads to.

    Fields:
        weights: term id → what the term adds to the cosine of the two texts.
        title: the ids of the terms of its title.
    """

    weights: Mapping[int, float]
    title: Collection[int]


class Anchor(NamedTuple):
    """
    A phrase that becomes a link.

    Fields:
        start, end: in the text as it was sent, in characters (Unicode code points).
        text: the phrase as it was sent; in HTML, it may hold character references.
        words: the phrase as readers see it.
        paragraph: its number, from 0.
        closes_at: the end of that paragraph in the text as it was sent.
    """

    start: int
    end: int
    text: str
    words: str
    paragraph: int
    closes_at: int


class _Mention(NamedTuple):
    """A term and its place in the text as readers see it."""

    start: int
    end: int
    term: int
    paragraph: int


class _Phrase(NamedTuple):
    weight: float
    start: int
    end: int
    paragraph: int


def place_links(
    source: OffsetText, title: str, language: str | None, subjects: Sequence[Subject]
) -> list[Anchor | None]:
    """
    Find an anchor for each of the *subjects*, at most one in a paragraph.

    The first subjects choose first. No anchor is in a link, a heading or a repeated title.

    Args:
        title: of the text.

    Returns:
        one for each subject; None where no free paragraph names it.
    """
    terms: set[int] = set()
    for subject in subjects:
        terms.update(subject.weights)
    mentions = list(_mentions(source, title, language, terms))
    taken: set[int] = set()
    anchors = []
    for subject in subjects:
        check_deadline()
        phrase = _chosen(list(_best_phrases(mentions, subject)), taken)
        if phrase is not None:
            taken.add(phrase.paragraph)
        anchors.append(phrase and _anchor(source, phrase))
    return anchors


def link_addresses(source: OffsetText) -> list[str]:
    """The addresses of all links in a text, including plain text."""
    return [*source.addresses, *_ADDRESS.findall(source.located.text)]


def announced_titles(text: str) -> list[str]:
    """The titles in lines such as "Also read: …"."""
    titles = []
    for line in text.splitlines():
        match = ANNOUNCES.match(line)
        if match:
            titles.append(line[match.end() :].strip())
    return titles


def _mentions(
    source: OffsetText, title: str, language: str | None, terms: Collection[int]
) -> Iterator[_Mention]:
    """Every place where one of the *terms* is in the text and could become a link."""
    located = source.located
    text = located.text
    barred = Spans([*source.not_prose, *_barred(source, title)])
    starts = [paragraph.start for paragraph in source.paragraphs]
    placed_terms = []
    for term in occurrences(text, language):
        check_deadline()
        if term.start >= 0:
            placed_terms.append(term)
    ids = _ids({term.term for term in placed_terms})
    for term in placed_terms:
        check_deadline()
        is_split = " " in term.term and _APART.search(text, term.start, term.end)
        if is_split or ids[term.term] not in terms:
            continue
        marks = _MARKS.match(text, term.end)
        end = marks.end() if marks else term.end
        sent = located.span(term.start, end)
        if barred.around(*sent) or (source.is_html and MARKUP.search(source.sent, *sent)):
            continue
        paragraph = bisect_right(starts, term.start) - 1
        yield _Mention(term.start, end, ids[term.term], paragraph)


def _ids(terms: Collection[str]) -> dict[str, int]:
    return dict(zip(terms, term_ids(terms), strict=True))


def _barred(source: OffsetText, title: str) -> Iterator[Span]:
    """Spans, in the text as it was sent, that are not prose although no markup says so."""
    located = source.located
    for match in _NOT_PROSE.finditer(located.text):
        yield located.span(*match.span())
    for start, end, _ in source.paragraphs:
        check_deadline()
        # Many systems repeat the title as the first paragraph.
        if located.text[start:end].casefold() == title.casefold():
            yield located.span(start, end)
    position = 0
    for line in located.text.split("\n"):
        check_deadline()
        if ANNOUNCES.match(line):
            yield located.span(position, position + len(line))
        position += len(line) + 1


def _best_phrases(mentions: Sequence[_Mention], subject: Subject) -> Iterator[_Phrase]:
    """
    The heaviest phrase of each paragraph that mentions the subject.

    Its weight is the geometric mean of its own and that of the paragraph, because a name that a
    paragraph drops in passing is a bad anchor.
    """
    relevant = [mention for mention in mentions if mention.term in subject.weights]
    for _, group in groupby(relevant, attrgetter("paragraph")):
        in_paragraph = sorted(group)
        terms = {mention.term for mention in in_paragraph}
        whole = sum(_weight(term, subject) for term in terms)
        best = max(_phrases(in_paragraph, subject), key=lambda p: (p.weight, -p.start))
        yield best._replace(weight=sqrt(best.weight * whole))


def _phrases(mentions: Sequence[_Mention], subject: Subject) -> Iterator[_Phrase]:
    """All chains of overlapping terms: words with pairs of words, or pairs of characters."""
    # Quadratic, but a chain ends within `LONGEST_PHRASE`.
    for number, first in enumerate(mentions):
        check_deadline()
        longest_end = max(first.start + LONGEST_PHRASE, first.end)
        end = first.end
        weight = 0.0
        counted: set[int] = set()
        for mention in mentions[number:]:
            if mention.start >= end or max(end, mention.end) > longest_end:
                break
            end = max(end, mention.end)
            weight += 0.0 if mention.term in counted else _weight(mention.term, subject)
            counted.add(mention.term)
            yield _Phrase(weight, first.start, end, first.paragraph)


def _weight(term: int, subject: Subject) -> float:
    return subject.weights[term] * (IN_TITLE if term in subject.title else 1.0)


def _chosen(phrases: Sequence[_Phrase], taken: Collection[int]) -> _Phrase | None:
    best = max((phrase.weight for phrase in phrases), default=0.0)
    free = [p for p in phrases if p.paragraph not in taken and p.weight >= GOOD_ENOUGH * best]
    return max(free, key=lambda p: (p.weight, -p.start), default=None)


def _anchor(source: OffsetText, phrase: _Phrase) -> Anchor:
    located = source.located
    start, end = located.span(phrase.start, phrase.end)
    words = " ".join(located.text[phrase.start : phrase.end].split())
    closes_at = source.paragraphs[phrase.paragraph].closes_at
    return Anchor(start, end, source.sent[start:end], words, phrase.paragraph, closes_at)
