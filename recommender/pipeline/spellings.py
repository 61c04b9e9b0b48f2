"""How an article spells its terms, and which of its words are names."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, Self

import regex

from features.analyzer import Occurrence, occurrences
from features.article import Article
from features.offsets import Spans
from features.stopwords import stop_words
from features.vectorizer import term_ids

NAME_SHARE = 0.6  # of the mid-sentence occurrences of a name that are capitalised

# Web and mail addresses. A top-level domain is in small letters, or "over.The", where a blank is
# missing, would be one.
_ADDRESS = regex.compile(
    r"https?://\S+|(?<![\w@.-])(?:[\w.+-]+@)?(?:[\w-]+\.)+[a-z]{2,}(?![\w-])(?:/[\w./-]*)?"
)
# What a pair may be spelled with: words and blanks, apostrophes after and hyphens inside words,
# "&", fractions, gershayim, and the full stop after one or two letters ("U.S.", "St.").
_NO_PUNCTUATION = regex.compile(
    r"""(?: [\w\s\p{M}]
          | (?<=[\w\p{M}])['’ʼ] | (?<=[\w\p{M}])[-‐‑](?=\w)
          | (?<=\s)&(?=\s) | (?<=\w)&(?=\w)
          | (?<=\d)[.,](?=\d)
          | (?<=\p{Hebrew})["״׳](?=\p{Hebrew})
          | (?:(?<=\b\w)|(?<=\b\p{Lu}\w))\.(?=\w|\s+[^\s\p{Ll}])
        )+""",
    regex.VERBOSE,
)
# The function words that may be inside a pair: "talks in Istanbul" is a phrase, "teams who want"
# is none. Of other languages any one function word.
_LINKING_WORDS = {
    "de": "der des und von für im in auf",
    "en": "of in for on the and at",
    "es": "de del la el los las y e en para",
    "fr": "de du des d la le les l et en à au aux pour",
    "it": "di del della dei degli delle dello dell d il la lo i gli le l e in per",
    "nl": "van de het der den en in op voor",
    "pt": "de do da dos das o a os as e em no na para",
}
_ROMAN = regex.compile(r"[IVX]{2,}")
_NUMBER_WORDS = {
    "de": "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf hundert tausend",
    "en": "one two three four five six seven eight nine ten eleven twelve first second third "
    "dozen dozens hundred hundreds thousand thousands million millions",
    "es": "uno dos tres cuatro cinco seis siete ocho nueve diez once doce cien mil millones",
    "fr": "un deux trois quatre cinq six sept huit neuf dix onze douze cent mille millions",
    "it": "uno due tre quattro cinque sei sette otto nove dieci undici dodici cento mille milioni",
    "nl": "een twee drie vier vijf zes zeven acht negen tien elf twaalf honderd duizend miljoen",
    "pt": "um dois três quatro cinco seis sete oito nove dez onze doze cem mil milhões",
}
_INITIALS = regex.compile(r"(?:\w\.)+\w")
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+"
)
# A word that does not begin a sentence: there is a letter, digit or comma before its blank.
_MID_SENTENCE = regex.compile(r"(?<=[\w,;)%] )\w+")
_HEADING_SHARE = 0.8  # of the longer words of a line that are capitalised
_SHORT_WORD = 3  # letters; headings often leave these words small

# The definite articles before a noun, by their own form and by contractions with a preposition.
_DEFINITE_ARTICLES = {
    "en": "the",
    "es": "el del al, la, los, las",
    "fr": "le du au, la, les des aux, l'",
    "it": "il del al dal nel sul, lo dello allo dallo nello sullo, "
    "la della alla dalla nella sulla, i dei ai dai nei sui, gli degli agli dagli negli sugli, "
    "le delle alle dalle nelle sulle, l' dell' all' dall' nell' sull'",
    "nl": "de, het",
    "pt": "o do no ao pelo, a da na à pela, os dos nos aos pelos, as das nas às pelas",
}
# What often follows a noun phrase in news, besides function words.
_VERBS_OF_SAYING = {
    "en": "said says told announced announces warned warns confirmed confirms reported reports",
    "es": "dijo anunció afirmó aseguró informó confirmó advirtió",
    "fr": "annonce affirme indique confirme",
    "nl": "zei zegt meldt meldde bevestigt",
    "pt": "disse anunciou afirmou informou confirmou",
}
_ARTICLE_SHARE = 0.5  # of the occurrences at the end of a noun phrase that follow an article
# Nouns take endings for case in these languages, and tags are mostly in the nominative.
_TAGS_FIRST = frozenset({"pl", "ru", "uk"})


class UnspacedTerm(NamedTuple):
    """A term of two characters, from a script without spaces, where it is in the text."""

    id: int
    start: int
    end: int


class SpelledTerms(NamedTuple):
    """
    The terms of one article as its text spells them.

    Fields:
        text: title and body.
        shown: term id → the best of all its spellings.
        clean: the same without parts of addresses, and without pairs that span punctuation or are
            no phrase.
        words: term id → its words, as the analyzer writes them.
        forms: word, as the analyzer writes it → its case-folded spellings.
        tags: ids of the terms of its tags.
        unspaced: in the order of the text.
    """

    article: Article
    text: str
    shown: Mapping[int, str]
    clean: Mapping[int, str]
    words: Mapping[int, tuple[str, ...]]
    forms: Mapping[str, frozenset[str]]
    tags: frozenset[int]
    unspaced: Sequence[UnspacedTerm]

    @classmethod
    def of(cls, article: Article) -> Self:
        """Read an article; takes about as long as to analyse it twice."""
        text = f"{article.title}\n{body_of(article)}"
        tags = "\n".join(article.tags)
        terms = _terms(text, article.language)
        in_tags = _terms(tags, article.language)
        clean = _best_spellings(_clean(terms, text, article.language), text)
        clean_in_tags = _best_spellings(_clean(in_tags, tags, article.language), tags)
        all_terms = [*terms, *in_tags]
        return cls(
            article,
            text,
            _best_spellings(in_tags, tags) | _best_spellings(terms, text),
            # Tags are often written in small letters, so the text comes first in other languages.
            clean | clean_in_tags if article.language in _TAGS_FIRST else clean_in_tags | clean,
            {term: tuple(one.term.split(" ")) for term, one in all_terms},
            _forms(one for _, one in all_terms),
            frozenset(term for term, _ in in_tags),
            [
                UnspacedTerm(term, one.start, one.end)
                for term, one in terms
                if one.start >= 0 and _UNSPACED.fullmatch(one.term)
            ],
        )


def body_of(article: Article) -> str:
    return article.body or article.excerpt or ""


def tag_terms(article: Article) -> frozenset[int]:
    """The ids of the terms of an article's tags."""
    return frozenset(term for term, _ in _terms("\n".join(article.tags), article.language))


def spans_punctuation(spelling: str) -> bool:
    """Whether there is punctuation between two words of it; whole web addresses have none."""
    return _NO_PUNCTUATION.fullmatch(spelling) is None and _ADDRESS.fullmatch(spelling) is None


def is_phrase(spelling: str, language: str | None) -> bool:
    """Whether a pair reads as one phrase, by what is between its two words."""
    between = [word.casefold() for word in spelling.split()[1:-1]]
    linking = _LINKING_WORDS.get(language or "")
    if linking is None:
        return len(between) <= 1
    return set(between) <= set(linking.split())


def _terms(text: str, language: str | None) -> list[tuple[int, Occurrence]]:
    """Every occurrence of a term, with the term's id."""
    found = list(occurrences(text, language))
    return list(zip(term_ids([one.term for one in found]), found, strict=True))


def _clean(
    terms: Iterable[tuple[int, Occurrence]], text: str, language: str | None
) -> Iterator[tuple[int, Occurrence]]:
    addresses = Spans(match.span() for match in _ADDRESS.finditer(text))
    for term, one in terms:
        is_pair = " " in one.term
        address = addresses.around(one.start, one.end) if one.start >= 0 else None
        if address is not None:
            is_clean = address == (one.start, one.end)
        elif is_pair:
            is_clean = one.start >= 0 and not spans_punctuation(one.shown)
            is_clean = is_clean and is_phrase(one.shown, language)
        else:
            is_clean = True
        if is_clean:
            yield term, one


def _best_spellings(terms: Iterable[tuple[int, Occurrence]], text: str) -> dict[int, str]:
    """
    The most frequent spelling of each term.

    Of equally frequent ones the shortest, then the one in small letters, then the first.
    """
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for term, one in terms:
        counts[term][_with_full_stop(one, text)] += 1
    return {term: _best(spellings) for term, spellings in counts.items()}


def _best(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda one: (-spellings[one], len(one), one != one.lower()))


def _with_full_stop(one: Occurrence, text: str) -> str:
    """The spelling; of initials ("U.S") with the full stop that tokens lose."""
    ends = text[one.end : one.end + 1] == "." and one.start >= 0
    return one.shown + "." if ends and _INITIALS.fullmatch(one.shown) else one.shown


def _forms(found: Iterable[Occurrence]) -> dict[str, frozenset[str]]:
    forms: defaultdict[str, set[str]] = defaultdict(set)
    for one in found:
        if " " not in one.term:
            forms[one.term].add(one.shown.casefold())
    return {word: frozenset(spellings) for word, spellings in forms.items()}


# Names


class Capitals(NamedTuple):
    """
    How often words occur in the middle of a sentence, by case-folded spelling.

    Fields:
        capitalised: with a capital letter.
        all: with a capital or a small letter. Scripts without case have neither.
    """

    capitalised: Counter[str]
    all: Counter[str]

    @classmethod
    def of(cls, text: str) -> Self:
        """Count in a body; headings ("Why We Need Better Forms") are no sentences."""
        words: Counter[str] = Counter()
        for line in text.split("\n"):
            in_line = _MID_SENTENCE.findall(line)
            if not _is_heading(in_line):
                words.update(in_line)
        capitals = cls(Counter(), Counter())
        for word, count in words.items():
            if word != word.lower():  # "openSUSE" too
                capitals.capitalised[word.casefold()] += count
            if word.lower() != word.upper():
                capitals.all[word.casefold()] += count
        return capitals

    def and_of(self, other: "Capitals") -> "Capitals":
        return Capitals(self.capitalised + other.capitalised, self.all + other.all)

    def share(self, forms: Iterable[str]) -> float | None:
        """The capitalised share of the occurrences of some spellings; None without occurrences."""
        total = sum(self.all[form] for form in forms)
        return sum(self.capitalised[form] for form in forms) / total if total else None


def is_number(spelling: str, language: str | None = None) -> bool:
    """Whether it is a number: in digits, in Roman numerals, or in words of common languages."""
    if _ROMAN.fullmatch(spelling) or spelling.casefold() in _number_words(language or ""):
        return True
    has_letter = any(character.isalpha() for character in spelling)
    return not has_letter and any(character.isdigit() for character in spelling)


@lru_cache
def _number_words(language: str) -> frozenset[str]:
    return frozenset(_NUMBER_WORDS.get(language, "").split())


def _is_heading(words: Sequence[str]) -> bool:
    long_words = [word for word in words if len(word) > _SHORT_WORD]
    capitalised = sum(word[0].isupper() for word in long_words)
    return len(long_words) > 1 and capitalised >= _HEADING_SHARE * len(long_words)


def is_name(spelling: str, forms: Iterable[str], capitals: Capitals) -> bool:
    """
    Whether a word is a name, or part of one.

    Args:
        spelling: how it is shown; a digit among its letters, or capitals alone, make it a name.
        forms: all its case-folded spellings.
        capitals: of both articles.
    """
    has_letter = any(character.isalpha() for character in spelling)
    if has_letter and any(character.isdigit() for character in spelling):
        return True
    if len(spelling) > 1 and spelling.isupper():
        return True
    share = capitals.share(forms)
    return share is not None and share >= NAME_SHARE


# Definite articles


@lru_cache
def _article_forms(language: str) -> dict[str, str]:
    """Form → article, with "del" → "el"."""
    table = _DEFINITE_ARTICLES.get(language, "")
    entries = [entry.split() for entry in table.split(",") if entry]
    return {form: forms[0] for forms in entries for form in forms}


@lru_cache
def _words_after_nouns(language: str | None) -> frozenset[str]:
    return stop_words(language) | set(_VERBS_OF_SAYING.get(language or "", "").split())


def with_article(spelling: str, body: str, language: str | None) -> str:
    """
    The spelling after its definite article, if the text mostly writes it so.

    Only occurrences at the end of a noun phrase count, before punctuation, a function word or a
    verb of saying: in "the Russian army" the article is not that of "Russian".
    """
    forms = _article_forms(language or "")
    if not forms:
        return spelling
    word_before = r"(?:(?<!\w)(\w+['’]|\w+(?=\s))\s*)?"
    word_after = r"(?!\w|[-.'’]\w)(?:\s+(\w+))?"
    pattern = rf"{word_before}(?<!\w){regex.escape(spelling)}{word_after}"
    articles: Counter[str | None] = Counter()
    for match in regex.finditer(pattern, body, regex.IGNORECASE):
        if match[2] is None or match[2].casefold() in _words_after_nouns(language):
            articles[forms.get((match[1] or "").casefold().replace("’", "'"))] += 1
    for article, count in articles.most_common(1):
        if article is not None and count >= _ARTICLE_SHARE * articles.total():
            return article + ("" if article.endswith("'") else " ") + spelling
    return spelling
