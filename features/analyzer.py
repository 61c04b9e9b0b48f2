"""Text to terms: fold, tokenise and stem, by the rules of its language."""

import re
import threading
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import NamedTuple

import regex
import Stemmer

from features.indic import INDIC, normalize_indic
from features.stopwords import stop_words

# Snowball algorithm and the ISO 639 codes it serves. Finding the second half of an article by its
# first, stems are worth 2 points of mean reciprocal rank in Spanish and French, 15 in Tamil.
_ALGORITHMS = """
    arabic:ar armenian:hy basque:eu catalan:ca czech:cs danish:da dutch:nl english:en esperanto:eo
    estonian:et finnish:fi french:fr german:de greek:el hindi:hi hungarian:hu indonesian:id
    irish:ga italian:it lithuanian:lt nepali:ne norwegian:no persian:fa polish:pl portuguese:pt
    romanian:ro russian:ru serbian:sr serbian:hr serbian:bs serbian:cnr indonesian:ms sesotho:st
    spanish:es swedish:sv tamil:ta turkish:tr yiddish:yi
"""
_ALGORITHM_OF: dict[str, str] = {}
for _pair_of_names in _ALGORITHMS.split():
    _algorithm, _code = _pair_of_names.split(":")
    _ALGORITHM_OF[_code] = _algorithm

# Scripts without spaces, and Korean, which glues particles to its words: every two neighbouring
# characters make a term, as in Lucene's CJKAnalyzer. In Korean this gains 18 points over whole
# words. Terms of one or three characters lose 4 to 19 points in Chinese and Thai.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNSPACED_RUN = regex.compile(f"[{_UNSPACED}]+")
_FIRST_UNSPACED = "\u0e00"
_FIRST_CJK = "\u1800"

# Initials, letters with a number ("F-16": a single letter would be dropped) or an ampersand
# ("H&M"), words (in regex, \w includes combining marks; in re it does not), numbers with their
# fraction, and the ends of sentences. A full stop after two letters is none of these: "St.
# Petersburg" is a pair.
_TOKEN = regex.compile(
    r"""(?:\w\.)+\w\b
      | \p{L}[-‐‑]\d+s?\b
      | \b(?:\p{L}&\p{L}{1,3}|\p{L}{2,3}&\p{L})(?:&\p{L}{1,3})*+\b
      | \w+(?:(?<=\d)[.,](?=\d)\d+)*+
      | \n | (?<=\w{3})[.!?…](?=["'”’»)]*+\s) | [。！？।۔؟]""",
    regex.VERBOSE,
)
_MODEL = regex.compile(r"(\p{L})[-‐‑]?(\d+)s?")
_SENTENCE_ENDS = frozenset("\n.!?…。！？।۔؟")
_LONGEST_WORD = 64  # anything longer is an address or encoded data
_LONGEST_PAIR = 80  # to show, with the function words in between

# The terms of one piece, which is the text between two blanks. An empty term marks a place that no
# pair may span.
_PieceTerms = tuple[str, ...]
_cache: dict[str | None, dict[str, _PieceTerms]] = {}  # pieces by language, in this process
MAX_CACHED_PIECES = 30_000  # of a language; 7 MB
MAX_CACHED_LANGUAGES = 8
_LONGEST_CACHED = 40
# It sorts before every character of a term, so that "greater than" separates the two.
_LINE_END = "\n"
_SPACED_LINE_END = f" {_LINE_END} "

# A piece and one blank after it, without which a full stop would not end a sentence.
_PIECE = regex.compile(r"\S*+\s|\S++")

_BEYOND_LATIN = re.compile("[\u0370-\u1fff\u2c00-\U0010ffff]")
# Presentation forms that PDF leaves in Arabic, full-width Latin, half-width Katakana. In pieces,
# because NFKC takes quadratic time on the marks that some of them become.
_COMPATIBILITY = re.compile("[\ufb1d-\ufdff\ufe70-\ufefe\uff01-\uffef]{1,32}")
# Inside a word in Ukrainian (п'ять) and Hebrew (צה"ל).
_INNER_QUOTE = regex.compile(
    r"""(?<=[\p{Cyrillic}\p{Hebrew}])['"’ʼ״׳](?=[\p{Cyrillic}\p{Hebrew}])"""
)

_DIGITS: dict[int, str] = {}
for _zero in map(ord, "٠۰०০੦૦୦௦౦೦൦๐၀"):
    _DIGITS |= dict(enumerate("0123456789", start=_zero))
_HARAKAT_AND_TATWEEL = [*range(0x610, 0x61B), 0x640, *range(0x64B, 0x660), 0x670]
_KORANIC_MARKS = range(0x6D6, 0x6EE)
_SILENT = dict.fromkeys([*_HARAKAT_AND_TATWEEL, *_KORANIC_MARKS])
# Persian and Urdu keep آ: to fold it to ا costs half a point in Urdu.
_LETTERS = _DIGITS | _SILENT | str.maketrans("يىكہۃةۂھأإٱ", "ییکهههههااا")
_ARABIC_LETTERS = _DIGITS | _SILENT | str.maketrans("یىکہۂھۃأإٱآ", "ييكهههةاااا")
_FOLDED_LETTER = re.compile("[" + "".join(map(chr, _LETTERS | _ARABIC_LETTERS)) + "]")

# Language rules that casefold() lacks: Turkish I and ı, Romanian cedillas, Russian ё.
_SPELLINGS = {
    "az": str.maketrans("Iİ", "ıi"),
    "ro": str.maketrans("şţŞŢ", "șțȘȚ"),
    "ru": str.maketrans("ёЁ", "еЕ"),
    "tr": str.maketrans("Iİ", "ıi"),
}


class Terms(NamedTuple):
    """
    The terms of a text, in its order and with repetitions.

    Fields:
        words: one-word terms.
        pairs: two-word terms, adjacent once function words are dropped, such as "talk istanbul".
    """

    words: list[str]
    pairs: list[str]


def analyze(text: str, language: str | None) -> Terms:
    """
    Turn text as `plain_text` returns it into terms.

    *language* is a code of `normalize_language`. None, and a language without stemmer or stop
    words, are analysed without these. A pair may span function words ("talks in Istanbul"), which
    gains one point of nDCG. It never spans the end of a sentence or a line. Scripts without spaces
    have no pairs.
    """
    lines = analyze_lines(text, language)
    words = [*chain.from_iterable(line.words for line in lines)]
    pairs = [*chain.from_iterable(line.pairs for line in lines)]
    return Terms(words, pairs)


def analyze_lines(text: str, language: str | None) -> list[Terms]:
    """The terms of each line of a text, as `analyze` finds them."""
    words: list[str] = []
    pairs: list[str] = []
    lines = [Terms(words, pairs)]
    before = ""
    for term in _terms_of(text.replace("\n", _SPACED_LINE_END).split(" "), language):
        if term > _LINE_END:
            words.append(term)
            if before:
                pairs.append(f"{before} {term}")
            before = term
            continue
        before = ""
        if term == _LINE_END:
            words = []
            pairs = []
            lines.append(Terms(words, pairs))
    return lines


def _terms_of(pieces: list[str], language: str | None) -> list[str]:
    """
    The terms of all pieces, one after another.

    An empty term stands for the end of a sentence, and for anything else that no pair may span. A
    `_LINE_END` stands for the end of a line.
    """
    cached = _cache.setdefault(language, {_LINE_END: (_LINE_END,)})
    # No token spans a blank, so a text is analysed in pieces, and a piece only once.
    terms = [*map(cached.get, pieces)]
    unknown = [place for place, terms_of_piece in enumerate(terms) if terms_of_piece is None]
    new = _analyze_pieces({pieces[place] for place in unknown}, language) if unknown else {}
    for place in unknown:
        terms[place] = new[pieces[place]]
    for piece, terms_of_piece in new.items():
        if len(piece) <= _LONGEST_CACHED:
            cached[piece] = terms_of_piece
    if len(cached) > MAX_CACHED_PIECES or len(_cache) > MAX_CACHED_LANGUAGES:
        _cache.clear()  # other threads keep the dict that they hold
    return [*chain.from_iterable(terms)]  # type: ignore[arg-type]


def _analyze_pieces(pieces: Collection[str], language: str | None) -> dict[str, _PieceTerms]:
    """Fold, tokenise and stem pieces of text, as if each were a line."""
    tokens = _TOKEN.findall(_fold("\n".join((*pieces, "")), language))
    stems, runs = _stems_and_runs(tokens, language)
    lines: list[list[str]] = [[]]
    for word in tokens:
        if word == "\n":
            lines.append([])
        elif word in _SENTENCE_ENDS:
            lines[-1].append("")
        elif word in runs:
            for bigram in runs[word]:
                lines[-1] += ("", bigram)
            lines[-1].append("")
        elif stems[word]:
            lines[-1].append(stems[word])
    return dict(zip(pieces, map(tuple, lines), strict=False))  # the last line is empty


def _stems_and_runs(
    tokens: Iterable[str], language: str | None
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The stem of each word, empty if it is no term, and the bigrams of each unspaced run."""
    distinct = set(tokens) - _SENTENCE_ENDS
    runs = {token: _bigrams(token, language) for token in distinct if _is_unspaced(token)}
    distinct.difference_update(runs)
    return _stems(distinct, language), runs


def surfaces(text: str, language: str | None) -> dict[str, str]:
    """
    The form in which to show each term that `analyze` finds: "kursk region" as "Kursk region",
    "talk istanbul" as "talks in Istanbul".

    Of several forms the most frequent is taken, then the shortest, the one in small letters, the
    first.
    """
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for occurrence in occurrences(text, language):
        forms[occurrence.term][occurrence.shown] += 1
    return {term: _best(counts) for term, counts in forms.items()}


class Occurrence(NamedTuple):
    """
    A term at one place of a text.

    Fields:
        shown: as the text spells it, `text[start:end]`.
        start, end: -1 if the term is not in one piece, or its place is unknown.
    """

    term: str
    shown: str
    start: int
    end: int


def occurrences(text: str, language: str | None) -> Iterator[Occurrence]:
    """Every term that `analyze` finds, with its place, in the order of the text."""
    spellings = _spellings(text, language)
    stems, runs = _stems_and_runs((spelling.token for spelling in spellings), language)
    before: _Spelling | None = None
    for here in spellings:
        stem = stems.get(here.token)
        if stem:
            yield Occurrence(stem, here.shown, here.start, here.end)
            if before:
                yield _pair(text, f"{stems[before.token]} {stem}", before, here)
            before = here
        elif stem is None:
            yield from _placed_bigrams(here, runs.get(here.token, ()))
            before = None


def _best(forms: Counter[str]) -> str:
    return min(forms, key=lambda form: (-forms[form], len(form), form != form.lower()))


class _Spelling(NamedTuple):
    """A token as it is written, `text[start:end]`; both -1 if its place is unknown."""

    token: str
    shown: str
    start: int
    end: int

    def at(self, position: int) -> "_Spelling":
        if self.start < 0:
            return self
        return self._replace(start=self.start + position, end=self.end + position)


def _spellings(text: str, language: str | None) -> list[_Spelling]:
    """The tokens of the text, which are those of its pieces, because none spans white space."""
    by_piece: dict[str, list[_Spelling]] = {}
    spellings: list[_Spelling] = []
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece not in by_piece:
            by_piece[piece] = _spellings_in(piece, language)
        spellings += [spelling.at(match.start()) for spelling in by_piece[piece]]
    return spellings


def _spellings_in(piece: str, language: str | None) -> list[_Spelling]:
    tokens = _TOKEN.findall(_fold(piece, language))
    spaced, places = _space_out_runs(piece)
    matches = list(_TOKEN.finditer(spaced))
    if not _are_folded_to(tokens, matches, language):
        return [_Spelling(token, token, -1, -1) for token in tokens]
    spellings = []
    for token, match in zip(tokens, matches, strict=True):
        start = places[match.start()]
        end = places[match.end() - 1] + 1
        spellings.append(_Spelling(token, match[0], start, end))
    return spellings


def _are_folded_to(
    tokens: Sequence[str], matches: Sequence[regex.Match[str]], language: str | None
) -> bool:
    """Whether each match, once folded, is the token at the same position."""
    if len(matches) != len(tokens):
        return False
    for token, match in zip(tokens, matches, strict=True):
        if _fold(match[0], language).strip(" ") != token.strip(" "):
            return False
    return True


def _space_out_runs(piece: str) -> tuple[str, Sequence[int]]:
    """
    Put spaces around runs of unspaced characters, as `_fold` does.

    Returns:
        the spaced text, and the position in *piece* of each of its characters.
    """
    runs = [] if piece.isascii() else [match.span() for match in _UNSPACED_RUN.finditer(piece)]
    if not runs:
        return piece, range(len(piece))
    parts: list[str] = []
    places: list[int] = []
    position = 0
    for start, end in runs:
        parts += [piece[position:start], " ", piece[start:end], " "]
        places += [*range(position, start), start, *range(start, end), end]
        position = end
    return "".join([*parts, piece[position:]]), [*places, *range(position, len(piece))]


def _pair(text: str, term: str, before: _Spelling, here: _Spelling) -> Occurrence:
    if before.start < 0 or here.start < 0 or here.end - before.start > _LONGEST_PAIR:
        return Occurrence(term, before.shown + " " + here.shown, -1, -1)
    return Occurrence(term, text[before.start : here.end], before.start, here.end)


def _placed_bigrams(run: _Spelling, bigrams: Sequence[str]) -> Iterator[Occurrence]:
    if run.start < 0 or run.token != run.shown:  # NFKC may change the number of characters
        for bigram in bigrams:
            yield Occurrence(bigram, bigram, -1, -1)
        return
    position = run.start
    terms = frozenset(bigrams)
    for group in _groups(run.token):
        bigram = "".join(group)
        if bigram in terms:
            yield Occurrence(bigram, bigram, position, position + len(bigram))
        position += len(group[0])


def _fold(text: str, language: str | None) -> str:
    """Unify case, digits and variants of letters, and put spaces around unspaced runs."""
    if language in _SPELLINGS:
        text = text.translate(_SPELLINGS[language])
    text = text.replace("İ", "I").casefold().replace("_", " ")
    if not text.isascii():
        text = text.replace("\u200c", "").replace("\u200d", "")
    if not _BEYOND_LATIN.search(text):
        return text
    text = _COMPATIBILITY.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    if INDIC.search(text):
        text = normalize_indic(text)
    if _FOLDED_LETTER.search(text):
        text = text.translate(_ARABIC_LETTERS if language == "ar" else _LETTERS)
    return _UNSPACED_RUN.sub(r" \g<0> ", _INNER_QUOTE.sub("", text))


def _stems(tokens: set[str], language: str | None) -> dict[str, str]:
    """Map each token to its stem, or to an empty one if it is no term."""
    ignored = _folded_stop_words(language)
    kept = [t for t in tokens if 1 < len(t) <= _LONGEST_WORD and t not in ignored]
    words = [word if word.isalpha() else _without_points(word) for word in kept]
    stemmer = _stemmer(language)
    stems = stemmer.stemWords(words) if stemmer else words
    terms = dict.fromkeys(tokens, "")
    for token, word, stem in zip(kept, words, stems, strict=True):
        terms[token] = stem or word  # the Tamil stemmer leaves nothing of a few words
    return terms


def _without_points(token: str) -> str:
    """
    Join initials ("u.s" to "us"), thousands ("1,000" to "1000"), and letters with their number
    ("f-16s" and "f16s" to "f16"), but not 13.2 or v1.2.
    """
    model = _MODEL.fullmatch(token)
    if model:
        return model[1] + model[2]
    return token.replace(",", "") if token[-1].isdecimal() else token.replace(".", "")


def _is_unspaced(token: str) -> bool:
    return token[0] >= _FIRST_UNSPACED and _UNSPACED_RUN.match(token) is not None


def _bigrams(run: str, language: str | None) -> list[str]:
    """Return every two neighbouring characters, with their marks, unless both are particles."""
    particles = stop_words(language) if language in ("ja", "zh") else frozenset()
    return ["".join(group) for group in _groups(run) if not particles.issuperset(group)]


def _groups(run: str) -> Sequence[Sequence[str]]:
    # \X takes ten times as long as list(), and only Thai and its neighbours have marks.
    characters = regex.findall(r"\X", run) if min(run) < _FIRST_CJK else list(run)
    return list(pairwise(characters)) or [characters]


@lru_cache(maxsize=64)
def _folded_stop_words(language: str | None) -> frozenset[str]:
    return frozenset(_fold(word, language) for word in stop_words(language))


class _Stemmers(threading.local):
    """One set for each thread, because a Snowball stemmer holds the word that it works on."""

    def __init__(self) -> None:
        self.by_algorithm: dict[str, Stemmer.Stemmer] = {}


_stemmers = _Stemmers()


def _stemmer(language: str | None) -> Stemmer.Stemmer | None:
    algorithm = _ALGORITHM_OF.get(language or "")
    if algorithm is None:
        return None
    if algorithm not in _stemmers.by_algorithm:
        # Without PyStemmer's cache, which gains nothing: a text has each word stemmed once.
        _stemmers.by_algorithm[algorithm] = Stemmer.Stemmer(algorithm, 0)
    return _stemmers.by_algorithm[algorithm]
