"""
The tables of docs/RELEVANCE.md about the bar, what each ingredient is worth, and the modes.

    .venv/bin/python tests/benchmarks/ablation.py [FOLDER] [--write]

It measures the lists that `keep_runs.py` has kept. `box_lists.py` and `tuning.py` make the other
tables of the document.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from documents import ROOT, arguments, write
from judged import MEASURE, SEED, JudgedCorpus, kept_corpora
from numpy.typing import NDArray
from tables import markdown, number, signed
from variants import DEFAULT, LEFT_OUT, ONE_PER_STORY

from recommender.evaluation.intervals import Bootstrap
from recommender.evaluation.measures import per_query
from recommender.evaluation.protocol import Judged
from recommender.evaluation.truth import Qrels

DOCUMENT = ROOT / "docs/RELEVANCE.md"
PLAIN = ("bm25", "more-like-this", "tfidf")
COSINES = (0.8, 0.6)


def main() -> None:
    given = arguments(DOCUMENT)
    corpora = kept_corpora(given.folder)
    tables = {
        "bar": _bar_table(corpora),
        "table": _ablation_tables(corpora),
        "modes": _modes_table(corpora),
        "twins": _twins_table(corpora),
    }
    for name, table in tables.items():
        print(f"\n{name}\n\n{table}")
        if given.write:
            write(DOCUMENT, name, table)


def _bar_table(corpora: Sequence[JudgedCorpus]) -> str:
    head = ["corpus", "queries", "`alsosee`", "best of `bm25`, `more-like-this`, `tfidf`", "times",
            "difference", "`lsa`", "difference", "`embedding`", "difference"]  # fmt: skip
    return markdown(head, map(_bar_row, corpora))


def _bar_row(corpus: JudgedCorpus) -> list[str]:
    ours = corpus.mean(DEFAULT)
    best = max(PLAIN, key=corpus.mean)
    row = [
        corpus.title,
        str(len(corpus.judged.qrels)),
        f"**{number(ours)}**",
        f"{number(corpus.mean(best))} `{best}`",
        f"{ours / corpus.mean(best):.2f}",
        signed(corpus.difference(DEFAULT, best)),
    ]
    for other in ("lsa", "embedding"):
        if other in corpus.runs:
            row += [number(corpus.mean(other)), signed(corpus.difference(DEFAULT, other))]
        else:
            row += ["", ""]
    return row


def _ablation_tables(corpora: Sequence[JudgedCorpus]) -> str:
    dated = {corpus.name for corpus in corpora if corpus.label == "publication"}
    publication = [one for one in corpora if one.label == "publication" or one.name not in dated]
    return "\n\n".join(
        [
            "As of publication (lee50 has no dates):",
            _ablation_table(publication),
            "The whole archive answers:",
            _ablation_table([corpus for corpus in corpora if corpus.label == "all"]),
        ]
    )


def _ablation_table(corpora: Sequence[JudgedCorpus]) -> str:
    rows = [[DEFAULT, *(f"**{number(corpus.mean(DEFAULT))}**" for corpus in corpora)]]
    for name in LEFT_OUT:
        without = f"without: {name}"
        changes = [signed(corpus.difference(without, DEFAULT)) for corpus in corpora]
        rows.append([without, *changes])
    return markdown(["", *(corpus.name for corpus in corpora)], rows)


def _modes_table(corpora: Sequence[JudgedCorpus]) -> str:
    by_label = {(corpus.name, corpus.label): corpus for corpus in corpora}
    dated = [name for name, label in by_label if label == "publication"]
    columns = [_modes(by_label[name, "all"], by_label[name, "publication"]) for name in dated]
    rows = [[row, *(column[row] for column in columns)] for row in columns[0]]
    return markdown(["", *dated], rows)


def _modes(everything: JudgedCorpus, publication: JudgedCorpus) -> dict[str, str]:
    ages = [publication.mean(mode, "median-age-days@5") for mode in (DEFAULT, "mode recent")]
    weeks = [publication.mean(mode, "under-7d@5") for mode in (DEFAULT, "mode recent")]
    recent = publication.difference("mode recent", DEFAULT)
    return {
        "links to older articles: `balanced` → `background`": _one_sided(
            everything, "mode background", newer=False
        ),
        "links to newer articles: `balanced` → `followup`": _one_sided(
            everything, "mode followup", newer=True
        ),
        "all links, as of publication: `balanced` → `recent`": (
            f"{number(publication.mean(DEFAULT))} → {number(publication.mean('mode recent'))},"
            f" {signed(recent)}"
        ),
        "median age of the first five, days": f"{ages[0]:.0f} → {ages[1]:.0f}",
        "of the first five not older than a week": (
            f"{100 * weeks[0]:.0f} → {100 * weeks[1]:.0f} %"
        ),
    }


def _one_sided(corpus: JudgedCorpus, mode: str, newer: bool) -> str:
    """What a mode is worth on the links to newer or to older articles alone."""
    judged = Judged(_links_to(corpus, newer), [], 0)
    before = per_query(MEASURE, corpus.archive, judged, corpus.runs[DEFAULT])
    after = per_query(MEASURE, corpus.archive, judged, corpus.runs[mode])
    change = Bootstrap(len(judged.qrels), SEED).difference(after, before)
    return f"{number(before.mean())} → {number(after.mean())}, {signed(change)}"


def _links_to(corpus: JudgedCorpus, newer: bool) -> Qrels:
    """The judged pairs whose answer is newer than the query, or those where it is not."""
    date = {one.id: corpus.archive.published[corpus.archive.place[one.id]]
            for one in corpus.archive.articles}  # fmt: skip
    qrels: Qrels = {}
    for query, judged in corpus.judged.qrels.items():
        kept = {a: grade for a, grade in judged.items() if (date[a] > date[query]) == newer}
        if any(kept.values()):
            qrels[query] = kept
    return qrels


def _twins_table(corpora: Sequence[JudgedCorpus]) -> str:
    """How many relevant items each rule takes out of the first ten, as telling a story again."""
    head = ["corpus", "lists", "relevant items among their first ten", "taken by our rule",
            *(f"by a cosine of {least}" for least in COSINES)]  # fmt: skip
    rows = []
    for corpus in corpora:
        relevant = _relevant_items(corpus)
        taken = [_count_taken(corpus, relevant, least) for least in (None, *COSINES)]
        counts = [len(relevant), sum(map(len, relevant.values())), *taken]
        rows.append([corpus.title, *map(str, counts)])
    return markdown(head, rows)


def _count_taken(
    corpus: JudgedCorpus, relevant: Mapping[str, set[str]], least_cosine: float | None
) -> int:
    return sum(len(_repeated(corpus, one, least_cosine) & relevant[one]) for one in relevant)


def _relevant_items(corpus: JudgedCorpus) -> dict[str, set[str]]:
    """Query → relevant articles among the first ten without the rule."""
    relevant = {}
    for query, judged in corpus.judged.qrels.items():
        relevant[query] = {
            article for article in _without_rule(corpus, query) if judged.get(article)
        }
    return relevant


def _without_rule(corpus: JudgedCorpus, query: str) -> list[str]:
    return [article for article, _ in corpus.runs[f"without: {ONE_PER_STORY}"][query]]


def _repeated(corpus: JudgedCorpus, query: str, least_cosine: float | None) -> set[str]:
    """The items that repeat the query or an earlier item: by cosine, or None for our rule."""
    articles = [query, *_without_rule(corpus, query)]
    is_twin = _twins(corpus, articles, least_cosine)
    kept = [0]
    repeated = set()
    for place in range(1, len(articles)):
        if is_twin[place, kept].any():
            repeated.add(articles[place])
        else:
            kept.append(place)
    return repeated


def _twins(
    corpus: JudgedCorpus, articles: Sequence[str], least_cosine: float | None
) -> NDArray[np.bool_]:
    """Which two of *articles* tell one story; shape (n, n)."""
    if least_cosine is None:
        stories = corpus.archive.stories
        return np.array([[one in stories.twins(other) for other in articles] for one in articles])
    rows = corpus.archive.vectors[[corpus.archive.place[article] for article in articles]]
    return np.asarray((rows @ rows.T).toarray()) >= least_cosine


if __name__ == "__main__":
    main()
