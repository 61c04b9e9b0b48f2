"""What two articles are both about: of their shared terms those that an editor would name."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import regex

from features.article import Article
from recommender.pipeline.explain import Contributions
from recommender.pipeline.spellings import (
    Capitals,
    SpelledTerms,
    UnspacedTerm,
    body_of,
    is_name,
    is_number,
    tag_terms,
    with_article,
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

MAX_UNSPACED = 12  # characters; what is longer is a quotation and no subject

# Adverbs by their ending, where that tells them from nouns.
_ADVERBS = {
    "en": r"\w{3,}ly",
    "es": r"\w{3,}mente",
    "fr": r"\w{2,}(?:amment|emment|[aiu]blement|ellement|eusement|ièrement|iquement|ivement)",
    "it": r"\w{3,}mente",
    "pt": r"\w{3,}mente",
}
_NO_ADVERBS = {
    *("anomaly", "assembly", "belly", "bully", "butterfly", "family", "homily", "jelly"),
    *("monopoly", "rally", "reply", "supply", "tally"),
}


class Traits(NamedTuple):
    """
    All that decides how likely an editor names a shared term.

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
    """

    spelling: str
    parts: frozenset[str]
    traits: Traits


def subjects(
    shared: Contributions, source: SpelledTerms, target: Article | None, limit: int
) -> list[str]:
    """
    The *limit* shared terms that an editor would name first, as the source spells them.

    Args:
        target: the other article; None when its text is not known.
    """
    chosen = choose(ranked(shared, source, target), limit, source.text)
    return [one.spelling for one in chosen]


def with_articles(spellings: Sequence[str], source: Article) -> list[str]:
    """Subjects as a sentence names them, with definite articles where the source has them."""
    return [with_article(one, body_of(source), source.language) for one in spellings]


def choose(candidates: Sequence[RankedTerm], limit: int, text: str) -> list[RankedTerm]:
    """
    The first *limit* candidates that say something new, best first.

    After the first one that is not plain, plain ones are left out.

    Args:
        candidates: in the order of their scores.
        text: of the source, in which names of more than two words are looked for.
    """
    chosen: list[RankedTerm] = []
    for candidate in candidates:
        if len(chosen) == limit:
            break
        named = frozenset[str]().union(*(one.parts for one in chosen))
        if named & candidate.parts:
            continue
        if candidate.traits.is_plain and any(not one.traits.is_plain for one in chosen):
            continue
        if any(_abbreviates(candidate.spelling, one.spelling) for one in chosen):
            continue
        best = _longer(candidate, candidates, named) or candidate
        best = _in_full(best, candidates, named, text)
        if not _is_cut_off(best, text):
            chosen.append(best)
    return chosen


def _is_cut_off(phrase: RankedTerm, text: str) -> bool:
    """Whether a name goes on after the phrase: "President of the United"."""
    if phrase.traits.words < 2 or phrase.spelling.count(" ") < 2:
        return False
    longer = regex.findall(rf"{regex.escape(phrase.spelling)}[ ]\p{{Lu}}", text)
    return 2 * len(longer) > text.count(phrase.spelling)


def _abbreviates(one: str, other: str) -> bool:
    """Whether one of the two is the initials of the other: "EU" of "European Union"."""
    short, long = sorted((one, other), key=len)
    initials = [word[0] for word in long.split()]
    capitals = [letter for letter in initials if letter.isupper()]
    letters = short.replace(".", "")
    return len(letters) > 1 and letters in ("".join(initials).upper(), "".join(capitals))


def _longer(
    word: RankedTerm, candidates: Sequence[RankedTerm], named: frozenset[str]
) -> RankedTerm | None:
    """The best pair that holds *word* and nothing that is named already."""
    for pair in candidates:
        if pair.traits.score <= PAIR_SHARE * word.traits.score:
            return None
        if word.parts < pair.parts and not named & pair.parts:
            return pair
    return None


def _in_full(
    name: RankedTerm, candidates: Sequence[RankedTerm], named: frozenset[str], text: str
) -> RankedTerm:
    """
    A name of two words with the words that belong to it: "World Health Organization".

    A word is added when its pair with the first or last word is shared too, and the text mostly
    writes them together.
    """
    if name.traits.words < 2 or name.traits.names < 2:
        return name
    pairs = [one for one in candidates if one.spelling.count(" ") == 1 and one.traits.names]
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


def ranked(shared: Contributions, source: SpelledTerms, target: Article | None) -> list[RankedTerm]:
    """All shared terms that the source spells cleanly, by score; ties by weight."""
    capitals = Capitals.of(body_of(source.article))
    tags = source.tags
    if target is not None:
        capitals = capitals.and_of(Capitals.of(body_of(target)))
        tags |= tag_terms(target)
    found = [*_spaced(shared, source, capitals, tags), *_unspaced(shared, source, tags)]
    return sorted(found, key=lambda one: (-one.traits.score, -one.traits.weight))


def _spaced(
    shared: Contributions, source: SpelledTerms, capitals: Capitals, tags: frozenset[int]
) -> Iterator[RankedTerm]:
    """Terms of one word and two."""
    unspaced = {one.id for one in source.unspaced}
    language = source.article.language
    for row in shared.rows():
        spelling = source.clean.get(row.term)
        if spelling is None or row.term in unspaced:
            continue
        words = source.words[row.term]
        names = _names(words, spelling, source, capitals)
        if _is_quantity(spelling, names, language):
            continue
        if not any(names):
            spelling = _uncapitalised(spelling, words, source, capitals)
        traits = Traits(
            row.weight,
            row.titles,
            row.term in tags,
            len(words),
            sum(names),
            row.is_common,
            is_adverb(spelling, language),
        )
        yield RankedTerm(spelling, frozenset(words), traits)


def _names(
    words: Sequence[str], spelling: str, source: SpelledTerms, capitals: Capitals
) -> list[bool]:
    """Which of the words are names; a number is one after a name ("Flight 8243", not "30 days")."""
    pieces = spelling.split()
    names: list[bool] = []
    for word, piece in zip(words, (pieces[0], pieces[-1]), strict=False):
        if is_number(piece, source.article.language):
            names.append(any(names))
        else:
            names.append(is_name(piece, source.forms.get(word, ()), capitals))
    return names


def _is_quantity(spelling: str, names: Sequence[bool], language: str | None) -> bool:
    """Whether a number in it counts something ("two people"), and does not end a name."""
    numbers = [is_number(piece, language) for piece in spelling.split()]
    return any(numbers) and (numbers[0] or not all(names))


def _uncapitalised(
    spelling: str, words: Sequence[str], source: SpelledTerms, capitals: Capitals
) -> str:
    """As it is written inside a sentence, where its place alone gave it a capital letter."""
    if not spelling[1:].islower() or capitals.share(source.forms.get(words[0], ())) is None:
        return spelling
    return spelling[0].lower() + spelling[1:]


def is_adverb(word: str, language: str | None) -> bool:
    ending = _ADVERBS.get(language or "")
    if ending is None or word.casefold() in _NO_ADVERBS:
        return False
    return regex.fullmatch(ending, word.casefold()) is not None


def _unspaced(
    shared: Contributions, source: SpelledTerms, tags: frozenset[int]
) -> Iterator[RankedTerm]:
    """Stretches of a script without spaces that both articles have: their terms overlap."""
    rows = {row.term: row for row in shared.rows()}
    stretches: dict[str, frozenset[int]] = {}
    for stretch in _stretches([one for one in source.unspaced if one.id in rows]):
        spelling = source.text[stretch[0].start : stretch[-1].end]
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
        yield RankedTerm(spelling, frozenset(map(str, terms)), traits)


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
