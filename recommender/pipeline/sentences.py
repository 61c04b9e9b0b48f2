"""The text of a reason, in the languages of `api.lists.words`: what two articles are both about."""

from collections.abc import Sequence
from typing import NamedTuple

import regex

NAMED = 3  # subjects in a sentence


class Phrases(NamedTuple):
    """
    The phrases of one language.

    Where nouns take endings for case, the subjects follow a colon, in the case in which they are
    cited. Where the phrase has a noun for them, it agrees with their number.

    Fields:
        one: about one subject.
        several: about two or three.
        comma: between all subjects but the last two.
        conjunction: between the last two.
        similar … other_language: by the code of a `Reason`, its text without subjects.
    """

    one: str
    several: str
    comma: str
    conjunction: str
    similar: str
    pinned: str
    relaxed: str
    same_section: str
    recent: str
    other_language: str


PHRASES = {
    "ar": Phrases(
        "كلاهما عن {}", "كلاهما عن {}", "، ", " و",
        "عن الموضوع نفسه", "من اختيار المحررين", "ذو صلة بعيدة", "جديد في القسم نفسه", "جديد",
        "جديد، بلغة أخرى",
    ),
    "fa": Phrases(
        "هر دو دربارهٔ {}", "هر دو دربارهٔ {}", "، ", " و ",
        "دربارهٔ همین موضوع", "انتخاب سردبیران", "کمی مرتبط", "تازه در همین بخش", "تازه",
        "تازه، به زبانی دیگر",
    ),
    "ur": Phrases(
        "دونوں کا موضوع: {}", "دونوں کے موضوعات: {}", "، ", " اور ",
        "اسی موضوع پر", "مدیران کا انتخاب", "کچھ حد تک متعلقہ", "اسی شعبے سے تازہ", "تازہ",
        "تازہ، دوسری زبان میں",
    ),
    "he": Phrases(
        "שתי הכתבות על {}", "שתי הכתבות על {}", ", ", " ו",
        "באותו נושא", "בחירת העורכים", "קשור באופן רופף", "חדש באותו מדור", "חדש",
        "חדש, בשפה אחרת",
    ),
    "hi": Phrases(
        "दोनों का विषय: {}", "दोनों के विषय: {}", ", ", " और ",
        "इसी विषय पर", "संपादकों की पसंद", "कुछ हद तक संबंधित", "इसी खंड से ताज़ा", "ताज़ा",
        "ताज़ा, दूसरी भाषा में",
    ),
    "bn": Phrases(
        "দুটিরই বিষয়: {}", "দুটিরই বিষয়: {}", ", ", " ও ",
        "একই বিষয়ে", "সম্পাদকদের পছন্দ", "কিছুটা সম্পর্কিত", "একই বিভাগে সাম্প্রতিক", "সাম্প্রতিক",
        "সাম্প্রতিক, অন্য ভাষায়",
    ),
    "ja": Phrases(
        "どちらも{}について", "どちらも{}について", "、", "と",
        "同じ話題", "編集部の選択", "ゆるやかに関連", "同じセクションの新着", "新着",
        "新着（別の言語）",
    ),
    "zh": Phrases(
        "两篇都关于{}", "两篇都关于{}", "、", "和",
        "同一主题", "编辑推荐", "略有关联", "同一栏目的新文章", "新文章",
        "新文章（其他语言）",
    ),
    "zh-hant": Phrases(
        "兩篇都關於{}", "兩篇都關於{}", "、", "和",
        "同一主題", "編輯推薦", "略有關聯", "同一欄目的新文章", "新文章",
        "新文章（其他語言）",
    ),
    "ko": Phrases(
        "둘 다 {} 관련", "둘 다 {} 관련", ", ", ", ",
        "같은 주제", "편집자 선정", "어느 정도 관련", "같은 섹션의 최신 기사", "최신 기사",
        "최신 기사 (다른 언어)",
    ),
    "ru": Phrases(
        "Общая тема: {}", "Общие темы: {}", ", ", " и ",
        "На ту же тему", "Выбор редакции", "Отчасти по теме", "Новое в том же разделе", "Новое",
        "Новое на другом языке",
    ),
    "uk": Phrases(
        "Спільна тема: {}", "Спільні теми: {}", ", ", " та ",
        "На ту саму тему", "Вибір редакції", "Почасти за темою", "Нове в тому ж розділі", "Нове",
        "Нове іншою мовою",
    ),
    "pl": Phrases(
        "Wspólny temat: {}", "Wspólne tematy: {}", ", ", " i ",
        "Na ten sam temat", "Wybór redakcji", "Luźno powiązane", "Nowe w tym samym dziale", "Nowe",
        "Nowe, w innym języku",
    ),
    "tr": Phrases(
        "İkisi de {} hakkında", "İkisi de {} hakkında", ", ", " ve ",
        "Aynı konuda", "Editörlerin seçimi", "Kısmen ilgili", "Aynı bölümden yeni", "Yeni",
        "Yeni, başka bir dilde",
    ),
    "de": Phrases(
        "Gemeinsames Thema: {}", "Gemeinsame Themen: {}", ", ", " und ",
        "Zum selben Thema", "Von der Redaktion gewählt", "Entfernt verwandt",
        "Neu im selben Ressort", "Neu",
        "Neu, in einer anderen Sprache",
    ),
    "nl": Phrases(
        "Beide over {}", "Beide over {}", ", ", " en ",
        "Over hetzelfde onderwerp", "Gekozen door de redactie", "Zijdelings verwant",
        "Nieuw in dezelfde rubriek", "Nieuw",
        "Nieuw, in een andere taal",
    ),
    "en": Phrases(
        "Both about {}", "Both about {}", ", ", " and ",
        "About the same subject", "Chosen by the editors", "Loosely related",
        "Recent in the same section", "Recent",
        "Recent, in another language",
    ),
    "fr": Phrases(
        "Les deux concernent {}", "Les deux concernent {}", ", ", " et ",
        "Sur le même sujet", "Choisi par la rédaction", "Lien plus lointain",
        "Récent dans la même rubrique", "Récent",
        "Récent, dans une autre langue",
    ),
    "es": Phrases(
        "Ambos tratan sobre {}", "Ambos tratan sobre {}", ", ", " y ",
        "Sobre el mismo tema", "Elegido por la redacción", "Relacionado de lejos",
        "Reciente en la misma sección", "Reciente",
        "Reciente, en otro idioma",
    ),
    "pt": Phrases(
        "Ambos abordam {}", "Ambos abordam {}", ", ", " e ",
        "Sobre o mesmo tema", "Escolhido pela redação", "Relacionado de longe",
        "Recente na mesma seção", "Recente",
        "Recente, em outro idioma",
    ),
    "it": Phrases(
        "Entrambi riguardano {}", "Entrambi riguardano {}", ", ", " e ",
        "Sullo stesso tema", "Scelto dalla redazione", "Collegato alla lontana",
        "Recente nella stessa sezione", "Recente",
        "Recente, in un’altra lingua",
    ),
}  # fmt: skip

_SOUNDS_LIKE_Y = regex.compile(r"[ií]|h[ií](?![aáeéoóu])", regex.IGNORECASE)
_HEBREW = regex.compile(r"\p{Hebrew}")


def reason_text(code: str, language: str | None, subjects: Sequence[str] = ()) -> str:
    """
    The text of a reason; in English for a language without phrases.

    Args:
        code: a `Reason`.
        language: of the article that the list belongs to.
        subjects: what both articles are about, best first; those after the third are left out.
    """
    spoken = language if language in PHRASES else "en"
    phrases = PHRASES[spoken]
    # For other reasons the shared subjects are not why the article is in the list.
    if not subjects or code not in ("similar", "relaxed"):
        text: str = getattr(phrases, code)
        return text
    named = subjects[:NAMED]
    template = phrases.one if len(named) == 1 else phrases.several
    return template.format(_joined(named, spoken, phrases))


def _joined(subjects: Sequence[str], language: str, phrases: Phrases) -> str:
    *others, last = subjects
    if not others:
        return last
    return phrases.comma.join(others) + _conjunction(language, phrases, last) + last


def _conjunction(language: str, phrases: Phrases, following: str) -> str:
    """Spanish "y" before the same sound is "e"; Hebrew "ו" takes a hyphen before other scripts."""
    if language == "es" and _SOUNDS_LIKE_Y.match(following):
        return " e "
    if language == "he" and not _HEBREW.match(following):
        return phrases.conjunction + "-"
    return phrases.conjunction
