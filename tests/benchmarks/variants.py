"""
Our lists made otherwise than by default, to see what one part of the ranking is worth.

Weights of the model are changed as any site may: by another `RankingModel`. The others are no
settings: for them these scripts, and nothing else, change module constants while lists are made,
and count the articles' terms again where the constants go into the counts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from judged import PLACES, Runs
from numpy.typing import NDArray

from features import vectorizer
from features.boilerplate import Blocks
from recommender.evaluation import Archive, Protocol
from recommender.evaluation.protocol import Judged
from recommender.evaluation.systems import moment, through_time
from recommender.index.corpus import Corpus
from recommender.pipeline import fingerprints
from recommender.pipeline.recommender import Recommender
from recommender.policy.list_options import ListOptions, Mode
from recommender.policy.ranking_model import DEFAULTS, RankingModel, SignalWeights

Rebuild = Callable[[Archive], Archive]


class Variant(NamedTuple):
    """
    Fields:
        weights: of the model, where they differ.
        constants: owner, name and value of what is changed while lists are made.
        rebuild: gives the archive as it is indexed under these constants; None: as it is, in one
            index with the defaults.
    """

    weights: Mapping[str, float] = {}
    mode: Mode = "balanced"
    constants: Sequence[tuple[Any, str, Any]] = ()
    rebuild: Rebuild | None = None

    def model(self) -> RankingModel:
        weights = DEFAULTS.weights.model_dump() | dict(self.weights)
        return RankingModel(weights=SignalWeights(**weights))


def _count_again(archive: Archive) -> Archive:
    return replace(archive, features=[vectorizer.count_terms(a) for a in archive.articles])


def _count_without_tags(archive: Archive) -> Archive:
    untagged = [article.model_copy(update={"tags": ()}) for article in archive.articles]
    return replace(archive, features=[vectorizer.count_terms(article) for article in untagged])


def _forget_lines(archive: Archive) -> Archive:
    return replace(archive, features=[f._replace(blocks=Blocks.none()) for f in archive.features])


def _same(archive: Archive) -> Archive:
    return archive


def _never_opens(title: str, body: str) -> bool:
    return False


def _no_pairs(in_common: NDArray[np.int32]) -> NDArray[np.intp]:
    return np.empty((0, 2), np.intp)


def _two_word_weight(weight: float) -> Variant:
    return Variant(constants=[(vectorizer.tf_weights, "__defaults__", (weight,))], rebuild=_same)


def _constant(name: str, value: float, rebuild: Rebuild) -> Variant:
    return Variant(constants=[(vectorizer, name, value)], rebuild=rebuild)


DEFAULT = "the defaults"
ONE_PER_STORY = "one per story"
OPENING_TITLES = "no weight for titles that open the text"
LEFT_OUT = {
    "time": Variant({"time": 0}),
    "same author": Variant({"author": 0}),
    "same section": Variant({"section": 0}),
    "all three: the cosine alone": Variant({"time": 0, "author": 0, "section": 0}),
    ONE_PER_STORY: Variant(constants=[(fingerprints, "candidate_pairs", _no_pairs)]),
    "two-word terms": _two_word_weight(0.0),
    "title words as three": _constant("TITLE_WEIGHT", 1.0, _count_again),
    OPENING_TITLES: Variant(constants=[(vectorizer, "_opens", _never_opens)], rebuild=_count_again),
    "tags": Variant(rebuild=_count_without_tags),
    "boilerplate shield": Variant(rebuild=_forget_lines),
    "idf that fades": _constant("IDF_FADE", 1e15, _same),
}
MODES: Mapping[str, Mapping[str, Variant]] = {
    "publication": {"mode recent": Variant(mode="recent")},
    "all": {
        "mode background": Variant(mode="background"),
        "mode followup": Variant(mode="followup"),
    },
}

GRID: Mapping[str, Mapping[str, Variant]] = {
    "weight of time (2/3)": {
        "0": LEFT_OUT["time"],
        "1/3": Variant({"time": 1 / 3}),
        "1/2": Variant({"time": 0.5}),
        "4/5": Variant({"time": 0.8}),
        "9/10": Variant({"time": 0.9}),
    },
    "weight of section (.13)": {
        "0": LEFT_OUT["same section"],
        ".06": Variant({"section": 0.06}),
        ".25": Variant({"section": 0.25}),
        ".4": Variant({"section": 0.4}),
    },
    "tags as words of the body (1)": {
        "0": LEFT_OUT["tags"],
        "2": _constant("TAG_WEIGHT", 2.0, _count_again),
        "3": _constant("TAG_WEIGHT", 3.0, _count_again),
    },
    "weight of word pairs (.7)": {
        "0": LEFT_OUT["two-word terms"],
        ".35": _two_word_weight(0.35),
        ".5": _two_word_weight(0.5),
        "1": _two_word_weight(1.0),
    },
    "fading idf (10)": {
        "3": _constant("IDF_FADE", 3.0, _same),
        "30": _constant("IDF_FADE", 30.0, _same),
        "scikit-learn’s 1": LEFT_OUT["idf that fades"],
    },
}
"""Choice, with its default → other value → variant."""


def grid_variants() -> dict[str, Variant]:
    """By the names under which `run_variants` returns their lists."""
    return {grid_name(choice, value): v for choice, row in GRID.items() for value, v in row.items()}


def grid_name(choice: str, value: str) -> str:
    return f"{choice} = {value}"


def all_variants(label: str) -> dict[str, Variant]:
    """All that the tables need under the protocol called *label*."""
    left_out = {f"without: {name}": variant for name, variant in LEFT_OUT.items()}
    return {DEFAULT: Variant(), **left_out, **MODES[label], **grid_variants()}


def run_variants(
    archive: Archive, judged: Judged, protocol: Protocol, variants: Mapping[str, Variant]
) -> Runs:
    """The lists of every variant; those that need no index of their own share one."""
    shared = {name: variant for name, variant in variants.items() if variant.rebuild is None}
    runs = _run_together(archive, judged, protocol, shared)
    for name, variant in variants.items():
        if variant.rebuild is not None:
            with changed(variant):
                rebuilt = variant.rebuild(archive)
                runs |= _run_together(rebuilt, judged, protocol, {name: variant})
    return runs


def _run_together(
    archive: Archive, judged: Judged, protocol: Protocol, variants: Mapping[str, Variant]
) -> Runs:
    """As `ranked_by` makes them, but for several variants of one corpus in one go."""
    corpus = Corpus(archive.stored_articles)
    recommenders = {name: Recommender(corpus, v.model()) for name, v in variants.items()}
    runs: Runs = {name: {} for name in variants}
    for query in through_time(archive, judged, protocol, corpus):
        now = moment(archive, query, protocol)
        for name, variant in variants.items():
            options = ListOptions(limit=PLACES, mode=variant.mode)
            with changed(variant):
                articles = recommenders[name].related(query, options, now).by_id(corpus)
            runs[name][query] = [(i, article.score) for i, article in articles.items()]
    return runs


@contextmanager
def changed(variant: Variant) -> Iterator[None]:
    """The variant's constants have its values until the end of the block."""
    with ExitStack() as changes:
        for owner, name, value in variant.constants:
            changes.enter_context(_replaced(owner, name, value))
        yield


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
