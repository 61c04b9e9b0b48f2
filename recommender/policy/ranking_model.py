"""The numbers of the ranking formula: measured defaults, or those of `alsosee tune`."""

from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recommender.errors import ConfigurationError
from recommender.policy.option_types import StoryPolicy

Values = NDArray[np.float64]
Signals = dict[str, Values]
"""Name → one value for each candidate, 0 to 1, where 1 favours it most; shape (n,)."""

_Weight = Annotated[float, Field(ge=0, le=1)]
_Power = Annotated[float, Field(ge=-50, le=50)]
LEAST_FACTOR = 0.01  # a factor of 0 would make every negative power infinite


class SignalWeights(BaseModel):
    """
    How much each signal of `recommender.pipeline.signals` counts; 0 leaves it out.

    A weight w makes the factor `1 - w · (1 - signal)`, from `1 - w` for a signal of 0 to 1 for a
    signal of 1. While no power is negative, no score exceeds the cosine, and an editor can read
    from each factor how much it lowers the score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    time: _Weight = 2 / 3
    author: _Weight = 0.23
    section: _Weight = 0.13
    tags: _Weight = 0.0
    title: _Weight = 0.0
    mention: _Weight = 0.0


class SignalPowers(BaseModel):
    """Added to `RankingModel.context_power`, for the factor of each signal."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    time: _Power = 0.0
    author: _Power = 0.0
    section: _Power = 0.0
    tags: _Power = 0.0
    title: _Power = 0.0
    mention: _Power = 0.0


class RankingModel(BaseModel):
    """
    The formula that turns cosines into scores, and the defaults of lists.

    The score is `cosine ^ similarity_power · (product of the factors) ^ context_power ·
    recency ^ nearness_power`, where recency is the time signal. Its logarithm is linear, so a
    linear re-ranker that `alsosee tune` fitted is such a model, to the last digit.

    Fields:
        powers: differences from `context_power`, for single factors.
        half_life_days: distance in time at which the time signal is a half.
        min_similarity: the least cosine of a related article. None computes it from the cosines
            of the archive (`recommender.index.calibration`).
        evergreen_tags: articles with one of these tags do not age.
        measured: what `alsosee tune` measured for this model; empty for the defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    weights: SignalWeights = SignalWeights()
    similarity_power: float = Field(1.0, gt=0, le=50)
    context_power: _Power = 1.0
    nearness_power: _Power = 0.0
    powers: SignalPowers = SignalPowers()
    half_life_days: float = Field(7.0, gt=0, le=36_500)
    diversity: float = Field(0.0, ge=0, le=1)
    story: StoryPolicy = "best"
    min_similarity: float | None = Field(None, ge=0, le=1)
    evergreen_tags: tuple[str, ...] = ("evergreen",)
    measured: dict[str, float | int | str] = Field(default_factory=dict)

    def factors(self, similarity: Values, signals: Signals) -> dict[str, Values]:
        """The factors of the score, by signal; their product is the score. Each shape (n,)."""
        weights = dict(self.weights)
        powers = dict(self.powers)
        factors = {"similarity": similarity**self.similarity_power}
        for name, values in signals.items():
            power = self.context_power + powers[name]
            base = 1.0 - weights[name] * (1.0 - values)
            factors[name] = np.maximum(base, LEAST_FACTOR) ** power  # a power may be negative
        if self.nearness_power and "time" in signals:
            factors["time"] = factors["time"] * signals["time"] ** self.nearness_power
        return factors

    def used_signals(self) -> list[str]:
        return [name for name, weight in self.weights if weight]

    @cached_property
    def digest(self) -> str:
        """The same for all models that make the same lists."""
        # Part of the names of cached lists, so that another model never answers with old lists.
        numbers = self.model_dump_json(exclude={"measured"})
        return blake2b(numbers.encode(), digest_size=6).hexdigest()

    @classmethod
    def read(cls, path: Path) -> Self:
        """
        Read a file of `write`.

        Raises:
            ConfigurationError: when it cannot be read, or naming a field that cannot be used.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror}") from error
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, problem["loc"])) or "the file"
            raise ConfigurationError(f"{path}: {field}: {problem['msg']}") from None

    def write(self, path: Path) -> None:
        """Write as JSON. A reader sees the whole file or none of it."""
        draft = path.with_name(path.name + ".new")
        draft.write_text(self.model_dump_json(indent=2) + "\n")
        draft.replace(path)


DEFAULTS = RankingModel()
