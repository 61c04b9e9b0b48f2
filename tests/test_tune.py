"""`alsosee tune`: what a newsroom's own links teach, and what they do not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import numpy as np
import orjson
import pytest
from click.testing import CliRunner, Result
from news import article

from api.app import create_app
from api.cli.main import main
from api.cli.tune import read_newsroom, summary
from recommender.backend import Backend
from recommender.evaluation import Archive, Protocol, read_archive, read_truth
from recommender.evaluation.intervals import Bootstrap, Difference
from recommender.evaluation.measures import per_query
from recommender.evaluation.pools import Pools, gather
from recommender.evaluation.power import STANDARD_ERRORS, Power
from recommender.evaluation.recipes import reranked
from recommender.evaluation.systems import ranked_by
from recommender.evaluation.tune import Tuned, split
from recommender.policy.ranking_model import DEFAULTS, RankingModel, SignalWeights
from recommender.sources.files import ArticleFile

ARTICLES, AUTHORS = 110, 6
FIRST = datetime(2025, 1, 1, 8, tzinfo=UTC)


def newsroom(folder: Path, preference: str, **fields: object) -> Path:
    """
    Stories about anything; each links to an older one, of its own author, or by `chance`: then
    nobody signs, and all of a half come out at once, so that neither time nor author tells.
    """
    chance = np.random.default_rng(7)
    words = np.array(
        [f"{a}{b}" for a in "bdfgklmnpr" for b in ("aro", "elu", "imo", "ona", "uri", "esi")]
    )
    authors = chance.integers(AUTHORS, size=ARTICLES)
    lines = []
    for number in range(ARTICLES):
        own = np.flatnonzero(authors[:number] == authors[number])
        pool = own if preference == "author" else np.arange(number)
        link = (
            f'<a href="https://news.example/s{chance.choice(pool)}">this</a>' if pool.size else ""
        )
        day = number if preference == "author" else 99 * (number // (ARTICLES // 2))
        made = article(
            f"s{number}",
            title=" ".join(chance.choice(words, 4)),
            body=f"<p>{' '.join(chance.choice(words, 40))} {link}</p>",
            authors=[f"Author {authors[number]}"] if preference == "author" else [],
            published_at=(FIRST + timedelta(days=day)).isoformat(),
        )
        lines.append(orjson.dumps(made | fields))
    file = folder / f"{preference}.jsonl"
    file.write_bytes(b"\n".join(lines))
    return file


def alsosee(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module", autouse=True)
def in_a_hurry() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recommender.evaluation.tune.REPEATS", 1)
        yield


@pytest.fixture(scope="module")
def loyal(tmp_path_factory) -> Path:
    return newsroom(tmp_path_factory.mktemp("loyal"), "author")


@pytest.fixture(scope="module")
def truth(loyal) -> Path:
    file = loyal.with_name("truth.jsonl")
    file.write_bytes(alsosee("truth", loyal).stdout_bytes)
    return file


@pytest.fixture(scope="module")
def archive(loyal) -> Archive:
    with ArticleFile(str(loyal)) as file:
        return read_archive(file.records())


@pytest.fixture(scope="module")
def learnt(loyal) -> Path:
    """The ranking of a newsroom that only links to stories of the same author."""
    output = loyal.with_name("ranking.json")
    found = alsosee("tune", loyal, "--output", output)
    assert 0 == found.exit_code, found.output
    return output


def test_what_a_newsroom_always_does_is_learnt(learnt):
    model = RankingModel.read(learnt)
    alike, signals = np.array([0.3, 0.2]), {"author": np.array([0.0, 0.5])}

    default = DEFAULTS.factors(alike, signals)
    tuned = model.factors(alike, signals)
    assert default["similarity"][0] * default["author"][0] > default["similarity"][1]
    assert tuned["similarity"][0] * tuned["author"][0] < tuned["similarity"][1] * tuned["author"][1]


def test_the_file_says_what_was_measured(learnt):
    measured = RankingModel.read(learnt).measured

    assert (110, 0, "nDCG@10") == (measured["articles"], measured["seed"], measured["measure"])
    assert 0 < measured["gain_low"] < measured["gain"] < measured["gain_high"]
    assert measured["after"] == pytest.approx(measured["before"] + measured["gain"], abs=2e-4)
    assert "2025-01-01" < measured["first"] < measured["tested_since"] < measured["last"]


def test_chance_is_not_written(tmp_path):
    output = tmp_path / "ranking.json"
    output.write_text("the old one")
    found = alsosee("tune", newsroom(tmp_path, "chance"), "--output", output, "--json")

    answer = orjson.loads(found.stdout)
    assert (0, False, None) == (found.exit_code, answer["helps"], answer["written"])
    assert "the old one" == output.read_text()
    power = answer["power"]
    assert (
        0
        < power["detectable"]
        == pytest.approx(STANDARD_ERRORS * power["spread"] / np.sqrt(answer["queries"]), abs=1e-5)
    )


def test_what_happened_to_the_file_is_said_in_words():
    chance = Difference(0.02, -0.01, 0.05, 0.2)
    power = Power.of(50, 0.1, 0.02)
    tuned = Tuned(DEFAULTS, "time", {}, 50, 50, 0.5, 0.52, chance, power)
    file = Path("r.json")

    significant = replace(tuned, gain=Difference(0.02, 0.01, 0.03, 0.01))
    assert "Wrote no file: the 95 % interval" in summary(tuned, file)
    assert "Wrote no file: no learnt" in summary(replace(tuned, recipe="defaults"), file)
    assert "Wrote r.json" in summary(significant, file)
    assert "detects" not in summary(significant, file)


def test_where_nothing_is_written_it_is_said_what_the_test_could_have_seen():
    chance = Difference(0.02, -0.01, 0.05, 0.2)
    tuned = Tuned(DEFAULTS, "time", {}, 50, 50, 0.5, 0.52, chance, Power.of(50, 0.1, 0.02))
    hopeless = replace(tuned, power=Power.of(50, 0.1, -0.01))

    text = summary(tuned, Path("r.json"))
    assert "With 50 newer articles, this test detects a true gain of 0.040 in four cases" in text
    assert "To detect the gain on the older ones, +0.020, it would take 197." in text
    assert "On the older articles, no ranking gained." in summary(hopeless, Path("r.json"))


def test_the_detectable_gain_is_detected_in_four_tests_of_five():
    """Simulated: how often the bootstrap interval of such a gain lies above zero."""
    chance = np.random.default_rng(5)
    queries, spread, tests = 100, 0.2, 400
    power = Power.of(queries, spread, 0.05)
    bootstrap = Bootstrap(queries, 0)
    detected = 0
    for _ in range(tests):
        gains = chance.normal(power.detectable, spread, queries)
        detected += bootstrap.difference(gains, np.zeros(queries)).low > 0

    assert 0.75 < detected / tests < 0.87
    assert STANDARD_ERRORS == pytest.approx(2.8016, abs=1e-4)


@pytest.mark.parametrize(("expected", "needed"), [(0.05, 126), (0.2, 8), (0.0, None), (-0.1, None)])
def test_so_many_queries_as_are_needed_detect_the_expected_gain(expected, needed):
    power = Power.of(60, 0.2, expected)

    assert needed == power.queries_needed
    if needed:
        assert Power.of(needed, 0.2, expected).detectable <= expected
        assert Power.of(needed - 1, 0.2, expected).detectable > expected


def test_links_of_the_archive_are_found_without_a_file_of_them(loyal, truth):
    assert read_truth(truth) == read_newsroom(str(loyal), None).truth


def test_the_learnt_ranking_takes_part_in_an_evaluation(loyal, truth, learnt):
    options = ("--systems", "alsosee", "--measures", "nDCG@10", "--ranking", learnt, "--json")
    options += ("--queries", "40")
    systems = orjson.loads(alsosee("evaluate", loyal, truth, *options).stdout)["systems"]

    assert systems["alsosee"]["nDCG@10"]["mean"] < systems["alsosee-tuned"]["nDCG@10"]["mean"]


def test_no_later_link_plays_a_part_in_learning(archive, truth):
    halves = split(archive, read_truth(truth))
    seen = {*halves.older.qrels, *chain(*halves.older.qrels.values())}
    since = halves.since.timestamp()

    assert max(archive.published[archive.place[a]] for a in seen) < since
    assert all(archive.published[archive.place[q]] >= since for q in halves.newer.qrels)


def test_arrays_give_the_same_measure_as_the_pipeline(archive, truth):
    judged = split(archive, read_truth(truth)).older
    model = DEFAULTS.model_copy(
        update={"half_life_days": 30.0, "weights": SignalWeights(mention=0.4, author=0.6)}
    )
    run, _ = ranked_by(model)(archive, judged, Protocol(), lambda: None)

    expected = per_query("nDCG@10", archive, judged, run)
    assert expected == pytest.approx(gather(archive, judged, lambda: None).ndcg(model), abs=1e-9)


def test_a_fitted_ranking_is_a_power_law_of_its_parts():
    """So explain, which shows factors of the model, shows what was learnt to the last digit."""
    chance = np.random.default_rng(1)
    shape = (60, 100)
    signals = {name: chance.random(shape) for name, _ in DEFAULTS.weights}
    signals["time"] = 0.1 + 0.9 * signals["time"]
    similarity = 0.1 + 0.9 * chance.random(shape)
    likely = similarity**3 * (0.2 + signals["mention"]) ** 2 * signals["time"]
    grades = (likely > np.quantile(likely, 0.95)).astype(np.intp)
    pools = Pools(np.ones(shape, np.bool_), similarity, signals, grades, np.ones(60))

    model = reranked(pools, DEFAULTS, ["mention", "author"])
    weights = dict(model.weights)
    factor = {name: 1 - weights[name] * (1 - signals[name]) for name in weights}
    expected = np.log(similarity) + model.nearness_power * np.log(signals["time"])
    for name in ("time", "author", "section", "mention"):
        power = model.context_power + dict(model.powers)[name]
        expected = expected + power * np.log(factor[name])
    assert expected == pytest.approx(np.log(pools.scores(model)))
    assert pools.ndcg(model).mean() > pools.ndcg(DEFAULTS).mean()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"published_at": None}, "no publication dates"),
        ({"body": "No links here."}, "no links between its articles"),
        ({"published_at": "2025-01-01T00:00:00Z"}, "too few links to learn from: 0 older"),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_from_is_one_sentence(tmp_path, fields, complaint):
    found = alsosee("tune", newsroom(tmp_path, "author", **fields), "--output", tmp_path / "r.json")

    assert (1, True) == (found.exit_code, complaint in found.stderr)
    assert "Traceback" not in found.output


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (("nowhere.jsonl",), 1, "No such file"),
        (("{loyal}", "nowhere.jsonl"), 1, "No such file"),
        (("{loyal}", "{loyal}"), 1, "expected"),
        (("{loyal}", "--output", "/no/such/folder/ranking.json"), 2, "no folder /no/such/folder"),
    ],
)
def test_files_that_cannot_be_used_are_one_sentence(loyal, arguments, status, complaint):
    found = alsosee("tune", *(argument.format(loyal=loyal) for argument in arguments))

    assert (status, True) == (found.exit_code, complaint in found.stderr)


def related(settings, ranking: Path | None) -> tuple[str, list[float]]:
    with Backend(settings.model_copy(update={"ranking": ranking})) as backend:
        answer = create_app(backend=backend).test_client().get("/v1/main/articles/kursk/related")
    return answer.headers["Cache-Status"], [item["score"] for item in answer.json["items"]]


def test_a_list_of_another_ranking_is_never_shown(settings, client, key, tmp_path):
    for article_id in ("kursk", "sudzha"):
        client.put(f"/v1/main/articles/{article_id}", json=article(article_id), headers=key)
    file = tmp_path / "ranking.json"
    RankingModel(similarity_power=2.0).write(file)

    before, tuned, again = related(settings, None), related(settings, file), related(settings, file)
    assert before[1][0] > tuned[1][0]
    assert tuned[1] == again[1]
    assert (True, True) == ("fwd=miss" in tuned[0], "hit" in again[0])


def test_a_folder_has_a_ranking_for_each_site_that_wants_one(settings, tmp_path):
    RankingModel(diversity=0.5).write(tmp_path / "other.json")
    with Backend(settings.model_copy(update={"ranking": tmp_path})) as backend:
        found = backend.model("main").diversity, backend.model("other").diversity

    assert (0.0, 0.5) == found


def test_doctor_tells_which_ranking_is_used(redis_url, raw_redis, learnt, monkeypatch):
    monkeypatch.setenv("ALSOSEE_REDIS_URL", redis_url)
    monkeypatch.setenv("ALSOSEE_RANKING", str(learnt))
    checks = orjson.loads(alsosee("doctor", "--json").stdout)["checks"]

    told = next(check["text"] for check in checks if check["name"] == "ranking")
    assert told.startswith(f"main: {learnt}, +0.")


def test_what_was_measured_makes_no_other_lists():
    assert DEFAULTS.digest == RankingModel(measured={"gain": 0.1}).digest
    assert DEFAULTS.digest != RankingModel(diversity=0.1).digest
