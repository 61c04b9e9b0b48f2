"""Where in a text a link belongs: the phrase that names what another article is about."""

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

# How a line of its own announces a link, in the languages we have seen or write it in.
ANNOUNCES = regex.compile(
    r"\s*(also see|see also|also read|read also|read more|related|more on this|"
    r"lee también|lea también|leer también|ver también|vea también|leia também|à lire aussi|"
    r"lire aussi|lesen sie auch|siehe auch|mehr dazu|leggi anche|lees ook|یہ بھی پڑھیں|"
    r"यह भी पढ़ें|另见|另請參閱|相关阅读|延伸阅读|あわせて読みたい|こちらも読む|関連記事|"
    r"اقرأ أيضًا|همچنین بخوانید|קראו גם|আরও পড়ুন|함께 읽기|читайте (?:также|також)|"
    r"czytaj także|bunu da oku)\s*[:：]",
    regex.IGNORECASE,
)
_ADDRESS = regex.compile(r"https?://[^\s<>\"')\]]++")
# Addresses, and links and headings of Markdown.
_NOT_PROSE = regex.compile(
    # Each begins where no earlier try has been, or a long text without blanks takes for ever.
    r"(?:https?://|www\.)[^\s<>\"]++ | (?<![^\s@])[^\s@]++@\S++ | \[[^\[\]\n]*+\]\([^)\n]*+\)"
    r" | ^\#{1,6}\ .*+$",
    regex.MULTILINE | regex.VERBOSE,
)
# No two words with one of these between are a phrase.
_APART = regex.compile(r"[,;:!?…()\[\]{}<>|/\"“”„«»「」『』、，；：（）–—\n]|\s-|-\s")
_MARKS = regex.compile(r"[\p{M}\u200c\u200d]*+")

LONGEST_PHRASE = 40  # characters
# What a term of the target's title counts more.
IN_TITLE = 3.0
# A phrase of another paragraph will do if it says so much of what the best one says.
GOOD_ENOUGH = 0.5


class Subject(NamedTuple):
    """
    What a link would lead to.

    Fields:
        weights: what each term, by id, adds to the cosine of the two texts.
        title: the ids of its title's terms.
    """

    weights: Mapping[int, float]
    title: Collection[int]


class Anchor(NamedTuple):
    """
    A phrase for a link to stand on.

    Fields:
        start, end: in the text as it was sent, in characters (Unicode code points).
        text: what was sent there; in HTML, it may hold character references.
        words: the same, as it is read.
        paragraph: which one it stands in, from 0.
        closes_at: where that paragraph is over, in the text as it was sent.
    """

    start: int
    end: int
    text: str
    words: str
    paragraph: int
    closes_at: int


class _Mention(NamedTuple):
    """A term, where it stands in the text that is read."""

    start: int
    end: int
    term: int
    paragraph: int


class _Phrase(NamedTuple):
    weight: float
    start: int
    end: int
    paragraph: int


def placed(
    reading: OffsetText, title: str, language: str | None, subjects: Sequence[Subject]
) -> list[Anchor | None]:
    """
    Find a place for a link to each of the *subjects*, at most one in a paragraph.

    The first subjects choose first. No anchor stands in a link, a heading or a repeated title.

    Args:
        title: of the text.

    Returns:
        one for each subject; None where the text, or what is left of it, names it nowhere.
    """
    asked = {term for subject in subjects for term in subject.weights}
    mentions = list(_mentions(reading, title, language, asked))
    taken: set[int] = set()
    anchors = []
    for subject in subjects:
        check_deadline()
        phrase = _chosen(list(_best_phrases(mentions, subject)), taken)
        if phrase is not None:
            taken.add(phrase.paragraph)
        anchors.append(phrase and _anchor(reading, phrase))
    return anchors


def addresses(reading: OffsetText) -> list[str]:
    """Where the links of a text lead, those of plain text too."""
    return [*reading.addresses, *_ADDRESS.findall(reading.located.text)]


def announced(text: str) -> list[str]:
    """What the lines of a text that announce links say after that, mostly titles."""
    lines = text.splitlines()
    return [line[match.end() :].strip() for line in lines if (match := ANNOUNCES.match(line))]


def _mentions(
    reading: OffsetText, title: str, language: str | None, asked: Collection[int]
) -> Iterator[_Mention]:
    """Where the text says the terms that are *asked* for, and a link could stand."""
    located, text = reading.located, reading.located.text
    barred = Spans([*reading.not_prose, *_barred(reading, title)])
    starts = [paragraph.start for paragraph in reading.paragraphs]
    placed_terms = []
    for term in occurrences(text, language):
        check_deadline()
        if term.start >= 0:
            placed_terms.append(term)
    ids = _ids({term.term for term in placed_terms})
    for term in placed_terms:
        check_deadline()
        parted = " " in term.term and _APART.search(text, term.start, term.end)
        if parted or ids[term.term] not in asked:
            continue
        marks = _MARKS.match(text, term.end)
        end = marks.end() if marks else term.end
        sent = located.span(term.start, end)
        if barred.around(*sent) or (reading.is_html and MARKUP.search(reading.sent, *sent)):
            continue
        paragraph = bisect_right(starts, term.start) - 1
        yield _Mention(term.start, end, ids[term.term], paragraph)


def _ids(terms: Collection[str]) -> dict[str, int]:
    return dict(zip(terms, term_ids(terms), strict=True))


def _barred(reading: OffsetText, title: str) -> Iterator[Span]:
    """What is no prose though no markup says so, as sent."""
    located = reading.located
    for match in _NOT_PROSE.finditer(located.text):
        yield located.span(*match.span())
    for start, end, _ in reading.paragraphs:
        check_deadline()
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
    Of each paragraph that says anything of the subject, the phrase that says most.

    It weighs as much as the geometric mean of it and its paragraph: a name that is dropped in
    passing is no place for a link.
    """
    said = [mention for mention in mentions if mention.term in subject.weights]
    for _, group in groupby(said, attrgetter("paragraph")):
        found = sorted(group)
        whole = sum(_weight(term, subject) for term in {mention.term for mention in found})
        best = max(_phrases(found, subject), key=lambda p: (p.weight, -p.start))
        yield best._replace(weight=sqrt(best.weight * whole))


def _phrases(mentions: Sequence[_Mention], subject: Subject) -> Iterator[_Phrase]:
    """All chains of terms that overlap: words with pairs of words, or pairs of characters."""
    for number, first in enumerate(mentions):
        check_deadline()
        end, weight, said = first.end, 0.0, set[int]()
        for mention in mentions[number:]:
            apart = mention.start >= end
            if apart or max(end, mention.end) > max(first.start + LONGEST_PHRASE, first.end):
                break
            end = max(end, mention.end)
            weight += 0.0 if mention.term in said else _weight(mention.term, subject)
            said.add(mention.term)
            yield _Phrase(weight, first.start, end, first.paragraph)


def _weight(term: int, subject: Subject) -> float:
    return subject.weights[term] * (IN_TITLE if term in subject.title else 1.0)


def _chosen(phrases: Sequence[_Phrase], taken: Collection[int]) -> _Phrase | None:
    best = max((phrase.weight for phrase in phrases), default=0.0)
    free = [p for p in phrases if p.paragraph not in taken and p.weight >= GOOD_ENOUGH * best]
    return max(free, key=lambda p: (p.weight, -p.start), default=None)


def _anchor(reading: OffsetText, phrase: _Phrase) -> Anchor:
    located = reading.located
    start, end = located.span(phrase.start, phrase.end)
    words = " ".join(located.text[phrase.start : phrase.end].split())
    closes_at = reading.paragraphs[phrase.paragraph].closes_at
    return Anchor(start, end, reading.sent[start:end], words, phrase.paragraph, closes_at)
