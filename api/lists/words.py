"""The words of a box by language. The script knows the English ones, and asks for others."""

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
    "pt-pt": ("Leia também", "Ler mais"),
    "it": ("Leggi anche", "Leggi"),
}
# Tags of pages in traditional characters.
_TRADITIONAL = re.compile(r"zh[-_](?:hant|tw|hk|mo)(?![a-z0-9])", re.IGNORECASE)
RIGHT_TO_LEFT = ("ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi")
# Language, script and region: the parts of a language tag that change how a date is written.
_LOCALE = re.compile(r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(?![^-])", re.IGNORECASE)


class BoxWords(NamedTuple):
    """
    The words of one box.

    Fields:
        language: of the words; English if there are none in the requested language.
        locale: how browsers write dates beside these words.
        heading: what stands over a box.
        more: the link under a card.
    """

    language: str
    locale: str
    heading: str
    more: str


def box_words(tag: str | None) -> BoxWords:
    """The words for a page or an article in the language *tag*, such as `de` or `pt-BR`."""
    tag = (tag or "").replace("_", "-")
    language = _known_language(tag)
    heading, more = WORDS[language or "en"]
    return BoxWords(language or "en", _locale(tag, language), heading, more)


def _known_language(tag: str) -> str | None:
    """The longest beginning of *tag* that has words."""
    if _TRADITIONAL.match(tag):
        return TRADITIONAL_CHINESE
    subtags = tag.lower().split("-")
    for count in range(len(subtags), 0, -1):
        language = "-".join(subtags[:count])
        if language in WORDS:
            return language
    return None


def _locale(tag: str, language: str | None) -> str:
    match = _LOCALE.match(tag)
    if language is None or tag.lower() == "en":
        return "en-GB"  # the day before the month, as in most of the world
    return match[0] if match else language
