"""Evaluation: honest questions, right figures, the same twice."""

import math
import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytrec_eval import RelevanceEvaluator
from sklearn.metrics import ndcg_score

from recommender.errors import InvalidInput, UnusableData
from recommender.evaluation import Protocol, evaluate, read_archive
from recommender.evaluation.compare import compare, failures, parse_threshold
from recommender.evaluation.intervals import Bootstrap
from recommender.evaluation.measures import DEFAULT_MEASURES, OVERALL, per_query
from recommender.evaluation.protocol import Judged, judge
from recommender.evaluation.systems import SYSTEMS, given_run
from recommender.sources.records import Record

SUBJECTS = ("river lock gates barge", "tram drivers strike pay", "storm coast harbour pier")
DOCUMENT = (Path(__file__).parents[1] / "docs/EVALUATION.md").read_text()
START = datetime(2026, 1, 1, tzinfo=UTC)


def records(count: int = 18, **fields: object) -> list[Record]:
    """Stories in turn about three subjects, one a day."""
    return [
        Record(
            n,
            {
                "id": f"a{n:02}",
                "title": f"{SUBJECTS[n % 3].split()[0].title()} news {n}",
                "body": f"{SUBJECTS[n % 3]} report number{n} filler{n % 5}",
                "published_at": (START + timedelta(days=n)).isoformat(),
                "section": SUBJECTS[n % 3].split()[0],
                "language": "en",
            }
            | fields,
        )
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def archive():
    return read_archive(records())


@pytest.fixture(scope="module")
def truth():
    """Each story links to the one before it on its subject."""
    linked = {f"a{n:02}": {f"a{n - 3:02}": 2} for n in range(3, 18)}
    for n in range(15):
        linked.setdefault(f"a{n:02}", {})[f"a{n + 3:02}"] = 1
    return linked


@pytest.fixture(scope="module")
def everything(archive, truth):
    return evaluate(archive, truth)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_answers_with_articles_that_were_out_and_never_with_the_query(
    everything, archive, system
):
    for query, items in everything.systems[system].run.items():
        moment = archive.published[archive.place[query]]
        assert query not in [article for article, _ in items]
        assert all(archive.published[archive.place[article]] <= moment for article, _ in items)
        assert len({article for article, _ in items}) == len(items)


def test_our_lists_are_those_of_production_at_that_moment(everything):
    ours = [article for article, _ in everything.systems["alsosee"].run["a09"]]

    assert {"a00", "a03", "a06"} == set(ours[:3])


def test_text_beats_the_clock_on_stories_that_run(everything):
    assert (
        everything.interval("alsosee", "nDCG@10").mean
        > everything.interval("recent", "nDCG@10").mean
    )


def test_an_answer_from_the_future_is_no_judged_answer(archive, truth):
    judged = judge(archive, truth, Protocol()).qrels

    assert {"a00": 2} == judged["a03"]
    assert "a00" not in judged


def test_the_whole_archive_may_answer_when_asked_so(archive, truth):
    assert {"a00": 2, "a06": 1} == judge(archive, truth, Protocol(as_of="all")).qrels["a03"]


def test_older_means_strictly_before(truth):
    same_day = read_archive(records(published_at="2026-01-01"))

    with pytest.raises(UnusableData, match="no query"):
        judge(same_day, truth, Protocol(candidates="older"))
    assert judge(same_day, truth, Protocol()).qrels


def test_ids_that_the_archive_lacks_are_named(archive):
    judged = judge(archive, {"a03": {"a00": 2, "gone": 2}, "lost": {"a00": 2}}, Protocol())

    assert ["gone", "lost"] == judged.unknown_ids


def test_an_archive_without_dates_cannot_be_asked_as_of_publication(truth):
    with pytest.raises(UnusableData, match="no publication dates"):
        judge(read_archive(records(published_at=None)), truth, Protocol())


def test_a_sample_of_queries_is_the_same_for_the_same_seed(archive, truth):
    drawn = [
        list(judge(archive, truth, Protocol(queries=5, seed=seed)).qrels) for seed in (1, 1, 2)
    ]

    assert drawn[0] == drawn[1] != drawn[2]
    assert 5 == len(drawn[0])


def test_the_same_evaluation_twice_is_equal_to_the_last_byte(archive, truth):
    def run() -> bytes:
        found = evaluate(archive, truth)
        return orjson.dumps(found.to_json(per_query=True, versus="bm25", timings=False))

    assert run() == run()


def test_the_json_is_what_scripts_depend_on(archive, truth):
    answer = evaluate(archive, truth, ["alsosee", "bm25"], ["nDCG@10", "recall@10"]).to_json()

    assert {"corpus", "protocol", "systems", "queries"} == answer.keys()
    assert ["alsosee", "bm25"] == list(answer["systems"])
    assert {"mean", "low", "high"} == answer["systems"]["bm25"]["recall@10"].keys()
    assert 15 == answer["queries"]


def test_every_measure_of_every_system_is_a_number(everything):
    for system in SYSTEMS:
        for measure in set(DEFAULT_MEASURES) - {"section-calibration@5"}:
            found = everything.interval(system, measure)
            assert math.isfinite(found.mean), (system, measure)
            assert measure in OVERALL or found.low <= found.mean <= found.high


def test_no_system_recommends_the_article_itself(everything):
    assert [0.0] * len(SYSTEMS) == [everything.interval(s, "self@5").mean for s in SYSTEMS]


lists = st.permutations([f"a{n:02}" for n in range(1, 18)]).map(lambda ids: ids[:10])


@given(
    lists,
    st.dictionaries(
        st.sampled_from([f"a{n:02}" for n in range(1, 18)]), st.integers(0, 2), min_size=1
    ),
)
def test_ndcg_is_that_of_another_library(archive, found, judged):
    if not any(judged.values()):
        return
    qrels = {"a00": judged}
    run = {"a00": [(article, 0.0) for article in found]}
    gains = [[2 ** judged.get(a.id, 0) - 1 for a in archive.articles]]
    ranks = [[-found.index(a.id) if a.id in found else -100 for a in archive.articles]]

    ours = per_query("nDCG@10", archive, Judged(qrels, [], 0), run)[0]
    assert ndcg_score(gains, ranks, k=10, ignore_ties=True) == pytest.approx(ours, abs=1e-6)


def test_measures_agree_with_paper_and_pencil(archive):
    judged = Judged({"a00": {"a01": 2, "a02": 1, "a03": 0}}, [], 0)
    run = {"a00": [("a05", 0.0), ("a02", 0.0), ("a03", 0.0), ("a01", 0.0)]}
    found = {
        m: per_query(m, archive, judged, run)[0]
        for m in ("MRR", "MAP", "recall@2", "hit@5", "judged@5", "nDCG@10", "condensed-nDCG@10")
    }

    ideal = 3 / math.log2(2) + 1 / math.log2(3)
    assert found == {
        "MRR": pytest.approx(1 / 2),
        "MAP": pytest.approx((1 / 2 + 2 / 4) / 2),
        "recall@2": pytest.approx(1 / 2),
        "hit@5": 1.0,
        "judged@5": pytest.approx(3 / 4),  # of the places there are
        "nDCG@10": pytest.approx((1 / math.log2(3) + 3 / math.log2(5)) / ideal),
        "condensed-nDCG@10": pytest.approx((1 / math.log2(2) + 3 / math.log2(4)) / ideal),
    }


def test_grades_above_10_are_gains_themselves_as_in_trec_news(archive):
    """As `trec_eval` computes it, negative grades included."""
    grades = {"a01": 16, "a02": 4, "a03": -2, "a04": 0}
    run = {"a00": [("a02", 0.0), ("a03", 0.0), ("a01", 0.0)]}
    truth = {"a00": {article: max(grade, 0) for article, grade in grades.items()}}
    judged = judge(archive, truth, Protocol(as_of="all"))
    theirs = RelevanceEvaluator({"a00": grades}, {"ndcg_cut_10", "map"}).evaluate(
        {"a00": {"a02": 3.0, "a03": 2.0, "a01": 1.0}}
    )["a00"]

    assert per_query("nDCG@10", archive, judged, run)[0] == pytest.approx(theirs["ndcg_cut_10"])
    assert per_query("MAP", archive, judged, run)[0] == pytest.approx(theirs["map"])
    assert 0.0 == per_query("nDCG@10", archive, judged, {"a00": [("a03", 0.0)]})[0]


def test_a_truth_names_articles_encoded_and_the_archive_does_not(archive):
    """Blanks in columns are encoded, and so are ids that are part of an address."""
    judged = judge(archive, {"a%300": {"%6101": 2}}, Protocol(as_of="all"))

    assert ({"a00": {"a01": 2}}, []) == (judged.qrels, judged.unknown_ids)


def test_a_query_without_a_list_counts_as_zero(archive):
    assert 0.0 == per_query("nDCG@10", archive, Judged({"a00": {"a01": 2}}, [], 0), {})[0]


@pytest.mark.parametrize(
    "name", ["nDCG", "nDCG@0", "nDCG@ten", "accuracy", "", "self@10", "MAP@@5"]
)
def test_an_unknown_measure_names_those_that_there_are(archive, truth, name):
    with pytest.raises(InvalidInput, match="nDCG@k"):
        evaluate(archive, truth, ["recent"], [name])


def test_an_unknown_system_names_those_that_there_are(archive, truth):
    with pytest.raises(InvalidInput, match="more-like-this"):
        evaluate(archive, truth, ["best"])


def test_a_run_of_somebody_elses_is_judged_without_what_it_could_not_know(archive, truth):
    run = {"a03": [("a06", 1.0), ("a03", 0.9), ("nowhere", 0.8), ("a00", 0.7)]}
    found = evaluate(archive, truth, ["theirs"], ["MRR"], more_systems={"theirs": given_run(run)})

    assert [("a00", 0.7)] == found.systems["theirs"].run["a03"]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(0, 5))
def test_an_interval_holds_its_mean_within_the_values(values, seed):
    found = Bootstrap(len(values), seed).interval(np.array(values))

    assert min(values) - 1e-12 <= found.low <= found.high <= max(values) + 1e-12
    assert np.mean(values) == pytest.approx(found.mean)


def test_the_same_lists_differ_by_nothing():
    values = np.linspace(0, 1, 20)
    found = Bootstrap(20, 0).difference(values, values)

    assert (0.0, 0.0, 0.0, 1.0) == found


def test_a_clear_gain_has_a_small_p_value():
    values = np.linspace(0, 0.5, 40)

    assert Bootstrap(40, 0).difference(values + 0.3, values).p < 0.01


def test_a_comparison_counts_wins_losses_ties_and_churn(archive, truth):
    a = evaluate(archive, truth, ["recent"]).to_json(per_query=True)
    b = evaluate(archive, truth, ["alsosee"]).to_json(per_query=True)
    b["per_query"]["systems"]["recent"] = b["per_query"]["systems"].pop("alsosee")

    found = compare(a, b, "recent")
    assert 15 == found.queries == found.wins + found.losses + found.ties
    assert found.wins > found.losses
    assert max(found.churn.values()) == next(iter(found.churn.values())) > 0


def test_the_gate_closes_only_on_a_sure_fall(archive, truth):
    good = evaluate(archive, truth, ["alsosee"], ["nDCG@10"]).to_json(per_query=True)
    bad = evaluate(archive, truth, ["random"], ["nDCG@10"]).to_json(per_query=True)
    bad["per_query"]["systems"]["alsosee"] = bad["per_query"]["systems"].pop("random")
    threshold = [parse_threshold("nDCG@10:-0.01")]

    assert [] == failures(compare(good, good), threshold)
    assert [] == failures(compare(bad, good), threshold)
    assert "nDCG@10 fell by" in failures(compare(good, bad), threshold)[0]


@pytest.mark.parametrize("text", ["nDCG@10", "nDCG@10:0.1", "nDCG@10:x", ":-1", ""])
def test_a_threshold_is_a_measure_and_a_fall(text):
    with pytest.raises(InvalidInput):
        parse_threshold(text)


def test_a_notebook_shows_a_table(everything):
    assert everything._repr_html_().startswith("<table>")


def test_the_sample_archive_can_be_evaluated_from_its_own_links():
    from recommender.evaluation.links import harvest

    lines = files("api").joinpath("sample/articles.jsonl").read_text().splitlines()
    raw = [Record(n, orjson.loads(line)) for n, line in enumerate(lines, 1)]
    found = evaluate(
        read_archive(raw), harvest([r.data for r in raw]).truth, ["alsosee", "recent"], ["hit@5"]
    )

    assert (
        found.interval("alsosee", "hit@5").mean > 0.8 > 0.5 > found.interval("recent", "hit@5").mean
    )


def test_the_example_of_the_document_runs(tmp_path, monkeypatch):
    [example] = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    for name, sample in (("archive", "articles"), ("truth", "truth")):
        text = files("api").joinpath(f"sample/{sample}.jsonl").read_text()
        (tmp_path / f"{name}.jsonl").write_text(text)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(example, "docs/EVALUATION.md", "exec"), names)

    assert ["alsosee", "bm25"] == list(names["evaluation"].to_frame().index)


def evaluation_of(values: list[float | None], lists: list[list[str]]) -> dict[str, Any]:
    queries = [f"q{n}" for n in range(len(values))]
    system = {"values": {"nDCG@10": values}, "lists": lists}
    return {"per_query": {"queries": queries, "systems": {"alsosee": system}}}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([0.2] * 20, [0.5] * 20, "B is better by nDCG@10"),
        ([0.5] * 20, [0.2] * 20, "A is better by nDCG@10"),
        ([0.5] * 20, [0.5] * 20, "Neither is better by nDCG@10 with 95 % confidence"),
        ([0.2, 0.5] * 10, [0.5, 0.2] * 10, "Neither is better by nDCG@10 with 95 % confidence"),
        (
            [None] * 20,
            [None] * 20,
            "nDCG@10 has no value in both evaluations, so neither is known to be better",
        ),
    ],
)
def test_an_evaluation_is_better_only_if_its_interval_leaves_no_doubt(before, after, verdict):
    lists = [["x"]] * 20
    comparison = compare(evaluation_of(before, lists), evaluation_of(after, lists))

    assert comparison.verdict() == verdict
    assert comparison.to_json()["verdict"] == verdict


def test_a_list_changes_with_its_items_and_with_their_order():
    values = [0.5] * 4
    before = evaluation_of(values, [["x", "y"], ["x", "y"], ["x"], []])
    after = evaluation_of(values, [["x", "y"], ["y", "x"], ["z"], ["x"]])

    assert compare(before, after).changed == 3
