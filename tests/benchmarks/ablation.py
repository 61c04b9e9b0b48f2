"""
The tables of docs/RELEVANCE.md: what each ingredient of the ranking is worth on every corpus.

    OMP_NUM_THREADS=1 .venv/bin/python tests/benchmarks/ablation.py [FOLDER] [--embedding] [--write]

FOLDER holds `NAME.jsonl.gz` and `NAME.truth.jsonl` and is `../shared/data` unless given. What
needs a corpus that is not there is left out.

Weights of the model are switched off as anybody may: by another `RankingModel`. The others are no
settings: for them this script, and nothing else, changes module constants while it measures, and
counts the articles' terms anew where those go into the counts.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import orjson
from documents import ROOT, arguments, write
from numpy.typing import NDArray

from features import vectorizer
from features.boilerplate import Blocks
from recommender.evaluation import Archive, Evaluation, Protocol, evaluate, read_archive, read_truth
from recommender.evaluation.baselines import Scorer
from recommender.evaluation.embedding import embedding
from recommender.evaluation.intervals import Bootstrap, Difference
from recommender.evaluation.measures import LIST_MEASURES, Values, per_query
from recommender.evaluation.protocol import Judged
from recommender.evaluation.systems import (
    System,
    baseline,
    cards_of,
    given_run,
    moment,
    through_time,
)
from recommender.evaluation.trec import Run
from recommender.index.corpus import Corpus
from recommender.pipeline import fingerprints
from recommender.pipeline.recommender import Recommender
from recommender.policy.list_options import ListOptions
from recommender.policy.option_types import Mode
from recommender.policy.ranking_model import DEFAULTS, RankingModel, SignalWeights
from recommender.sources.files import ArticleFile
from recommender.sources.records import Record

DOCUMENT = ROOT / "docs/RELEVANCE.md"
BOTH = {"publication": Protocol(), "all": Protocol(as_of="all")}
PROTOCOLS = {
    "opensuse-news": BOTH,
    "18f-blog": BOTH,
    "izquierda-es": BOTH,
    "current-events-2025": {label: replace(one, queries=600) for label, one in BOTH.items()},
    "lee50": {"all": BOTH["all"]},  # it has no dates
}
PLAIN = ("bm25", "more-like-this", "tfidf")
MEASURE = "nDCG@10"
PLACES = 10
MIX_SIZE = 2_000
SHOWN = ListOptions(limit=5)


class Variant(NamedTuple):
    """
    Our lists, made otherwise than by default.

    Fields:
        weights: of the model, where they differ.
        constants: owner, name and value of what is changed while lists are made.
        rebuilt: gives the same archive, counted with those constants; None counts nothing anew.
    """

    weights: Mapping[str, float] = {}
    mode: Mode = "balanced"
    constants: Sequence[tuple[Any, str, Any]] = ()
    rebuilt: Callable[[Archive], Archive] | None = None


def _recounted(archive: Archive) -> Archive:
    return replace(archive, features=[vectorizer.count_terms(a) for a in archive.articles])


def _without_lines(archive: Archive) -> Archive:
    return replace(archive, features=[f._replace(blocks=Blocks.none()) for f in archive.features])


def _as_it_is(archive: Archive) -> Archive:
    return archive


def _nobody(in_common: NDArray[np.int32]) -> NDArray[np.intp]:
    return np.empty((0, 2), np.intp)


DEFAULT = "the defaults"
ONE_PER_STORY = "one per story"
LEFT_OUT = {
    "time": Variant({"time": 0}),
    "same author": Variant({"author": 0}),
    "same section": Variant({"section": 0}),
    "all three: the cosine alone": Variant({"time": 0, "author": 0, "section": 0}),
    ONE_PER_STORY: Variant(constants=[(fingerprints, "candidate_pairs", _nobody)]),
    "two-word terms": Variant(
        constants=[(vectorizer.tf_weights, "__defaults__", (0.0,))], rebuilt=_as_it_is
    ),
    "title words as three": Variant(
        constants=[(vectorizer, "TITLE_WEIGHT", 1.0)], rebuilt=_recounted
    ),
    "tags": Variant(constants=[(vectorizer, "TAG_WEIGHT", 0.0)], rebuilt=_recounted),
    "boilerplate shield": Variant(rebuilt=_without_lines),
    "idf that fades": Variant(constants=[(vectorizer, "IDF_FADE", 1e15)], rebuilt=_as_it_is),
}
MODES: dict[str, dict[str, Variant]] = {
    "publication": {"recent": Variant(mode="recent")},
    "all": {"background": Variant(mode="background"), "followup": Variant(mode="followup")},
}


def main() -> None:
    given = arguments(DOCUMENT)
    measured = {
        name: _measured(given.folder, name, given.embedding)
        for name in PROTOCOLS
        if (given.folder / f"{name}.jsonl.gz").exists()
    }
    if not measured:
        sys.exit(f"{given.folder} holds none of: {', '.join(PROTOCOLS)}")
    tables = {
        "bar": _bar_table(measured),
        "table": _ablation_tables(measured),
        "modes": _modes_table(measured),
        "lists": _lists_table(given.folder),
        "plugin": _plugin_table(given.folder),
    }
    for name, table in tables.items():
        print(f"\n{name}\n\n{table}")
        if given.write:
            write(DOCUMENT, name, table)


def _say(what: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", file=sys.stderr, flush=True)


# What is measured


Runs = dict[str, Run]


class Asked(NamedTuple):
    """
    One corpus by one protocol.

    Fields:
        found: the plain systems.
        runs: variant → its lists.
    """

    found: Evaluation
    runs: Runs

    def values(self, variant: str, measure: str = MEASURE) -> Values:
        return per_query(measure, self.found.archive, self.found.judged, self.runs[variant])

    def mean(self, variant: str) -> float:
        return float(self.values(variant).mean())

    def change(self, variant: str) -> Difference:
        """By how much the measure differs from that of the defaults."""
        return self.found.bootstrap.difference(self.values(variant), self.values(DEFAULT))

    def above(self, system: str) -> Difference:
        """By how much the defaults are above a plain system."""
        theirs = self.found.systems[system].values[MEASURE]
        return self.found.bootstrap.difference(self.values(DEFAULT), theirs)


def _measured(folder: Path, name: str, with_embedding: bool) -> dict[str, Asked]:
    """By protocol."""
    archive, truth = _archive(folder, name), read_truth(folder / f"{name}.truth.jsonl")
    systems = [*PLAIN, "lsa", *(["embedding"] if with_embedding else [])]
    more = {"embedding": _encoded_once()}
    asked = {}
    for label, protocol in PROTOCOLS[name].items():
        _say(f"{name}, {label}")
        found = evaluate(archive, truth, systems, [MEASURE], protocol, more)
        asked[label] = Asked(found, _runs(found, MODES[label]))
    return asked


def _archive(folder: Path, name: str) -> Archive:
    with ArticleFile(str(folder / f"{name}.jsonl.gz")) as file:
        return read_archive(file.records())


def _encoded_once() -> System:
    """The system `embedding`, which would encode the archive for each protocol."""
    made: list[Scorer] = []

    def build(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
        made[:] = made or [embedding()(archive, judged, protocol)]
        return made[0]

    return baseline(build)


def _runs(found: Evaluation, modes: Mapping[str, Variant]) -> Runs:
    """The lists of the defaults and of every variant."""
    variants = {DEFAULT: Variant(), **LEFT_OUT, **modes}
    as_stored = {n: v for n, v in variants.items() if v.rebuilt is None}
    runs = _lists_through_time(found, found.archive, as_stored)
    for name, variant in variants.items():
        if variant.rebuilt is not None:
            with _changed(variant):
                archive = variant.rebuilt(found.archive)
                runs |= _lists_through_time(found, archive, {name: variant})
    return runs


def _lists_through_time(
    found: Evaluation, archive: Archive, variants: Mapping[str, Variant]
) -> Runs:
    """As `ranked_by` makes them, but for several variants of one corpus in one go."""
    corpus = Corpus(archive.stored_articles)
    cards = cards_of(archive)
    recommenders = {n: Recommender(corpus, cards, _model(v)) for n, v in variants.items()}
    runs: Runs = {name: {} for name in variants}
    for query in through_time(archive, found.judged, found.protocol, corpus):
        now = moment(archive, query, found.protocol)
        for name, variant in variants.items():
            options = ListOptions(limit=PLACES, mode=variant.mode)
            with _changed(variant):
                items = recommenders[name].related(query, options, now).items
            runs[name][query] = [(item.card["id"], item.score) for item in items]
    return runs


def _model(variant: Variant) -> RankingModel:
    weights = DEFAULTS.weights.model_dump() | dict(variant.weights)
    return RankingModel(weights=SignalWeights(**weights))


@contextmanager
def _changed(variant: Variant) -> Iterator[None]:
    with ExitStack() as changes:
        for owner, name, value in variant.constants:
            changes.enter_context(_instead(owner, name, value))
        yield


@contextmanager
def _instead(owner: Any, name: str, value: Any) -> Iterator[None]:
    """The attribute is *value* until the end of the block."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


# Tables


def _bar_table(measured: Mapping[str, Mapping[str, Asked]]) -> str:
    lines = [
        "| corpus | queries | `alsosee` | best of `bm25`, `more-like-this`, `tfidf` | times"
        " | difference | `lsa` | difference | `embedding` | difference |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, corpus in measured.items():
        for label, asked in corpus.items():
            found, ours = asked.found, asked.mean(DEFAULT)
            means = {s: found.interval(s, MEASURE).mean for s in found.systems}
            best = max(PLAIN, key=means.__getitem__)
            cells = [
                f"{name}, {label}",
                str(len(found.judged.qrels)),
                f"**{_number(ours)}**",
                f"{_number(means[best])} `{best}`",
                f"{ours / means[best]:.2f}",
                _signed(asked.above(best)),
            ]
            for other in ("lsa", "embedding"):
                there = other in means
                cells += [_number(means[other]) if there else ""]
                cells += [_signed(asked.above(other)) if there else ""]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ablation_tables(measured: Mapping[str, Mapping[str, Asked]]) -> str:
    return "\n\n".join(
        [
            "As of publication (lee50 has no dates):",
            _ablation_table({n: c.get("publication", c["all"]) for n, c in measured.items()}),
            "The whole archive answers:",
            _ablation_table({n: c["all"] for n, c in measured.items()}),
        ]
    )


def _ablation_table(measured: Mapping[str, Asked]) -> str:
    means = (f"**{_number(asked.mean(DEFAULT))}**" for asked in measured.values())
    lines = [
        f"| | {' | '.join(measured)} |",
        f"|---|{'---|' * len(measured)}",
        f"| {DEFAULT} | {' | '.join(means)} |",
    ]
    for name in LEFT_OUT:
        cells = (_signed(asked.change(name)) for asked in measured.values())
        lines.append(f"| without: {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _modes_table(measured: Mapping[str, Mapping[str, Asked]]) -> str:
    dated = {n: _modes(c["all"], c["publication"]) for n, c in measured.items() if len(c) > 1}
    lines = [f"| | {' | '.join(dated)} |", f"|---|{'---|' * len(dated)}"]
    rows = next(iter(dated.values()), {})
    lines += [f"| {row} | {' | '.join(m[row] for m in dated.values())} |" for row in rows]
    return "\n".join(lines)


def _modes(all_: Asked, publication: Asked) -> dict[str, str]:
    ages, young = (
        [float(np.nanmean(publication.values(v, measure))) for v in (DEFAULT, "recent")]
        for measure in ("median-age-days@5", "under-7d@5")
    )
    return {
        "links to older articles: `balanced` → `background`": _one_sided(all_, "background", False),
        "links to newer articles: `balanced` → `followup`": _one_sided(all_, "followup", True),
        "all links, as of publication: `balanced` → `recent`": (
            f"{_number(publication.mean(DEFAULT))} → {_number(publication.mean('recent'))},"
            f" {_signed(publication.change('recent'))}"
        ),
        "median age of the first five, days": f"{ages[0]:.0f} → {ages[1]:.0f}",
        "of the first five not older than a week": f"{100 * young[0]:.0f} → {100 * young[1]:.0f} %",
    }


def _one_sided(asked: Asked, mode: str, newer: bool) -> str:
    """What a mode is worth on the links to newer or to older articles alone."""
    archive = asked.found.archive
    dates, place = archive.published, archive.place
    qrels = {
        q: {a: g for a, g in judged.items() if (dates[place[a]] > dates[place[q]]) == newer}
        for q, judged in asked.found.judged.qrels.items()
    }
    judged = Judged({q: answers for q, answers in qrels.items() if any(answers.values())}, [], 0)
    before, after = (
        per_query(MEASURE, archive, judged, asked.runs[name]) for name in (DEFAULT, mode)
    )
    change = Bootstrap(len(judged.qrels), asked.found.protocol.seed).difference(after, before)
    return f"{_number(before.mean())} → {_number(after.mean())}, {_signed(change)}"


def _number(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _signed(change: Difference) -> str:
    """A difference with its interval; bold when that does not hold 0."""
    if max(abs(change.low), abs(change.high)) < 0.0005:
        return "0"
    mean = f"{_sign(change.mean)} [{_sign(change.low)}, {_sign(change.high)}]"
    return f"**{mean}**" if change.low > 0 or change.high < 0 else mean


def _sign(value: float) -> str:
    rounded = round(value, 3)
    return ("−" if rounded < 0 else "+" if rounded > 0 else "") + _number(abs(rounded))


# Lists beside every article: what needs no truth


def _lists_table(folder: Path) -> str:
    lines = ["| lists beside | measure | lists | value |", "|---|---|---|---|"]
    if (folder / "opensuse-news.jsonl.gz").exists():
        _say("opensuse-news: twins")
        archive = _archive(folder, "opensuse-news")
        _ = archive.vectors  # what a near duplicate is must not change with what is left out
        for name, variant in (
            ("without: one per story", LEFT_OUT[ONE_PER_STORY]),
            (DEFAULT, Variant()),
        ):
            with _changed(variant):
                made = _lists(archive)
            row = f"every post of opensuse-news, {name}"
            lines += [
                f"| {row} | `{measure}` | {len(made)} | {_mean(measure, archive, made)} |"
                for measure in ("near-duplicates@5", "self@5")
            ]
    if (folder / "multilingual-news.jsonl.gz").exists():
        for told in (True, False):
            _say(f"multilingual-news, language told: {told}")
            archive, made = _mixed(folder / "multilingual-news.jsonl.gz", told)
            row = "a mix of 21 languages" + ("" if told else ", which the articles do not tell")
            lines.append(
                f"| {row} | `language-purity@5` | {len(made)} |"
                f" {_mean('language-purity@5', archive, made)} |"
            )
    return "\n".join(lines)


def _lists(archive: Archive) -> dict[str, list[str]]:
    """What a reader sees beside every article: five ids at most, none of them from the future."""
    corpus = Corpus(archive.stored_articles)
    corpus.apply({article.id: archive.stored(p) for p, article in enumerate(archive.articles)})
    recommender = Recommender(corpus, lambda ids: {i: archive.cards[i] for i in ids})
    now = datetime.max.replace(tzinfo=UTC)
    return {
        article.id: [i.card["id"] for i in recommender.related(article.id, SHOWN, now).items]
        for article in archive.articles
    }


def _mean(measure: str, archive: Archive, made: dict[str, list[str]]) -> str:
    values = [LIST_MEASURES[measure](archive, article, shown) for article, shown in made.items()]
    return f"{np.nanmean(values):.4f}"


def _mixed(path: Path, told: bool) -> tuple[Archive, dict[str, list[str]]]:
    """
    The articles with the lowest hashes of their ids as one site, and its lists.

    Their languages are those that the source states, also where we are not *told*.
    """
    with ArticleFile(str(path)) as file:
        data = [cast("dict[str, Any]", record.data) for record in file.records()]
    drawn = islice(
        sorted(data, key=lambda one: blake2b(str(one["id"]).encode()).digest()), MIX_SIZE
    )
    stated = {str(one["id"]): one["language"] for one in drawn}
    mix = [one for one in data if str(one["id"]) in stated]
    if not told:
        mix = [{name: value for name, value in one.items() if name != "language"} for one in mix]
    archive = read_archive(Record(n, one) for n, one in enumerate(mix, 1))
    made = _lists(archive)
    for article_id, card in archive.cards.items():
        card["language"] = stated[article_id]
    return archive, made


# What a WordPress plugin showed


def _plugin_table(folder: Path) -> str:
    path = folder / "izquierda-es.plugin.jsonl"
    if not path.exists():
        return ""
    _say("izquierda-es: the plugin")
    archive, truth = (
        _archive(folder, "izquierda-es"),
        read_truth(folder / "izquierda-es.truth.jsonl"),
    )
    shown = {one["id"]: one["plugin_related"] for one in map(orjson.loads, path.open("rb"))}
    plugin = {q: [(a, 1.0 / r) for r, a in enumerate(ids, 1)] for q, ids in shown.items()}
    asked = {q: judged for q, judged in truth.items() if shown.get(q)}
    lines = [
        "| | queries | lists with an editor's link: plugin | ours | nDCG@4: plugin | ours |"
        " difference |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, protocol in (("all", Protocol(as_of="all")), ("publication", Protocol())):
        found = evaluate(
            archive, asked, ["plugin", "alsosee"], ["nDCG@4", "hit@4"], protocol,
            {"plugin": given_run(plugin)},
        )  # fmt: skip
        hits = {s: int(found.systems[s].values["hit@4"].sum()) for s in found.systems}
        scores = {s: _number(found.interval(s, "nDCG@4").mean) for s in found.systems}
        difference = _signed(found.difference("alsosee", "plugin", "nDCG@4"))
        queries = len(found.judged.qrels)
        lines.append(
            f"| {label} | {queries} | {hits['plugin']} | {hits['alsosee']} | {scores['plugin']} |"
            f" {scores['alsosee']} | {difference} |"
        )
    made = _lists(archive)
    ours = Counter(a for ids in made.values() for a in ids[:4])
    theirs = Counter(a for ids in shown.values() for a in ids)
    by_plugin, by_us = (
        f"{len(shows)} articles, the most frequent in {shows.most_common(1)[0][1]} of {lists} lists"
        for shows, lists in ((theirs, sum(map(bool, shown.values()))), (ours, len(made)))
    )
    return "\n".join([*lines, "", f"Shown at all: by the plugin {by_plugin}; by us {by_us}."])


if __name__ == "__main__":
    main()
