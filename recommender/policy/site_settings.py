"""Defaults for the lists of a site and of its surfaces, for options that a request omits."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from features.fields import FIELD_ALIASES
from features.language import normalize_language
from features.timezones import zone_named
from recommender.errors import InvalidInput, field_problems
from recommender.policy.list_options import DEFAULT_LIMIT, ListOptions, SharedOptions
from recommender.policy.option import Option
from recommender.policy.option_types import Days, Fraction, SurfaceName
from recommender.policy.ranking_model import RankingModel, SignalWeights

MAX_SURFACES = 50
MAX_COLUMN_CHARS = 200
# These apply if neither a request nor the settings set the option. To caches, a request for one of
# these values is the same as a request without the option.
BUILT_IN = {"limit": DEFAULT_LIMIT, "mode": "balanced", "sort": "score", "fallback": True}

Model = TypeVar("Model", bound=BaseModel)


def _known_zone(name: str | None) -> str | None:
    return None if name is None else zone_named(name).key


def _known_language(tag: str | None) -> str | None:
    language = None if tag is None else normalize_language(tag)
    if language is None and tag is not None:
        raise ValueError("expected a language tag, such as en or pt-BR")
    return language


def _known_fields(fields: dict[str, str] | None) -> dict[str, str] | None:
    unknown = (fields or {}).keys() - FIELD_ALIASES.keys()
    if unknown:
        raise ValueError(f"expected one of {', '.join(FIELD_ALIASES)}; not {min(unknown)!r}")
    return fields


class WeightChanges(BaseModel):
    """How much signals count, see `SignalWeights`. None keeps the weight of the ranking model."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    time: Fraction | None = None
    author: Fraction | None = None
    section: Fraction | None = None
    tags: Fraction | None = None
    title: Fraction | None = None
    mention: Fraction | None = None

    def over(self, weights: SignalWeights) -> SignalWeights:
        return weights.model_copy(update=self.model_dump(exclude_none=True))


class ListDefaults(SharedOptions):
    """
    Options and numbers of the formula for requests that do not set them.

    Fields:
        half_life_days: see `RankingModel`. A request with a `half_life` uses that instead.
    """

    half_life_days: Annotated[
        Days | None,
        Field(description="Distance in time at which the recency signal is a half, in days"),
        Option(label="Recency half-life (days)", is_basic=True),
    ] = None
    weights: WeightChanges = Field(
        WeightChanges(), description="How much each signal counts, 0 to 1"
    )

    def options(self) -> dict[str, Any]:
        """The options that are set, by field of `ListOptions`."""
        values = {name: getattr(self, name) for name in SharedOptions.model_fields}
        return {name: value for name, value in values.items() if value is not None}

    def over(self, others: Self) -> Self:
        """These defaults, and *others* where these are not set."""
        # Signal by signal: a surface that sets one weight keeps the other weights of the site.
        weights = others.weights.model_dump() | self.weights.model_dump(exclude_none=True)
        changes: dict[str, Any] = {"weights": WeightChanges(**weights)}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name != "weights" and value is not None:
                changes[name] = value
        return others.model_copy(update=changes)

    def ranking(self, model: RankingModel) -> RankingModel:
        """The ranking model with the numbers that are set here."""
        # Not a copy, which would keep the cached digest of *model*.
        numbers = {name: getattr(model, name) for name in RankingModel.model_fields}
        numbers["weights"] = self.weights.over(model.weights)
        if self.half_life_days is not None:
            numbers["half_life_days"] = self.half_life_days
        return RankingModel(**numbers)


class ArticleSettings(BaseModel):
    """Defaults for articles that lack a value, from their next import on."""

    model_config = ConfigDict(frozen=True)

    zone: Annotated[
        str | None,
        Field(description="Time zone of dates without one, such as `Europe/Kyiv`; UTC if not set"),
        AfterValidator(_known_zone),
    ] = None
    language: Annotated[
        str | None,
        Field(description="Main language, such as `uk`: of articles whose text leaves doubt"),
        AfterValidator(_known_language),
    ] = None
    fields: Annotated[
        dict[str, Annotated[str, Field(min_length=1, max_length=MAX_COLUMN_CHARS)]] | None,
        Field(description="Field of an article → the name under which your system has it"),
        AfterValidator(_known_fields),
    ] = None


class SiteSettings(BaseModel):
    """Defaults for articles, for all lists of a site, and for those of single surfaces."""

    model_config = ConfigDict(frozen=True)

    articles: ArticleSettings = ArticleSettings()
    site: ListDefaults = ListDefaults()
    surfaces: dict[SurfaceName, ListDefaults] = Field({}, max_length=MAX_SURFACES)

    def of(self, surface: str | None) -> ListDefaults:
        """Those of the surface, completed by those of the site; an unknown surface has none."""
        own = self.surfaces.get(surface or "")
        return self.site if own is None else own.over(self.site)

    def trying(self, defaults: ListDefaults, surface: str | None) -> ListDefaults:
        """What would apply if *defaults* replaced those of the surface, or of the site."""
        return defaults if surface is None else defaults.over(self.site)


NO_SETTINGS = SiteSettings()


def parse_settings(model: type[Model], data: object) -> Model:
    """
    Check settings from outside.

    Raises:
        InvalidInput: naming every bad field.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput.at("", "expected a JSON object")
    try:
        # Strict only here: stored settings of a later version are read without their new fields.
        return model.model_validate(data, extra="forbid")
    except ValidationError as error:
        raise InvalidInput(field_problems(error)) from None


class Surface(NamedTuple):
    """
    The settings of a surface, ready for use.

    Fields:
        defaults: by field of `ListOptions`, what applies when a request does not set it.
        model: the ranking model.
    """

    defaults: Mapping[str, Any]
    model: RankingModel

    @classmethod
    def of(cls, defaults: ListDefaults, model: RankingModel) -> Self:
        return cls(BUILT_IN | defaults.options(), defaults.ranking(model))

    def complete(self, options: ListOptions) -> ListOptions:
        """The options of a request, with the defaults where it sets none."""
        missing = {n: v for n, v in self.defaults.items() if getattr(options, n) is None}
        return options.replacing(**missing)


class Surfaces:
    """The settings of a site by surface, prepared once for many lists."""

    def __init__(self, settings: SiteSettings, model: RankingModel) -> None:
        self._site = Surface.of(settings.site, model)
        self._own = {name: Surface.of(settings.of(name), model) for name in settings.surfaces}

    def __contains__(self, name: str) -> bool:
        return name in self._own

    def of(self, name: str | None) -> Surface:
        """The settings of a surface, or of the site if the surface has none."""
        return self._own.get(name or "", self._site)
