"""
The tables of docs/RELEVANCE.md: what each ingredient of the ranking is worth on every corpus.

    OMP_NUM_THREADS=1 .venv/bin/python tests/benchmarks/ablation.py [FOLDER] [--embedding] [--write]

FOLDER holds `NAME.jsonl.gz` and `NAME.truth.jsonl` and is `../shared/data` unless given. What
needs a corpus that is not there is left out.

Weights of the model are switched off as anybody may: by another `RankingModel`. The others are no
settings: for them this script, and nothing else, changes module constants while it measures, and
counts the articles' terms anew where those go into the counts.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import orjson

import features.vectorizer as vectorizer
import recommender.stories as stories
from features.boilerplate import Blocks
from recommender.corpus import Corpus
from recommender.evaluation import Archive, Evaluation, Protocol, Qrels, evaluate
from recommender.evaluation import read_archive, read_truth
from recommender.evaluation.baselines import Scorer
from recommender.evaluation.embedding import embedding
from recommender.evaluation.intervals import Difference
from recommender.evaluation.measures import LIST_MEASURES
from recommender.evaluation.protocol import Judged
from recommender.evaluation.systems import System, baseline, given_run, ranked_by
from recommender.model import RankingModel, SignalWeights
from recommender.parameters import ListParameters
from recommender.related import DEFAULTS, Recommender
from recommender.sources.files import ArticleFile
from recommender.sources.records import Record

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/RELEVANCE.md"
CORPORA = {  # name → how many queries are drawn, as in relevance.py
    "opensuse-news": None,
    "18f-blog": None,
    "izquierda-es": None,
    "current-events-2025": 600,
    "lee50": None,
}
UNDATED = {"lee50"}
PLAIN = ("bm25", "more-like-this", "tfidf")
MEASURE = "nDCG@10"
MIX_SIZE = 2_000
SHOWN = ListParameters(limit=5)


class Off(NamedTuple):
    """
    How to leave one ingredient out.

    Fields:
        weights: of the model, otherwise than by default.
        constants: owner, name and value of what is changed while lists are made.
        rebuilt: the same archive, counted with those constants.
    """

    weights: Mapping[str, float] = {}
    constants: Sequence[tuple[Any, str, Any]] = ()
    rebuilt: Callable[[Archive], Archive] = lambda archive: archive


def _recounted(archive: Archive) -> Archive:
    return replace(archive, features=[vectorizer.count_terms(a) for a in archive.articles])


def _without_lines(archive: Archive) -> Archive:
    return replace(archive, features=[f._replace(blocks=Blocks.none()) for f in archive.features])


INGREDIENTS = {
    "time": Off({"time": 0}),
    "same author": Off({"author": 0}),
    "same section": Off({"section": 0}),
    "two-word terms": Off(constants=[(vectorizer.tf_weights, "__defaults__", (0.0,))]),
    "title words as three": Off(constants=[(vectorizer, "TITLE_WEIGHT", 1.0)], rebuilt=_recounted),
    "tags": Off(constants=[(vectorizer, "TAG_WEIGHT", 0.0)], rebuilt=_recounted),
    "boilerplate shield": Off(rebuilt=_without_lines),
    "one per story": Off(constants=[(stories, "SHARED", 2.0), (stories, "SAME_TEXT", 2.0)]),
    "idf that fades": Off(constants=[(vectorizer, "IDF_FADE", 1e15)]),
    "all but the cosine": Off({"time": 0, "author": 0, "section": 0}),
}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared/data")
    arguments.add_argument("--embedding", action="store_true", help="needs the extra `embedding`")
    arguments.add_argument("--write", action="store_true", help="into docs/RELEVANCE.md")
    given = arguments.parse_args()
    measured = {
        name: _measured(given.folder, name, queries, given.embedding)
        for name, queries in CORPORA.items()
        if (given.folder / f"{name}.jsonl.gz").exists()
    }
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
            _write(name, table)


def _say(what: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", file=sys.stderr, flush=True)


# What is measured


class Measured(NamedTuple):
    """
    One corpus.

    Fields:
        found: protocol → our defaults and the systems of the bar.
        off: protocol → ingredient → by how much leaving it out changes the measure.
        modes: what the table of modes says.
    """

    found: dict[str, Evaluation]
    off: dict[str, dict[str, Difference]]
    modes: dict[str, str]


def _measured(folder: Path, name: str, queries: int | None, with_embedding: bool) -> Measured:
    archive, truth = _archive(folder, name), read_truth(folder / f"{name}.truth.jsonl")
    protocols = {"publication": Protocol(queries=queries)} if name not in UNDATED else {}
    protocols |= {"all": Protocol(as_of="all", queries=queries)}
    systems = ["alsosee", *PLAIN, "lsa", *(["embedding"] if with_embedding else [])]
    more = {"embedding": _encoded_once()}
    found, off = {}, {}
    for label, protocol in protocols.items():
        _say(f"{name}, {label}: the bar")
        found[label] = evaluate(archive, truth, systems, [MEASURE], protocol, more)
        off[label] = {i: _difference(found[label], truth, i) for i in INGREDIENTS}
    _say(f"{name}: modes")
    modes = _modes(archive, truth, queries) if name not in UNDATED else {}
    return Measured(found, off, modes)


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


def _difference(found: Evaluation, truth: Qrels, ingredient: str) -> Difference:
    """By how much the measure changes when the *ingredient* is left out."""
    _say(f"  without: {ingredient}")
    with _left_out(INGREDIENTS[ingredient], found.archive) as (archive, system):
        changed = evaluate(
            archive, truth, [ingredient], [MEASURE], found.protocol, {ingredient: system}
        )
    without = changed.systems[ingredient].values[MEASURE]
    return found.bootstrap.difference(without, found.systems["alsosee"].values[MEASURE])


@contextmanager
def _left_out(off: Off, archive: Archive) -> Iterator[tuple[Archive, System]]:
    with ExitStack() as changes:
        for owner, name, value in off.constants:
            changes.enter_context(patch.object(owner, name, value))
        weights = DEFAULTS.weights.model_dump() | dict(off.weights)
        model = RankingModel(weights=SignalWeights(**weights))
        yield off.rebuilt(archive), ranked_by(model)


def _modes(archive: Archive, truth: Qrels, queries: int | None) -> dict[str, str]:
    found = {}
    published, place = archive.published, archive.place
    for mode, side in (("background", "older"), ("followup", "newer")):
        newer = side == "newer"
        answers = {
            q: {
                a: grade
                for a, grade in judged.items()
                if a in place and (published[place[a]] > published[place[q]]) == newer
            }
            for q, judged in truth.items()
            if q in place
        }
        pair = _pair(archive, answers, mode, [MEASURE], Protocol(as_of="all", queries=queries))
        found[f"links to {side} articles: `balanced` → `{mode}`"] = _arrow(pair, mode, MEASURE)
    measures = [MEASURE, "median-age-days@5", "under-7d@5"]
    pair = _pair(archive, truth, "recent", measures, Protocol(queries=queries))
    found["all links, as of publication: `balanced` → `recent`"] = _arrow(pair, "recent", MEASURE)
    ages = [f"{pair.interval(s, measures[1]).mean:.0f}" for s in pair.systems]
    found["median age of the first five, days (mean over lists)"] = " → ".join(ages)
    young = [f"{100 * pair.interval(s, measures[2]).mean:.0f} %" for s in pair.systems]
    found["of the first five not older than a week"] = " → ".join(young)
    return found


def _pair(
    archive: Archive, truth: Qrels, mode: str, measures: Sequence[str], protocol: Protocol
) -> Evaluation:
    return evaluate(archive, truth, ["alsosee", f"alsosee-{mode}"], measures, protocol)


def _arrow(pair: Evaluation, mode: str, measure: str) -> str:
    before, after = (_number(pair.interval(s, measure).mean) for s in pair.systems)
    change = pair.difference(f"alsosee-{mode}", "alsosee", measure)
    return f"{before} → {after}, {_signed(change)}"


# Tables


def _bar_table(measured: dict[str, Measured]) -> str:
    lines = [
        "| corpus | queries | `alsosee` | best of `bm25`, `more-like-this`, `tfidf` | times"
        " | difference | `lsa` | difference | `embedding` | difference |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, corpus in measured.items():
        for label, found in corpus.found.items():
            means = {s: found.interval(s, MEASURE).mean for s in found.systems}
            best = max(PLAIN, key=means.__getitem__)
            cells = [
                f"{name}, {label}",
                str(len(found.judged.qrels)),
                f"**{_number(means['alsosee'])}**",
                f"{_number(means[best])} `{best}`",
                f"{means['alsosee'] / means[best]:.2f}",
                _signed(found.difference("alsosee", best, MEASURE)),
            ]
            for other in ("lsa", "embedding"):
                there = other in means
                cells += [_number(means[other]) if there else ""]
                cells += [_signed(found.difference("alsosee", other, MEASURE)) if there else ""]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ablation_tables(measured: dict[str, Measured]) -> str:
    return "\n\n".join(
        [
            "As of publication (lee50 has no dates):",
            _ablation_table(measured, "publication"),
            "The whole archive answers:",
            _ablation_table(measured, "all"),
        ]
    )


def _ablation_table(measured: dict[str, Measured], protocol: str) -> str:
    labels = {n: protocol if protocol in c.found else "all" for n, c in measured.items()}
    lines = [f"| | {' | '.join(measured)} |", f"|---|{'---|' * len(measured)}"]
    means = (
        _number(c.found[labels[n]].interval("alsosee", MEASURE).mean) for n, c in measured.items()
    )
    lines.append(f"| the defaults | {' | '.join(f'**{mean}**' for mean in means)} |")
    for ingredient in INGREDIENTS:
        cells = (_signed(c.off[labels[n]][ingredient]) for n, c in measured.items())
        lines.append(f"| without: {ingredient} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _modes_table(measured: dict[str, Measured]) -> str:
    dated = {name: corpus.modes for name, corpus in measured.items() if corpus.modes}
    lines = [f"| | {' | '.join(dated)} |", f"|---|{'---|' * len(dated)}"]
    for row in next(iter(dated.values()), {}):
        lines.append(f"| {row} | {' | '.join(modes[row] for modes in dated.values())} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _signed(change: Difference) -> str:
    """A difference with its interval; bold when that does not hold 0."""
    if not (change.low or change.high or change.mean):
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
        for name in ("without one per story", "the defaults"):
            off = INGREDIENTS["one per story"] if name != "the defaults" else Off()
            with _left_out(off, archive):
                made = _lists(archive)
            row = f"every post of opensuse-news, {name}"
            for measure in ("near-duplicates@5", "self@5"):
                lines.append(
                    f"| {row} | `{measure}` | {len(made)} | {_mean(measure, archive, made)} |"
                )
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
        data = [record.data for record in file.records()]
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
        "| four places | queries | lists with an editor's link: plugin | ours | nDCG@4: plugin | ours"
        " | difference |",
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


def _write(name: str, table: str) -> None:
    before, opening, rest = DOCUMENT.read_text().partition(f"<!-- {name} -->\n")
    _, closing, after = rest.partition(f"<!-- /{name} -->")
    if not opening or not closing:
        sys.exit(f"{DOCUMENT} has no place for: {name}")
    DOCUMENT.write_text(f"{before}{opening}{table}\n{closing}{after}")


if __name__ == "__main__":
    main()
