"""The spellings of an article's terms, and which of its words are names."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import NamedTuple, Self

import regex

from features.analyzer import Occurrence, analyze, occurrences
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
_MID_SENTENCE = re.compile(r" (?<=[\w,;)%] )(\w+)")
_SENTENCE_ENDS = frozenset([*".!?…:;,)”»", '"'])
_LONGEST_HEADING = 100  # characters

# The word before a phrase, with a blank or an apostrophe between; nothing before a part of a word.
_WORD_BEFORE = regex.compile(r"(?:(?<!\w)(\w+['’]|\w+(?=\s))\s*|(?<!\w))$")
_WORD_AFTER = regex.compile(r"(?!\w|[-.'’]\w)(?:\s+(\w+))?")
_LONGEST_ARTICLE = 12  # characters, with what is around it

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


class SpelledTerms:
    """
    The terms of one article as its text spells them, by term id.

    To read an article takes about as long as to analyse it twice.

    Attributes:
        text: title and body.
        tags: ids of the terms of its tags.
        unspaced: in the order of the text.
        inside_sentences: what `words_inside_sentences` returned of the body.
    """

    def __init__(self, article: Article) -> None:
        self.article = article
        self.text = f"{article.title}\n{body_of(article)}"
        tags = "\n".join(article.tags)
        self._in_text = _Occurrences(self.text, article.language)
        self._in_tags = _Occurrences(tags, article.language)
        self.tags = frozenset(self._in_tags.by_id)
        self.unspaced = self._in_text.unspaced()
        self.inside_sentences = words_inside_sentences(body_of(article))
        # Tags are often written in small letters, so in most languages the text comes first.
        in_order = [self._in_text, self._in_tags]
        self._in_order = in_order[::-1] if article.language in _TAGS_FIRST else in_order
        self._shown: dict[int, str | None] = {}

    def shown(self, term: int) -> str | None:
        """The best of all spellings; None for a term that the article does not have."""
        if term not in self._shown:
            places = self._in_text.by_id.get(term) or self._in_tags.by_id.get(term)
            self._shown[term] = _best_spelling(places, self.text) if places else None
        return self._shown[term]

    def clean(self, term: int) -> str | None:
        """
        The best clean spelling, None if there is none.

        Parts of addresses are not clean, nor are pairs that span punctuation or are no phrase.
        """
        for text in self._in_order:
            places = [one for one in text.by_id.get(term, ()) if text.is_clean(one)]
            if places:
                return _best_spelling(places, text.text)
        return None

    def words(self, term: int) -> Sequence[str]:
        """The words of a term of this article, as the analyzer writes them."""
        places = self._in_text.by_id.get(term) or self._in_tags.by_id[term]
        return places[0].term.split(" ")

    def forms(self, word: str) -> "WordForms":
        """The spellings of a word, as the analyzer writes it."""
        places: list[Occurrence] = []
        for text in self._in_order:
            places += text.by_term.get(word, ())
        return WordForms.of(one.shown for one in places)


class _Occurrences:
    """
    The terms of one text, with their places.

    Attributes:
        by_term: term, as the analyzer writes it → its occurrences.
        by_id: the same by term id.
    """

    def __init__(self, text: str, language: str | None) -> None:
        self.text = text
        self._language = language
        self.by_term: dict[str, list[Occurrence]] = {}
        for one in occurrences(text, language):
            self.by_term.setdefault(one.term, []).append(one)
        ids = term_ids(self.by_term)
        self.by_id = dict(zip(ids, self.by_term.values(), strict=True))

    @cached_property
    def _addresses(self) -> Spans:
        return Spans(match.span() for match in _ADDRESS.finditer(self.text))

    def is_clean(self, one: Occurrence) -> bool:
        is_pair = " " in one.term
        if one.start < 0:
            return not is_pair  # what is between its words is unknown
        address = self._addresses.around(one.start, one.end)
        if address is not None:
            return address == (one.start, one.end)
        if not is_pair:
            return True
        return not spans_punctuation(one.shown) and is_phrase(one.shown, self._language)

    def unspaced(self) -> list[UnspacedTerm]:
        if self.text.isascii():
            return []
        terms = []
        for term, places in self.by_id.items():
            if _UNSPACED.fullmatch(places[0].term):
                known = [one for one in places if one.start >= 0]
                terms += [UnspacedTerm(term, one.start, one.end) for one in known]
        return sorted(terms, key=attrgetter("start"))


def body_of(article: Article) -> str:
    return article.body or article.excerpt or ""


def tag_terms(article: Article) -> frozenset[int]:
    """The ids of the terms of an article's tags."""
    words, pairs = analyze("\n".join(article.tags), article.language)
    return frozenset(term_ids([*words, *pairs]))


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


def _best_spelling(places: Iterable[Occurrence], text: str) -> str:
    """
    The most frequent spelling.

    Of equally frequent ones the shortest, then the one in small letters, then the first.
    """
    spellings = Counter(_with_full_stop(one, text) for one in places)
    if len(spellings) == 1:
        return next(iter(spellings))
    return min(spellings, key=lambda one: (-spellings[one], len(one), one != one.lower()))


def _with_full_stop(one: Occurrence, text: str) -> str:
    """The spelling; of initials ("U.S") with the full stop that tokens lose."""
    ends = text[one.end : one.end + 1] == "." and one.start >= 0
    return one.shown + "." if ends and _INITIALS.fullmatch(one.shown) else one.shown


# Names


class WordForms(NamedTuple):
    """
    The spellings of one word; in scripts without case none is capitalised.

    Fields:
        small: in small letters.
        capitalised: with a capital letter, also inside ("openSUSE"), or in capitals.
    """

    small: frozenset[str]
    capitalised: frozenset[str]

    @classmethod
    def of(cls, spellings: Iterable[str]) -> Self:
        spellings = set(spellings)
        small = {one.lower() for one in spellings}
        capitals = {one.capitalize() for one in small} | {one.upper() for one in small}
        return cls(frozenset(small), frozenset((spellings | capitals) - small))


def words_inside_sentences(text: str) -> Counter[str]:
    """
    How often each word occurs in a body, but not where it begins a sentence.

    Short lines that do not end as a sentence does are headings ("Why We Need Better Forms").
    """
    words: Counter[str] = Counter()
    for line in text.split("\n"):
        if len(line) > _LONGEST_HEADING or line[-1:] in _SENTENCE_ENDS:
            words.update(_MID_SENTENCE.findall(line))
    return words


def count_capitals(forms: WordForms, words: Mapping[str, int]) -> tuple[int, int]:
    """How often a word is capitalised inside sentences, and how often it is there at all."""
    capitalised = 0
    for form in forms.capitalised:
        capitalised += words.get(form, 0)
    total = capitalised
    if forms.capitalised:
        for form in forms.small:
            total += words.get(form, 0)
    return capitalised, total


def looks_like_name(spelling: str) -> bool:
    """Whether a digit among letters, or capitals alone, make it a name wherever it is."""
    if len(spelling) > 1 and spelling.isupper():
        return True
    return any(map(str.isdigit, spelling)) and any(map(str.isalpha, spelling))


def is_number(spelling: str, language: str | None = None) -> bool:
    """Whether it is a number: in digits, in Roman numerals, or in words of common languages."""
    if _ROMAN.fullmatch(spelling) or spelling.casefold() in _number_words(language or ""):
        return True
    return any(map(str.isdigit, spelling)) and not any(map(str.isalpha, spelling))


@lru_cache
def _number_words(language: str) -> frozenset[str]:
    return frozenset(_NUMBER_WORDS.get(language, "").split())


# Definite articles


@lru_cache
def _article_forms(language: str) -> dict[str, str]:
    """Form → article, with "del" → "el"."""
    articles: dict[str, str] = {}
    for entry in filter(None, _DEFINITE_ARTICLES.get(language, "").split(",")):
        forms = entry.split()
        articles |= dict.fromkeys(forms, forms[0])
    return articles


@lru_cache
def _words_after_nouns(language: str | None) -> frozenset[str]:
    return stop_words(language) | set(_VERBS_OF_SAYING.get(language or "", "").split())


def with_article(spelling: str, body: str, language: str | None) -> str:
    """
    The spelling after its definite article, if the text mostly writes it so.

    Only occurrences at the end of a noun phrase count, before punctuation, a function word or a
    verb of saying: in "the Russian army" the article is not that of "Russian".

    Args:
        body: in small letters.
    """
    forms = _article_forms(language or "")
    if not forms:
        return spelling
    articles: Counter[str | None] = Counter()
    for before, after in _neighbours(spelling.lower(), body):
        if not after or after in _words_after_nouns(language):
            articles[forms.get(before.replace("’", "'"))] += 1
    for article, count in articles.most_common(1):
        if article is not None and count >= _ARTICLE_SHARE * articles.total():
            return article + ("" if article.endswith("'") else " ") + spelling
    return spelling


def _neighbours(phrase: str, text: str) -> Iterator[tuple[str, str]]:
    """The words before and after each occurrence of *phrase*; empty next to punctuation."""
    start = text.find(phrase)
    while start >= 0:
        end = start + len(phrase)
        before = _WORD_BEFORE.search(text, max(0, start - _LONGEST_ARTICLE), start)
        after = _WORD_AFTER.match(text, end)
        if before is not None and after is not None:
            yield before[1] or "", after[1] or ""
        start = text.find(phrase, end)
