"""
Normalise the spelling of words in the scripts of India.

Newspapers write one word in several ways: हिन्दी and हिंदी, सड़क and सडक, चाँद and चांद. As Lucene's
HindiNormalizer and the Indic NLP Library do (L. Larkey et al., "Hindi CLIR in thirty days", 2003;
A. Kunchukuttan, "The IndicNLP Library", 2020), nasals before a consonant of their own class become
anusvara, candrabindu becomes anusvara, and the nukta goes. Unlike Lucene's, long vowels stay long.
The library itself has been unmaintained since 2023.
"""

import re
import unicodedata

# Unicode has these scripts in blocks of one layout, from ISCII: Devanagari, Bengali, Gurmukhi,
# Gujarati, Oriya, Telugu, Kannada.
_BLOCKS = (0x900, 0x980, 0xA00, 0xA80, 0xB00, 0xC00, 0xC80)
_CANDRABINDU = 0x01
_ANUSVARA = 0x02
_NUKTA = 0x3C
_VIRAMA = 0x4D
# Each class of consonants: velar, palatal, retroflex, dental, labial. Its last letter is its nasal.
_CLASSES = (range(0x15, 0x1A), range(0x1A, 0x1F), range(0x1F, 0x24), range(0x24, 0x29),
            range(0x2A, 0x2F))  # fmt: skip

INDIC = re.compile("[\u0900-\u0d7f]")

_MARKS: dict[int, int | str | None] = {}
for _block in _BLOCKS:
    _MARKS[_block + _CANDRABINDU] = _block + _ANUSVARA
    _MARKS[_block + _NUKTA] = None
_MARKS[0x0A70] = 0x0A02  # Gurmukhi's tippi
# Letters with a nukta as one character, such as क़ and ড়.
for _letter in range(0x900, 0xC00):
    _parts = [int(part, 16) for part in unicodedata.decomposition(chr(_letter)).split()]
    if len(_parts) == 2 and _parts[1] & 0x7F == _NUKTA:
        _MARKS[_letter] = _parts[0]
# The chillus of Malayalam, which older texts write as a letter, a virama and a joiner.
_MARKS |= {
    0x0D7A: "\u0d23\u0d4d", 0x0D7B: "\u0d28\u0d4d", 0x0D7C: "\u0d30\u0d4d",
    0x0D7D: "\u0d32\u0d4d", 0x0D7E: "\u0d33\u0d4d", 0x0D7F: "\u0d15\u0d4d",
}  # fmt: skip


def _nasals() -> str:
    """A nasal and virama before a consonant of its class, in each script."""
    alternatives = []
    for block in _BLOCKS:
        for consonants in _CLASSES:
            letters = "".join(chr(block + place) for place in consonants)
            alternatives.append(f"{letters[-1]}{chr(block + _VIRAMA)}(?=[{letters}])")
    return "|".join(alternatives)


_NASAL = re.compile(_nasals())


def normalize_indic(text: str) -> str:
    """Normalise a text, which has no joiners, as described above."""
    return _NASAL.sub(_anusvara, text.translate(_MARKS))


def _anusvara(nasal: re.Match[str]) -> str:
    block = ord(nasal[0][0]) & ~0x7F
    return chr(block + _ANUSVARA)
