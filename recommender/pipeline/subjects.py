"""The subjects of two articles: those of their shared terms that an editor would name."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

import regex

from features.article import Article
from recommender.pipeline.explain import Contributions
from recommender.pipeline.spellings import (
    NAME_SHARE,
    SpelledTerms,
    UnspacedTerm,
    WordForms,
    body_of,
    count_capitals,
    is_number,
    looks_like_name,
    tag_terms,
    with_article,
    words_inside_sentences,
)

IN_BOTH_TITLES = 3.0
IN_TITLE_OR_TAG = 2.0
ALL_NAMES = 2.0
SOME_NAMES = 1.5
TWO_WORDS = 1.5
COMMON = 0.3
PLAIN = 0.5
ADVERB = 0.2
# A pair takes the place of its word ("Kursk region" of "Kursk") from this share of its score on.
PAIR_SHARE = 0.25

MAX_UNSPACED = 12  # characters; anything longer is a quotation and not a subject

# Adverbs by their ending, where that tells them from nouns.
_ADVERBS = {
    "en": regex.compile(r"\w{3,}ly"),
    "es": regex.compile(r"\w{3,}mente"),
    "fr": regex.compile(
        r"\w{2,}(?:amment|emment|[aiu]blement|ellement|eusement|ièrement|iquement|ivement)"
    ),
    "it": regex.compile(r"\w{3,}mente"),
    "pt": regex.compile(r"\w{3,}mente"),
}
_NO_ADVERBS = {
    *("anomaly", "assembly", "belly", "bully", "butterfly", "family", "homily", "jelly"),
    *("monopoly", "rally", "reply", "supply", "tally"),
}


class Traits(NamedTuple):
    """
    The traits of a shared term that decide how likely an editor would name it.

    Fields:
        weight: its part of the cosine.
        titles: how many of the two titles have it.
        in_tag: whether a tag of either article has it.
        words: one or two.
        names: how many of the words are names.
        is_common: whether more articles have it than `Contributions` allows for.
        is_adverb: by its form.
    """

    weight: float
    titles: int = 0
    in_tag: bool = False
    words: int = 1
    names: int = 0
    is_common: bool = False
    is_adverb: bool = False

    @property
    def is_prominent(self) -> bool:
        return self.titles > 0 or self.in_tag

    @property
    def is_plain(self) -> bool:
        return self.words == 1 and self.names == 0 and not self.is_prominent

    @property
    def score(self) -> float:
        score = self.weight
        if self.titles == 2:
            score *= IN_BOTH_TITLES
        elif self.is_prominent:
            score *= IN_TITLE_OR_TAG
        if self.names == self.words:
            score *= ALL_NAMES
        elif self.names:
            score *= SOME_NAMES
        if self.words == 2:
            score *= TWO_WORDS
        if self.is_common and not (self.names and self.is_prominent):
            score *= COMMON
        if self.is_plain:
            score *= PLAIN * (ADVERB if self.is_adverb else 1.0)
        return score


class RankedTerm(NamedTuple):
    """
    A shared term, or a stretch of terms in a script without spaces, that a sentence may name.

    Fields:
        spelling: as the source spells it.
        parts: what it is made of; two with a part in common say the same.
        score: of the traits.
    """

    spelling: str
    parts: frozenset[str]
    traits: Traits
    score: float


class _Word(NamedTuple):
    """
    A word of a term, and what the source alone says about it.

    Fields:
        word: as the analyzer writes it.
        is_number: in digits or in words.
        is_name: by its spelling.
        forms: its spellings.
        capitalised: how often the source capitalises it inside sentences.
        total: how often the source has it inside sentences.
    """

    word: str
    is_number: bool
    is_name: bool
    forms: WordForms
    capitalised: int
    total: int

    def is_capitalised(self, target: Mapping[str, int]) -> bool | None:
        """Whether both texts mostly capitalise it; None if it is never inside a sentence."""
        capitalised, total = count_capitals(self.forms, target)
        total += self.total
        if not total:
            return None
        return capitalised + self.capitalised >= NAME_SHARE * total


class _Term(NamedTuple):
    """A term, and what the source alone says about it; see `RankedTerm` and `Traits`."""

    spelling: str
    parts: frozenset[str]
    words: Sequence[_Word]
    is_adverb: bool


class SubjectFinder:
    """
    Finds what a source and other articles are both about.

    It keeps what it learns about the source, so one serves a whole list.

    Attributes:
        source: the source's terms, as it spells them.
    """

    def __init__(self, source: Article) -> None:
        self.source = SpelledTerms(source)
        self._language = source.language
        self._unspaced = frozenset(one.id for one in self.source.unspaced)
        self._body = body_of(source).lower()
        self._terms: dict[int, _Term | None] = {}
        self._forms: dict[str, WordForms] = {}
        self._with_article: dict[str, str] = {}

    def subjects(self, shared: Contributions, target: Article | None, limit: int) -> list[str]:
        """
        The *limit* shared terms that an editor would name first, as the source spells them.

        Args:
            target: the other article; None when its text is not known.
        """
        chosen = choose(self.ranked(shared, target), limit, self.source.text)
        return [one.spelling for one in chosen]

    def with_articles(self, spellings: Sequence[str]) -> list[str]:
        """Subjects as a sentence names them, with definite articles where the source has them."""
        for one in spellings:
            if one not in self._with_article:
                self._with_article[one] = with_article(one, self._body, self._language)
        return [self._with_article[one] for one in spellings]

    def ranked(self, shared: Contributions, target: Article | None) -> list[RankedTerm]:
        """All shared terms that the source spells cleanly, by score; ties by weight."""
        tags = self.source.tags
        words = Counter[str]()
        if target is not None:
            words = words_inside_sentences(body_of(target))
            tags |= tag_terms(target)
        terms = [*self._spaced(shared, words, tags), *self._in_stretches(shared, tags)]
        return sorted(terms, key=lambda one: (-one.score, -one.traits.weight))

    def _spaced(
        self, shared: Contributions, target: Mapping[str, int], tags: Set[int]
    ) -> Iterator[RankedTerm]:
        """
        Terms of one word and two.

        Args:
            target: what `words_inside_sentences` returned of the other body.
        """
        capitalised: dict[str, bool | None] = {}
        for row in shared.rows():
            term = self._term(row.term)
            if term is None:
                continue
            for word in term.words:
                if word.word not in capitalised:
                    capitalised[word.word] = word.is_capitalised(target)
            names = _names(term.words, capitalised)
            if _is_quantity(term.words, names):
                continue
            traits = Traits(
                row.weight,
                row.titles,
                row.term in tags,
                len(term.words),
                sum(names),
                row.is_common,
                term.is_adverb,
            )
            spelling = term.spelling
            if not any(names) and capitalised[term.words[0].word] is not None:
                spelling = _uncapitalised(spelling)
            yield RankedTerm(spelling, term.parts, traits, traits.score)

    def _term(self, term_id: int) -> _Term | None:
        """None for a term without a clean spelling, and for one of a script without spaces."""
        if term_id not in self._terms:
            self._terms[term_id] = self._described(term_id)
        return self._terms[term_id]

    def _described(self, term_id: int) -> _Term | None:
        spelling = self.source.clean(term_id)
        if spelling is None or term_id in self._unspaced:
            return None
        words = self.source.words(term_id)
        pieces = spelling.split()
        described = []
        for word, piece in zip(words, (pieces[0], pieces[-1]), strict=False):
            if word not in self._forms:
                self._forms[word] = self.source.forms(word)
            forms = self._forms[word]
            counts = count_capitals(forms, self.source.inside_sentences)
            number = is_number(piece, self._language)
            described.append(_Word(word, number, looks_like_name(piece), forms, *counts))
        return _Term(spelling, frozenset(words), described, is_adverb(spelling, self._language))

    def _in_stretches(self, shared: Contributions, tags: Set[int]) -> Iterator[RankedTerm]:
        """Stretches of a script without spaces that both articles have; their terms overlap."""
        if not self._unspaced:
            return
        rows = {row.term: row for row in shared.rows()}
        stretches: dict[str, frozenset[int]] = {}
        for stretch in _stretches([one for one in self.source.unspaced if one.id in rows]):
            spelling = self.source.text[stretch[0].start : stretch[-1].end]
            if len(spelling) <= MAX_UNSPACED:
                stretches[spelling] = frozenset(one.id for one in stretch)
        for spelling, terms in stretches.items():
            parts = [rows[term] for term in terms]
            traits = Traits(
                sum(row.weight for row in parts),
                min(row.titles for row in parts),
                terms <= tags,
                is_common=all(row.is_common for row in parts),
            )
            yield RankedTerm(spelling, frozenset(map(str, terms)), traits, traits.score)


def _names(words: Sequence[_Word], capitalised: Mapping[str, bool | None]) -> list[bool]:
    """Which of the words are names; a number is one after a name ("Flight 8243", not "30 days")."""
    names: list[bool] = []
    for word in words:
        if word.is_number:
            names.append(any(names))
        else:
            names.append(word.is_name or capitalised[word.word] is True)
    return names


def _is_quantity(words: Sequence[_Word], names: Sequence[bool]) -> bool:
    """Whether a number in it counts something ("two people"), and does not end a name."""
    has_number = any(word.is_number for word in words)
    return has_number and (words[0].is_number or not all(names))


def _uncapitalised(spelling: str) -> str:
    """As it is written inside a sentence, where its place alone gave it a capital letter."""
    if not spelling[1:].islower():  # an abbreviation or a brand, such as "openSUSE"
        return spelling
    return spelling[0].lower() + spelling[1:]


def is_adverb(word: str, language: str | None) -> bool:
    ending = _ADVERBS.get(language or "")
    if ending is None or word.casefold() in _NO_ADVERBS:
        return False
    return ending.fullmatch(word.casefold()) is not None


def _stretches(terms: Sequence[UnspacedTerm]) -> Iterator[list[UnspacedTerm]]:
    """Terms, in the order of the text, divided where two neighbours do not overlap."""
    stretch = list(terms[:1])
    for before, here in pairwise(terms):
        if here.start >= before.end:
            yield stretch
            stretch = []
        stretch.append(here)
    if stretch:
        yield stretch


def choose(candidates: Sequence[RankedTerm], limit: int, text: str) -> list[RankedTerm]:
    """
    The first *limit* candidates that say something new, best first.

    After the first one that is not plain, plain ones are left out.

    Args:
        candidates: in the order of their scores.
        text: of the source, in which names of more than two words are looked for.
    """
    chosen: list[RankedTerm] = []
    named: set[str] = set()
    for candidate in candidates:
        if len(chosen) == limit:
            break
        if not named.isdisjoint(candidate.parts):
            continue
        if candidate.traits.is_plain and not all(one.traits.is_plain for one in chosen):
            continue
        if any(_abbreviates(candidate.spelling, one.spelling) for one in chosen):
            continue
        best = _longer(candidate, candidates, named) or candidate
        best = _in_full(best, candidates, named, text)
        if not _is_cut_off(best, text):
            chosen.append(best)
            named |= best.parts
    return chosen


def _longer(
    word: RankedTerm, candidates: Sequence[RankedTerm], named: Set[str]
) -> RankedTerm | None:
    """The best pair that holds *word* and nothing that is named already."""
    for pair in candidates:
        if pair.score <= PAIR_SHARE * word.score:
            return None
        if word.parts < pair.parts and not named & pair.parts:
            return pair
    return None


def _in_full(
    name: RankedTerm, candidates: Sequence[RankedTerm], named: Set[str], text: str
) -> RankedTerm:
    """
    A name of two words with the words that belong to it: "World Health Organization".

    A word is added when its pair with the first or last word is shared too, and the text mostly
    writes them together.
    """
    if name.traits.words < 2 or name.traits.names < 2:
        return name
    pairs = [one for one in candidates if one.traits.names and one.spelling.count(" ") == 1]
    for pair in pairs * 2:  # a word that was added may bring the next one
        joined = _joined(name.spelling, pair.spelling)
        if joined is None or pair.parts & named or joined not in text:
            continue
        if 2 * text.count(joined) >= text.count(name.spelling):
            name = name._replace(spelling=joined, parts=name.parts | pair.parts)
    return name


def _joined(name: str, pair: str) -> str | None:
    """The name with the word that a capitalised pair adds before or after it; None if none."""
    first, last = pair.split(" ")
    if first.islower() or last.islower():
        return None
    if name.endswith(" " + first):
        return f"{name} {last}"
    if name.startswith(last + " "):
        return f"{first} {name}"
    return None


def _is_cut_off(phrase: RankedTerm, text: str) -> bool:
    """Whether a name goes on after the phrase: "President of the United"."""
    if phrase.traits.words < 2 or phrase.spelling.count(" ") < 2:
        return False
    longer = 0
    end = text.find(phrase.spelling)
    while end >= 0:
        end += len(phrase.spelling)
        longer += text[end : end + 1] == " " and text[end + 1 : end + 2].isupper()
        end = text.find(phrase.spelling, end)
    return 2 * longer > text.count(phrase.spelling)


def _abbreviates(one: str, other: str) -> bool:
    """Whether one of the two is the initials of the other: "EU" of "European Union"."""
    short, long = sorted((one, other), key=len)
    if " " not in long:  # one word has no initials
        return False
    initials = "".join(word[0] for word in long.split())
    capitals = "".join(filter(str.isupper, initials))
    letters = short.replace(".", "")
    return len(letters) > 1 and letters in (initials.upper(), capitals)
