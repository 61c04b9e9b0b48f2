"""How a site, and each surface of it, wants its lists made where a request does not say."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from recommender.errors import InvalidInput, field_problems
from recommender.policy.list_options import DEFAULT_LIMIT, ListOptions
from recommender.policy.partial_options import SURFACE_NAME, PartialListOptions, no_flag
from recommender.policy.ranking_model import RankingModel, SignalWeights

MAX_SURFACES = 50
BUILT_IN = {"limit": DEFAULT_LIMIT, "mode": "balanced", "sort": "score", "fallback": True}

SurfaceName = Annotated[str, Field(pattern=SURFACE_NAME)]
Model = TypeVar("Model", bound=BaseModel)
_Weight = Annotated[float | None, Field(ge=0, le=1)]


class WeightChanges(BaseModel):
    """How much signals count, see `SignalWeights`; None leaves a weight as it is."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    time: _Weight = None
    author: _Weight = None
    section: _Weight = None
    tags: _Weight = None
    title: _Weight = None
    mention: _Weight = None

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_flag(cls, value: Any, info: ValidationInfo) -> Any:
        return no_flag(value, info)

    def over(self, weights: SignalWeights) -> SignalWeights:
        return weights.model_copy(update=self.model_dump(exclude_none=True))


class ListDefaults(PartialListOptions):
    """
    What a list is like where its request does not say; None: not said here either.

    Fields:
        half_life_days: see `RankingModel`; a request that asks for a half-life has its own.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    half_life_days: float | None = Field(
        None, gt=0, le=36_500, description="At this distance in time the time signal is a half"
    )
    weights: WeightChanges = Field(
        WeightChanges(), description="How much each signal counts, 0 to 1"
    )

    def over(self, others: Self) -> Self:
        """These, and where they say nothing, the others."""
        weights = others.weights.model_dump() | self.weights.model_dump(exclude_none=True)
        own = {name: getattr(self, name) for name in type(self).model_fields}
        said = {name: value for name, value in own.items() if value is not None}
        return others.model_copy(update=said | {"weights": WeightChanges(**weights)})

    def model_of(self, model: RankingModel) -> RankingModel:
        """The ranking model with the numbers that stand here."""
        days = model.half_life_days if self.half_life_days is None else self.half_life_days
        # Not a copy, which would keep the digest of the model that it was made from.
        fields = {name: getattr(model, name) for name in RankingModel.model_fields}
        weights = self.weights.over(model.weights)
        return RankingModel(**fields | {"half_life_days": days, "weights": weights})


class SiteSettings(BaseModel):
    """What an editor settled for all lists of a site, and for those of single surfaces."""

    model_config = ConfigDict(frozen=True)

    site: ListDefaults = ListDefaults()
    surfaces: dict[SurfaceName, ListDefaults] = Field({}, max_length=MAX_SURFACES)

    def of(self, surface: str | None) -> ListDefaults:
        """What holds on a surface: its own, then the site's; the site's alone on an unknown one."""
        own = self.surfaces.get(surface or "")
        return self.site if own is None else own.over(self.site)

    def with_tried(self, tried: ListDefaults, surface: str | None) -> ListDefaults:
        """What would hold with *tried* in place of what the surface has, or of the site's own."""
        return tried if surface is None else tried.over(self.site)


NO_SETTINGS = SiteSettings()


def parsed(model: type[Model], data: object) -> Model:
    """
    Check settings from outside.

    Raises:
        InvalidInput: naming every bad field.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput.at("", "expected a JSON object")
    try:
        # Strict here alone: what a later version stored is read without what is new in it.
        return model.model_validate(data, extra="forbid")
    except ValidationError as error:
        problems = field_problems(error)
    raise InvalidInput([p._replace(pointer=p.pointer.removesuffix("/[key]")) for p in problems])


class Surface(NamedTuple):
    """
    Settings as lists are made by them.

    Fields:
        usual: by field of `ListParameters`, what a list has that asks for nothing.
        model: the formula.
    """

    usual: Mapping[str, Any]
    model: RankingModel

    @classmethod
    def of(cls, defaults: ListDefaults, model: RankingModel) -> Self:
        return cls(BUILT_IN | defaults.said(), defaults.model_of(model))

    def completed(self, options: ListOptions) -> ListOptions:
        """*wanted*, and where it says nothing, what is usual."""
        more = {name: v for name, v in self.usual.items() if getattr(options, name) is None}
        return replace(options, **more)


class Surfaces:
    """The settings of a site, ready to be looked up; a list asks once."""

    def __init__(self, settings: SiteSettings, model: RankingModel) -> None:
        self._site = Surface.of(settings.site, model)
        self._own = {name: Surface.of(settings.of(name), model) for name in settings.surfaces}

    def __contains__(self, name: str) -> bool:
        return name in self._own

    def of(self, name: str | None) -> Surface:
        """Those of the surface, or the site's where it has none."""
        return self._own.get(name or "", self._site)
