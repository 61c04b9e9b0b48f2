"""The numbers of the ranking formula: measured defaults, or what `alsosee tune` found."""

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
"""Name → one value for each candidate, 0 to 1: how fully it speaks for it; shape (n,)."""

_Weight = Annotated[float, Field(ge=0, le=1)]
_Power = Annotated[float, Field(ge=-50, le=50)]
LEAST_FACTOR = 0.01


class SignalWeights(BaseModel):
    """
    How much each signal of `recommender.pipeline.signals` counts; 0 leaves it out.

    A weight w makes the factor `1 - w · (1 - signal)`: 1 where the signal is full, `1 - w` where
    it is nothing. So, while powers are not negative, no score exceeds the cosine, and every factor
    can be named to an editor.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    time: _Weight = 2 / 3
    author: _Weight = 0.23
    section: _Weight = 0.13
    tags: _Weight = 0.0
    title: _Weight = 0.0
    mention: _Weight = 0.0


class SignalPowers(BaseModel):
    """What is added to `RankingModel.context_power` for one signal's factor."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    time: _Power = 0.0
    author: _Power = 0.0
    section: _Power = 0.0
    tags: _Power = 0.0
    title: _Power = 0.0
    mention: _Power = 0.0


class RankingModel(BaseModel):
    """
    What turns a cosine into the score that lists are ordered by, and what shapes the list.

    The score is `cosine ^ similarity_power · (product of the factors) ^ context_power ·
    nearness ^ nearness_power`, where nearness is the time signal. In logarithms that is linear,
    so a linear re-ranker that `alsosee tune` fitted is such a model, to the last digit.

    Fields:
        powers: differences from `context_power`, for single factors.
        half_life_days: at this distance in time the time signal is a half.
        min_similarity: below it an article is not called related; None lets the archive's own
            cosines decide (`recommender.index.calibration`).
        evergreen_tags: articles with one of these tags do not age.
        measured: what `alsosee tune` saw when it made this model; empty for the defaults.
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
        """What each part contributes; the product of all is the score. Each shape (n,)."""
        weights, powers = dict(self.weights), dict(self.powers)
        found = {"similarity": similarity**self.similarity_power}
        for name, values in signals.items():
            power = self.context_power + powers[name]
            base = 1.0 - weights[name] * (1.0 - values)
            found[name] = np.maximum(base, LEAST_FACTOR) ** power  # a power may be negative
        if self.nearness_power and "time" in signals:
            found["time"] = found["time"] * signals["time"] ** self.nearness_power
        return found

    def used_signals(self) -> list[str]:
        return [name for name, weight in self.weights if weight]

    @cached_property
    def digest(self) -> str:
        """The same for models that make the same lists."""
        numbers = self.model_dump_json(exclude={"measured"})
        return blake2b(numbers.encode(), digest_size=6).hexdigest()

    @classmethod
    def read(cls, path: Path) -> Self:
        """
        Read a file that `write` wrote, or an editor of numbers.

        Raises:
            ConfigurationError: when it is not there or holds anything else, naming the field.
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
        """As JSON, whole or not at all."""
        draft = path.with_name(path.name + ".new")
        draft.write_text(self.model_dump_json(indent=2) + "\n")
        draft.replace(path)


DEFAULTS = RankingModel()
