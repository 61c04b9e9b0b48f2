"""Articles to measure with: the corpora beside the repository, or made-up ones for anybody."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
REAL = ("current-events-2025", "opensuse-news", "enwiki-passages")
SEED = 2025


class Corpus(NamedTuple):
    name: str
    file: Path


def corpora(folder: Path, synthetic_articles: int | None) -> list[Corpus]:
    """The corpora of `REAL` that are there; without any, or if a size is given, a synthetic one."""
    found = [Corpus(name, DATA / f"{name}.jsonl.gz") for name in REAL]
    found = [corpus for corpus in found if corpus.file.exists()]
    if found and synthetic_articles is None:
        return found
    articles = synthetic_articles or 20_000
    file = folder / f"synthetic-{articles}.jsonl.gz"
    with gzip.open(file, "wb", compresslevel=1) as lines:
        for article in zipf_articles(articles):
            lines.write(orjson.dumps(article) + b"\n")
    return [Corpus(f"synthetic-{articles}", file)]


def zipf_articles(articles: int, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """
    Stories of about 110 made-up words, distributed as words of a language are.

    Each belongs to one of many running stories and takes a quarter of its words from the 40 that
    these have for themselves, so that every list has something to find.
    """
    rng = np.random.default_rng(seed)
    vocabulary = _words(rng, 60_000)
    weights = 1.0 / np.arange(2, vocabulary.size + 2)  # Zipf's law, a little flat at the top
    chances = np.cumsum(weights / weights.sum())
    stories = rng.integers(200, vocabulary.size, (max(1, articles // 12), 40))
    first_day = np.datetime64("2015-01-01")
    for number in range(articles):
        story = stories[rng.integers(len(stories))]
        length = int(rng.lognormal(4.6, 0.5)) + 20
        places = np.searchsorted(chances, rng.random(length))
        told = rng.random(length) < 0.25
        places[told] = rng.choice(story, told.sum())
        words = vocabulary[np.minimum(places, vocabulary.size - 1)].tolist()
        yield {
            "id": f"story-{number}",
            "title": " ".join(words[:8]).capitalize(),
            "body": ". ".join(
                " ".join(words[i : i + 15]).capitalize() for i in range(8, length, 15)
            ),
            "url": f"https://news.example/{number}",
            "published_at": str(first_day + number * 3650 // articles),
            "section": f"Section {story[0] % 12}",
            "tags": [str(vocabulary[place]) for place in story[:3]],
            "language": "en",
        }


def _words(rng: np.random.Generator, count: int) -> np.ndarray[Any, Any]:
    consonants, vowels = list("bcdfghjklmnprstvwz"), list("aeiou")
    syllables = np.array([c + v for c in consonants for v in vowels])
    sizes = rng.integers(2, 5, 2 * count)
    words = dict.fromkeys("".join(rng.choice(syllables, size)) for size in sizes)
    return np.array(list(words)[:count])
