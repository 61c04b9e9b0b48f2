"""The words of a box in the languages of its readers; `widget.js` has the same."""

import re
from typing import NamedTuple

from features.language import TRADITIONAL_CHINESE

# The heading of a box, and the link under a card.
WORDS = {
    "ar": ("اقرأ أيضًا", "اقرأ"),
    "fa": ("همچنین بخوانید", "بخوانید"),
    "ur": ("یہ بھی پڑھیں", "پڑھیں"),
    "he": ("קראו גם", "קראו"),
    "hi": ("यह भी पढ़ें", "पढ़ें"),
    "bn": ("আরও পড়ুন", "পড়ুন"),
    "ja": ("こちらも読む", "続きを読む"),
    "zh": ("延伸阅读", "阅读"),
    "zh-hant": ("延伸閱讀", "閱讀"),
    "ko": ("함께 읽기", "읽기"),
    "ru": ("Читайте также", "Читать"),
    "uk": ("Читайте також", "Читати"),
    "pl": ("Czytaj także", "Czytaj"),
    "tr": ("Bunu da oku", "Oku"),
    "de": ("Lesen Sie auch", "Lesen"),
    "nl": ("Lees ook", "Lees meer"),
    "en": ("Also See", "Read More"),
    "fr": ("Lire aussi", "Lire"),
    "es": ("Leer también", "Leer más"),
    "pt": ("Leia também", "Leia mais"),
    "it": ("Leggi anche", "Leggi"),
}
# Tags of pages in traditional characters.
_TRADITIONAL = re.compile(r"zh[-_](?:hant|tw|hk|mo)(?![a-z0-9])", re.IGNORECASE)
RIGHT_TO_LEFT = ("ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi")


class BoxWords(NamedTuple):
    """
    The words of one box.

    Fields:
        language: of the words; English if there are none in the requested language.
        more: the link under a card.
    """

    language: str
    heading: str
    more: str


def box_words(language: str | None) -> BoxWords:
    if language and _TRADITIONAL.match(language):
        language = TRADITIONAL_CHINESE
    known = language if language in WORDS else "en"
    heading, more = WORDS[known]
    return BoxWords(known, heading, more)
