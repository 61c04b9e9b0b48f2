"""The ranking model: its file, and the formula of the score, factor by factor."""

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import ANY, NOW, Archive

from recommender.errors import ConfigurationError
from recommender.pipeline.signals import recency
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import RankingModel, SignalWeights

NAMES = [*SignalWeights.model_fields]
shares = st.floats(0, 1)
weights = st.fixed_dictionaries(dict.fromkeys(NAMES, shares))
cosines = st.floats(1e-6, 1)
models = st.builds(
    RankingModel,
    weights=st.builds(SignalWeights, **dict.fromkeys(NAMES, shares)),
    similarity_power=st.floats(0.1, 10),
    context_power=st.floats(-5, 5),
    nearness_power=st.floats(-5, 5),
    half_life_days=st.floats(0.1, 1000),
    diversity=shares,
    story=st.sampled_from(["best", "newest", "original"]),
    min_similarity=st.none() | shares,
    evergreen_tags=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    measured=st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=2),
)


@given(models)
def test_a_model_is_read_as_it_was_written(tmp_path_factory, model):
    path = tmp_path_factory.getbasetemp() / "model.json"
    model.write(path)

    assert model == RankingModel.read(path)
    assert not path.with_name("model.json.new").exists()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "the file"),
        ("not JSON", "the file"),
        ("[]", "the file"),
        ('{"format": 2}', "format"),
        ('{"weights": {"time": 2}}', "weights.time"),
        ('{"weights": {"luck": 0.1}}', "weights.luck"),
        ('{"half_life_days": 0}', "half_life_days"),
        ('{"half_life_days": NaN}', "half_life_days"),
        ('{"similarity_power": 0}', "similarity_power"),
        ('{"context_power": "much"}', "context_power"),
        ('{"diversity": -0.1}', "diversity"),
        ('{"story": "longest"}', "story"),
        ('{"min_similarity": 1.1}', "min_similarity"),
        ('{"evergreen_tags": [1]}', "evergreen_tags.0"),
        ('{"pickle": true}', "pickle"),
    ],
)
def test_a_bad_file_is_refused_by_the_name_of_the_field(tmp_path, text, named):
    path = tmp_path / "model.json"
    path.write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        RankingModel.read(path)
    assert str(caught.value).startswith(f"{path}: {named}: ")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"model\.json: No such file"):
        RankingModel.read(tmp_path / "model.json")


@given(cosines, weights, st.dictionaries(st.sampled_from(NAMES), shares))
def test_the_score_is_the_cosine_lowered_by_each_signal(cosine, weights, signals):
    model = RankingModel(weights=SignalWeights(**weights))
    arrays = {name: np.array([value]) for name, value in signals.items()}
    factors = model.factors(np.array([cosine]), arrays)

    expected = {name: max(1 - weights[name] * (1 - v), 0.01) for name, v in signals.items()}
    expected["similarity"] = cosine
    assert expected == pytest.approx({name: value.item() for name, value in factors.items()})
    assert math.prod(expected.values()) <= cosine * (1 + 1e-12)


@given(cosines, st.floats(0.1, 1), st.floats(0.1, 5), st.floats(-5, 5), st.floats(-5, 5))
def test_powers_make_the_logarithm_of_the_score_a_weighted_sum(cosine, time, own, context, near):
    model = RankingModel(similarity_power=own, context_power=context, nearness_power=near)
    factors = model.factors(np.array([cosine]), {"time": np.array([time])})

    context_log = math.log(1 - model.weights.time * (1 - time))
    expected = own * math.log(cosine) + context * context_log + near * math.log(time)
    assert expected == pytest.approx(sum(math.log(f.item()) for f in factors.values()))


def test_the_default_model_uses_only_signals_with_a_weight():
    assert ["time", "author", "section"] == RankingModel().used_signals()


def days(number: float) -> int:
    return round(number * 86_400e6)


@given(st.floats(0.01, 5000), st.integers(-10_000, 10_000))
def test_at_one_half_life_the_time_signal_is_a_half(half_life, origin):
    moments = np.array([days(origin), days(origin + half_life), days(origin - half_life)])
    # (1 + 7 · 73 half-lives) ** (-1/3) = 512 ** (-1/3)
    far = np.array([days(origin + 73 * half_life)])

    assert [1, 0.5, 0.5] == pytest.approx(recency(moments, days(origin), half_life), abs=1e-6)
    assert [0.125] == pytest.approx(recency(far, days(origin), half_life), abs=1e-6)


@pytest.mark.parametrize("mode", ["balanced", "recent"])
def test_a_half_life_in_a_request_halves_the_score_in_that_time(mode):
    origin = NOW if mode == "recent" else NOW - timedelta(days=60)
    archive = Archive(
        {"id": "a", "body": "kursk sudzha", "published_at": (NOW - timedelta(days=60)).isoformat()},
        *(
            {"id": f"b{n}", "body": "kursk", "published_at": (origin - timedelta(n)).isoformat()}
            for n in (0, 3)
        ),
    )
    options = ListOptions(
        half_life=timedelta(days=3), mode=mode, fallback=False, min_score=0.0, story="best"
    )

    factors = archive.related("a", options).items[0].factors
    assert 1.0 == factors["time"]
    options = options.replacing(exclude=("b0",))
    assert [0.5] == [item.factors["time"] for item in archive.related("a", options).items]


def test_every_factor_is_reported_and_their_product_is_the_score():
    archive = Archive(
        {"id": "a", "body": "kursk sudzha", "section": "World", "authors": ["Ana"]},
        {"id": "b", "body": "kursk talks", "section": "World", "published_at": "2025-03-01"},
        {"id": "c", "body": "sudzha tram", "authors": ["Ana"]},
    )

    for item in archive.related("a", ANY).items:
        assert {"similarity", "time", "author", "section"} == item.factors.keys()
        assert item.similarity == item.factors["similarity"] >= item.score
        assert item.score == pytest.approx(math.prod(item.factors.values()), abs=1e-6)
