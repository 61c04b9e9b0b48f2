"""Language → tokens → stems → terms: the words by which one article resembles another."""

import re
import threading
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, compress, islice, pairwise
from typing import NamedTuple

import numpy as np
import regex
import Stemmer
from numpy.typing import NDArray

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
_ALGORITHM_OF = {code: name for name, code in (pair.split(":") for pair in _ALGORITHMS.split())}

# Scripts without spaces, and Korean, which glues particles to its words: every two neighbouring
# characters make a word, as in Lucene's CJKAnalyzer. For Korean that finds 18 points more than
# whole words; single characters or three lose 4 to 19 in Chinese and Thai.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNSPACED_RUN = regex.compile(f"[{_UNSPACED}]+")
_FIRST_UNSPACED, _FIRST_CJK = "\u0e00", "\u1800"

# Initials, letters with a number ("F-16": alone, the letter would be lost) or an ampersand ("H&M"),
# words (regex counts combining marks to \w, re does not), numbers with their fraction, and
# what ends a sentence. A full stop ends none after two letters: "St. Petersburg" is a pair.
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
_LONGEST_WORD = 64  # what is longer is an address or encoded data
_LONGEST_PAIR = 80  # to show, with the function words between

# What stands between two blanks, read: its terms, and an empty one where no pair may reach across.
_Piece = tuple[str, ...]
_known: dict[str | None, dict[str, _Piece]] = {}  # by language, in this process
MAX_KNOWN_PIECES = 30_000  # of a language; 7 MB
MAX_KNOWN_LANGUAGES = 8
_LONGEST_KNOWN = 40
# Before every character of a term, so that "greater than" tells terms apart.
_LINE_END = "\n"
_LINE_END_APART = f" {_LINE_END} "

# A word with what is glued to it and one blank, by which a full stop is known.
_PIECE = regex.compile(r"\S*+\s|\S++")

_BEYOND_LATIN = re.compile("[\u0370-\u1fff\u2c00-\U0010ffff]")
# Presentation forms that PDF leaves in Arabic, full-width Latin, half-width Katakana. In pieces,
# because NFKC takes quadratic time on the marks that some of them become.
_COMPATIBILITY = re.compile("[\ufb1d-\ufdff\ufe70-\ufefe\uff01-\uffef]{1,32}")
# Inside a word in Ukrainian (п'ять) and Hebrew (צה"ל).
_INNER_QUOTE = regex.compile(
    r"""(?<=[\p{Cyrillic}\p{Hebrew}])['"’ʼ״׳](?=[\p{Cyrillic}\p{Hebrew}])"""
)

_DIGITS = {zero + digit: str(digit) for zero in map(ord, "٠۰०০੦૦୦௦౦೦൦๐၀") for digit in range(10)}
_HARAKAT_AND_TATWEEL = [*range(0x610, 0x61B), 0x640, *range(0x64B, 0x660), 0x670]
_KORANIC_MARKS = range(0x6D6, 0x6EE)
_SILENT = dict.fromkeys([*_HARAKAT_AND_TATWEEL, *_KORANIC_MARKS])
# Persian and Urdu keep آ: folded to ا it loses half a point in Urdu.
_LETTERS = _DIGITS | _SILENT | str.maketrans("يىكہۃةۂھأإٱ", "ییکهههههااا")
_ARABIC_LETTERS = _DIGITS | _SILENT | str.maketrans("یىکہۂھۃأإٱآ", "ييكهههةاااا")
_FOLDED_LETTER = re.compile("[" + "".join(map(chr, _LETTERS | _ARABIC_LETTERS)) + "]")

# What casefold() does not know of one language: Turkish I and ı, Romanian cedillas, Russian ё.
_SPELLINGS = {
    "az": str.maketrans("Iİ", "ıi"),
    "ro": str.maketrans("şţŞŢ", "șțȘȚ"),
    "ru": str.maketrans("ёЁ", "еЕ"),
    "tr": str.maketrans("Iİ", "ıi"),
}


class Terms(NamedTuple):
    """
    What a text is compared by, in the order of the text, repeats kept.

    Fields:
        words: one-word terms.
        pairs: two words side by side once function words are gone, as "talk istanbul".
    """

    words: list[str]
    pairs: list[str]


class LineTerms(NamedTuple):
    """
    The terms of a text, and the line that each stands in.

    Fields:
        words, pairs: as in `Terms`.
        word_lines, pair_lines: numbers of lines from 0, ascending.
    """

    words: list[str]
    pairs: list[str]
    word_lines: NDArray[np.intp]
    pair_lines: NDArray[np.intp]


def analyze(text: str, language: str | None) -> Terms:
    """
    Turn text as `plain_text` returns it into terms.

    A language (as `normalize_language` writes it) without stemmer or stop words goes without, and
    so does None. A pair reaches across function words ("talks in Istanbul"; one point of nDCG
    better than not), never across the end of a sentence or line, and scripts without spaces have
    none.
    """
    return Terms(*analyze_lines(text, language)[:2])


def analyze_lines(text: str, language: str | None) -> LineTerms:
    """The terms of a text as `analyze` finds them, with their lines."""
    # All lines at once: most lines are so short that a loop over them takes half of the time.
    terms = _pieces_read(text.replace("\n", _LINE_END_APART).split(" "), language)
    is_term = np.fromiter(map(_LINE_END.__lt__, terms), np.bool_, len(terms))
    is_line_end = np.fromiter(map(_LINE_END.__eq__, terms), np.bool_, len(terms))
    lines = np.cumsum(is_line_end, dtype=np.intp)
    begins_pair = is_term[:-1] & is_term[1:]
    befores = compress(terms, begins_pair.tolist())
    heres = compress(islice(terms, 1, None), begins_pair.tolist())
    return LineTerms(
        [*compress(terms, is_term.tolist())],
        [*map(" ".join, zip(befores, heres, strict=True))],
        lines[is_term],
        lines[:-1][begins_pair],
    )


def _pieces_read(pieces: list[str], language: str | None) -> list[str]:
    """
    The terms of all pieces, one after another.

    Sentence ends, and whatever else parts two words, are empty; line ends are `_LINE_END`.
    """
    known = _known.setdefault(language, {_LINE_END: (_LINE_END,)})
    # No token reaches across a blank: a text is read in pieces, and a known one not again.
    new = _read({*pieces}.difference(known), language)
    known.update((piece, read) for piece, read in new.items() if len(piece) <= _LONGEST_KNOWN)
    read: list[_Piece | None] = [*map(known.get, pieces)]
    if None in read:  # too long to be remembered
        read = [new.get(piece, terms) for piece, terms in zip(pieces, read, strict=True)]
    if len(known) > MAX_KNOWN_PIECES or len(_known) > MAX_KNOWN_LANGUAGES:
        _known.clear()  # other threads keep what they are at
    return [*chain.from_iterable(read)]  # type: ignore[arg-type]


def _read(pieces: Collection[str], language: str | None) -> dict[str, _Piece]:
    """Fold, tokenise and stem pieces of text, as if each were a line."""
    tokens = _TOKEN.findall(_fold("\n".join((*pieces, "")), language))
    stems, runs = _stems_and_runs(tokens, language)
    found: list[list[str]] = [[]]
    for word in tokens:
        if word == "\n":
            found.append([])
        elif word in _SENTENCE_ENDS:
            found[-1].append("")
        elif word in runs:
            found[-1] += chain.from_iterable(("", bigram) for bigram in (*runs[word], ""))
        elif stems[word]:
            found[-1].append(stems[word])
    return dict(zip(pieces, map(tuple, found), strict=False))  # and nothing after the last line


def _stems_and_runs(
    tokens: Iterable[str], language: str | None
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The stem of each word, empty for what is no term, and the bigrams of each unspaced run."""
    distinct = set(tokens) - _SENTENCE_ENDS
    runs = {token: _bigrams(token, language) for token in distinct if _is_unspaced(token)}
    distinct.difference_update(runs)
    return _stems(distinct, language), runs


def surfaces(text: str, language: str | None) -> dict[str, str]:
    """
    How each term that `analyze` finds is best shown to people: "kursk region" as "Kursk region",
    "talk istanbul" as "talks in Istanbul".

    Of several spellings the most frequent; then the shortest, the one in small letters, the first.
    """
    shown: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for found in occurrences(text, language):
        shown[found.term][found.shown] += 1
    return {term: _best(counted) for term, counted in shown.items()}


class Occurrence(NamedTuple):
    """
    A term where it stands.

    Fields:
        shown: how it is spelt there: `text[start:end]`.
        start: -1 where it is not in one piece, or its place is unknown.
    """

    term: str
    shown: str
    start: int
    end: int


def occurrences(text: str, language: str | None) -> Iterator[Occurrence]:
    """Every term that `analyze` finds, in the order of the text, with its place."""
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


def _best(shown: Counter[str]) -> str:
    return min(
        shown, key=lambda spelling: (-shown[spelling], len(spelling), spelling != spelling.lower())
    )


class _Spelling(NamedTuple):
    """A token as it is written: `text[start:end]`, unless *start* is -1, for an unknown place."""

    token: str
    shown: str
    start: int
    end: int

    def at(self, position: int) -> "_Spelling":
        if self.start < 0:
            return self
        return self._replace(start=self.start + position, end=self.end + position)


def _spellings(text: str, language: str | None) -> list[_Spelling]:
    """The tokens of the text. They are those of its pieces, for none reaches across white space."""
    known: dict[str, list[_Spelling]] = {}
    found: list[_Spelling] = []
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece not in known:
            known[piece] = _spellings_in(piece, language)
        found += [spelling.at(match.start()) for spelling in known[piece]]
    return found


def _spellings_in(piece: str, language: str | None) -> list[_Spelling]:
    tokens = _TOKEN.findall(_fold(piece, language))
    apart, places = _runs_apart(piece)
    spans = [match.span() for match in _TOKEN.finditer(apart)]
    if len(spans) == len(tokens):
        written = [apart[start:end] for start, end in spans]
        if [_fold(word, language).strip(" ") for word in written] == [t.strip(" ") for t in tokens]:
            return [
                _Spelling(token, word, places[start], places[end - 1] + 1)
                for token, word, (start, end) in zip(tokens, written, spans, strict=True)
            ]
    return [_Spelling(token, token, -1, -1) for token in tokens]


def _runs_apart(piece: str) -> tuple[str, Sequence[int]]:
    """Set runs without spaces apart as `_fold` does; and where each character comes from."""
    runs = [] if piece.isascii() else [match.span() for match in _UNSPACED_RUN.finditer(piece)]
    if not runs:
        return piece, range(len(piece))
    parts, places, position = [], list[int](), 0
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
    if run.start < 0 or run.token != run.shown:  # compatibility forms change their number
        yield from (Occurrence(bigram, bigram, -1, -1) for bigram in bigrams)
        return
    position, terms = run.start, frozenset(bigrams)
    for group in _groups(run.token):
        bigram = "".join(group)
        if bigram in terms:
            yield Occurrence(bigram, bigram, position, position + len(bigram))
        position += len(group[0])


def _fold(text: str, language: str | None) -> str:
    """Make one spelling of many: case, keyboards, digits; runs without spaces stand apart."""
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
    """Map each token to its stem, or to nothing if it is no term."""
    ignored = _folded_stop_words(language)
    kept = [t for t in tokens if 1 < len(t) <= _LONGEST_WORD and t not in ignored]
    words = [word if word.isalpha() else _without_points(word) for word in kept]
    stemmer = _stemmer(language)
    stems = stemmer.stemWords(words) if stemmer else words
    # Snowball's Tamil stems a few words to nothing.
    stems = [stem or word for stem, word in zip(stems, words, strict=True)]
    terms = dict.fromkeys(tokens, "")
    terms.update(zip(kept, stems, strict=True))
    return terms


def _without_points(token: str) -> str:
    """
    Join initials ("u.s" is "us"), thousands ("1,000" is "1000"), and letters with their number
    ("f-16s" and "f16s" are "f16"), but not 13.2 or v1.2.
    """
    model = _MODEL.fullmatch(token)
    if model:
        return model[1] + model[2]
    return token.replace(",", "") if token[-1].isdecimal() else token.replace(".", "")


def _is_unspaced(token: str) -> bool:
    return token[0] >= _FIRST_UNSPACED and _UNSPACED_RUN.match(token) is not None


def _bigrams(run: str, language: str | None) -> list[str]:
    """Return every two neighbouring characters, with their marks, but none of two particles."""
    particles = stop_words(language) if language in ("ja", "zh") else frozenset()
    return ["".join(group) for group in _groups(run) if not particles.issuperset(group)]


def _groups(run: str) -> Sequence[Sequence[str]]:
    # Only Thai and its neighbours have marks; \X takes ten times as long as list().
    characters = regex.findall(r"\X", run) if min(run) < _FIRST_CJK else list(run)
    return list(pairwise(characters)) or [characters]


@lru_cache(maxsize=64)
def _folded_stop_words(language: str | None) -> frozenset[str]:
    return frozenset(_fold(word, language) for word in stop_words(language))


class _Stemmers(threading.local):
    """One set for each thread: a Snowball stemmer keeps the word it works on in itself."""

    def __init__(self) -> None:
        self.by_algorithm: dict[str, Stemmer.Stemmer] = {}


_stemmers = _Stemmers()


def _stemmer(language: str | None) -> Stemmer.Stemmer | None:
    algorithm = _ALGORITHM_OF.get(language or "")
    if algorithm is None:
        return None
    if algorithm not in _stemmers.by_algorithm:
        # No cache: a text asks for each of its words once, and PyStemmer's gains nothing then.
        _stemmers.by_algorithm[algorithm] = Stemmer.Stemmer(algorithm, 0)
    return _stemmers.by_algorithm[algorithm]
