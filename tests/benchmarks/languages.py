"""
How often the language of an article is detected rightly, with and without what its site publishes.

    .venv/bin/python tests/benchmarks/languages.py [FOLDER] [--write]

Each site of the table publishes in one language; its own articles are of that language, and strays
are of others. Every text is read whole, by its first twelve words, and by its first three.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from documents import ROOT, arguments, write

from features.language import NO_MIX, LanguageMix, detect_language, normalize_language
from recommender.sources.files import ArticleFile

DOCUMENT = ROOT / "docs/ARCHIVES.md"
CORPORA = ("multilingual-news", "udhr-parallel", "izquierda-es")
SITES = ("en", "fr", "es", "ur", "de", "uk")
OWN, STRAYS = 60, 15  # articles of each language
# The model knows none of these.
UNKNOWN = {"ha", "yo", "ig", "sn", "om", "rn", "pcm", "ti", "xh", "lg", "ln", "ckb", "ug", "am"}
WORDS = {"whole text": None, "twelve words": 12, "three words": 3}
MIXES: dict[str, Callable[[str], LanguageMix]] = {
    "the text alone": lambda language: NO_MIX,
    "and what the site publishes": lambda language: LanguageMix.of([language] * 300),
    "and the site's main language": lambda language: LanguageMix(main=language),
}


class Text(NamedTuple):
    language: str
    text: str


def main() -> None:
    given = arguments(DOCUMENT)
    table = _table(_by_language(given.folder))
    print(table)
    if given.write:
        write(DOCUMENT, "languages", table)


def _by_language(folder: Path) -> dict[str, list[str]]:
    texts = defaultdict(list)
    for name in CORPORA:
        with ArticleFile(str(folder / f"{name}.jsonl.gz")) as file:
            for record in file.records():
                data = cast("dict[str, Any]", record.data)
                code = normalize_language(data["language"]) or data["language"]
                texts[code].append(f"{data['title']}\n{data['body']}")
    shuffle = random.Random(1).shuffle
    for found in texts.values():
        shuffle(found)
    return {code: found for code, found in sorted(texts.items()) if code not in UNKNOWN}


def _table(texts: dict[str, list[str]]) -> str:
    lines = ["| | read by | own: right | none | wrong | strays: right | as own | none |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for length, words in WORDS.items():
        for name, mix_of in MIXES.items():
            own, strays = Counter[str](), Counter[str]()
            for site in SITES:
                mix = mix_of(site)
                for text in _sent(texts, site):
                    found = detect_language(_shortened(text.text, words), mix)
                    counter = own if text.language == site else strays
                    counter[_outcome(found, text.language, site)] += 1
            cells = [
                *_shares(own, "right", "none", "wrong"),
                *_shares(strays, "right", "as own", "none"),
            ]
            lines.append(f"| {length} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _sent(texts: dict[str, list[str]], site: str) -> Iterator[Text]:
    for language, found in texts.items():
        for text in found[: OWN if language == site else STRAYS]:
            yield Text(language, text)


def _shortened(text: str, words: int | None) -> str:
    return text if words is None else " ".join(text.split()[:words])


def _outcome(found: str | None, language: str, site: str) -> str:
    if found is None:
        return "none"
    if found == language:
        return "right"
    return "as own" if found == site else "wrong"


def _shares(counter: Counter[str], *outcomes: str) -> list[str]:
    return [f"{100 * counter[outcome] / counter.total():.1f} %" for outcome in outcomes]


if __name__ == "__main__":
    main()
