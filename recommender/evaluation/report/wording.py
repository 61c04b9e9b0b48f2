"""Systems and measures in words, for readers who do not know information retrieval."""

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

from recommender.evaluation.intervals import Difference, Interval
from recommender.evaluation.measures import STORY

SYSTEM_NAMES = {"alsosee": "Also See"}

SYSTEM_WORDS = {
    "alsosee": "this product, as configured",
    "recent": "the newest articles: what most sites show",
    "random": "articles drawn at random",
    "same-section": "the newest of the story’s section",
    "popular-links": "the articles that most others link to",
    "bm25": "BM25, with the whole story as the query",
    "more-like-this": "Lucene’s More Like This: the story’s 25 most specific words",
    "tfidf": "scikit-learn’s TF-IDF with its defaults",
    "lsa": "latent semantic analysis, a hundred dimensions",
    "embedding": "a neural network’s sentence embeddings",
}


class MeasureWords(NamedTuple):
    """
    How to read a measure; `{k}` in *sentence* stands for its cutoff.

    Fields:
        better: `higher`, `lower`, or `neither` where it is a matter of editorial taste.
    """

    sentence: str
    better: Literal["higher", "lower", "neither"] = "higher"
    unit: Literal["share", "days", "number"] = "number"


MEASURE_WORDS = {
    "nDCG": MeasureWords(
        "How close the first {k} come to the ideal list, which starts with everything that editors"
        " linked: 1 is ideal, 0 means that none of it was found. A link from the story itself"
        " counts three times as much as a link that only leads to the story, and high places count"
        " more than low ones."
    ),
    "MAP": MeasureWords(
        "Mean average precision: the share of linked articles in the list down to each of them,"
        " averaged."
    ),
    "recall": MeasureWords(
        "Share of the linked articles that are among the first {k}.", unit="share"
    ),
    "precision": MeasureWords("Share of the first {k} that editors linked.", unit="share"),
    "MRR": MeasureWords(
        "One divided by the place of the first linked article, averaged: 1 means always the first"
        " place, 0.5 always the second."
    ),
    "hit": MeasureWords(
        "Share of stories with at least one linked article among the first {k}.", unit="share"
    ),
    "judged": MeasureWords(
        "Share of the first {k} that the truth has a grade for; the others may be just as good.",
        "neither",
        "share",
    ),
    "condensed-nDCG": MeasureWords(
        "nDCG@{k} without unjudged articles. Where nearly everything judged is a"
        " link, it says little more than whether any link was found."
    ),
    "diversity": MeasureWords(
        "How different the {k} are in wording: 0 is one text {k} times, 1 means that they share no"
        " word.",
        "neither",
    ),
    "near-duplicates": MeasureWords(
        "Share of the {k} places that repeat the story or an earlier place nearly word for word.",
        "lower",
        "share",
    ),
    "self": MeasureWords("Share of lists that hold the story itself; must be 0.", "lower", "share"),
    "language-purity": MeasureWords(
        "Share of the {k} places that are in the story’s language.", unit="share"
    ),
    "median-age-days": MeasureWords(
        "Median age of the {k} on the day of the story, averaged over stories.",
        "neither",
        "days",
    ),
    "under-48h": MeasureWords(
        "Share of the {k} places less than 48 hours older than the story.", "neither", "share"
    ),
    "under-7d": MeasureWords(
        "Share of the {k} places less than seven days older than the story.", "neither", "share"
    ),
    "coverage": MeasureWords(
        "Share of the archive that is in at least one of these lists.", unit="share"
    ),
    "gini": MeasureWords(
        "How unevenly the places are spread over the archive: 0 means all articles alike, 1 that"
        " one article has them all.",
        "lower",
    ),
    "section-calibration": MeasureWords(
        "How far the mix of sections in the lists is from that of the stories: 0 means the same"
        " mix, 1 no section in common.",
        "lower",
    ),
}

STORIES_COLLAPSED = (
    "of linked articles that tell one story in the same words one counts, whichever of them the"
    " list shows, and a second one takes a place without a gain."
)

GRADE_WORDS = {2: "linked by your editors", 1: "links to this story", 0: "judged not related"}
UNJUDGED = "not judged"


def system_name(system: str) -> str:
    return SYSTEM_NAMES.get(system, system)


def system_words(system: str) -> str:
    return SYSTEM_WORDS.get(system, "lists from a file")


def measure_words(measure: str) -> MeasureWords:
    """Of a measure with or without a cutoff, such as `nDCG@10`, or `story-nDCG@10`."""
    plain = measure.removeprefix(STORY)
    family, _, cutoff = plain.partition("@")
    words = MEASURE_WORDS.get(family, MeasureWords(""))
    sentence = words.sentence.format(k=cutoff)
    if plain != measure:
        sentence = f"{plain} with stories collapsed: {STORIES_COLLAPSED}"
    return words._replace(sentence=sentence)


def reading_guide(measures: Iterable[str]) -> list[tuple[str, MeasureWords]]:
    """How to read *measures*, each kind once: (`nDCG@5, nDCG@10`, words)."""
    kinds: dict[str, list[str]] = {}
    for measure in measures:
        kinds.setdefault(measure.partition("@")[0], []).append(measure)
    guide = []
    for kind, names in kinds.items():
        # Several cutoffs have one sentence, which says “k” in their place.
        named = names[0] if len(names) == 1 else f"{kind}@k"
        guide.append((", ".join(names), measure_words(named)))
    return guide


def grade_words(grade: int | None) -> str:
    """What a grade means; None is the grade of an unjudged article."""
    if grade is None:
        return UNJUDGED
    return GRADE_WORDS.get(grade, f"judged related, grade {grade}")


def figure(measure: str, value: float) -> str:
    """*value* as people read it: `76.2 %`, `397 d`, `0.615`; a dash for nan."""
    if not math.isfinite(value):
        return "–"
    unit = measure_words(measure).unit
    if unit == "share":
        return percent(value)
    return f"{value:,.1f} d" if unit == "days" else f"{value:.3f}"


def span_of(interval: Interval, measure: str, with_unit: bool = True) -> str:
    """The 95 % interval, or nothing where there is none."""
    if not math.isfinite(interval.low):
        return ""
    low = figure(measure, interval.low)
    high = figure(measure, interval.high)
    unit = ""
    for mark in ("\u202f%", " d"):
        if high.endswith(mark):
            unit = mark
    # The unit stands once, after the higher end.
    return f"{low.removesuffix(unit)}–{high if with_unit else high.removesuffix(unit)}"


def percent(share: float) -> str:
    if not math.isfinite(share):
        return "–"
    return f"{100 * share:.1f}\u202f%"


def signed(difference: float) -> str:
    # A hyphen is narrower than a plus sign; the minus sign is as wide.
    return f"{difference:+.3f}".replace("-", "−")


def days(count: float) -> str:
    """A length of time in a unit of a readable size."""
    if not math.isfinite(count):
        return "–"
    if count < 1 / 24:
        return "under an hour"
    for unit, size, most in (("hours", 1 / 24, 2.0), ("days", 1.0, 60.0), ("months", 30.44, 730.0)):
        if count < most:
            return f"{count / size:.0f} {unit}"
    return f"{count / 365.25:.1f} years"


def verdict(difference: Difference) -> str:
    """Whether the difference is statistically significant."""
    if difference.low > 0:
        return "more than chance explains"
    if difference.high < 0:
        return "less, and by more than chance explains"
    return "too close to call"


def out_of(share: float, total: int) -> str:
    """`57 of 100`, or of *total* where that is less."""
    whole = min(total, 100)
    return f"{share * whole:.0f} of {whole}"


def grouped(count: int) -> str:
    return f"{count:,}"


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
