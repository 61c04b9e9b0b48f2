"""The form for site settings, generated from the declarations of the options."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from recommender.errors import FieldProblem, InvalidInput
from recommender.policy.option import DeclaredOption, ValueKind, declared_options
from recommender.policy.ranking_model import RankingModel, SignalWeights
from recommender.policy.site_settings import ListDefaults, parse_settings

SIGNALS = tuple(SignalWeights.model_fields)
OPTIONS = declared_options(ListDefaults)
LABELS = frozenset(option.name for option in OPTIONS if option.kind == "labels")
# Takes back the labels of the site. An empty field would leave them as they are.
NO_LABELS = "*"

Control = Literal["select", "lines", "number", "text"]
CONTROLS: dict[ValueKind, Control] = {
    "choice": "select",
    "flag": "select",
    "labels": "lines",
    "number": "number",
}


class FormField(NamedTuple):
    """
    A field of the form, without its value.

    Fields:
        name: of the option, or `weights.<signal>`.
        choices: words for the values of a select.
    """

    name: str
    label: str
    control: Control
    choices: Mapping[str, str]
    placeholder: str


class FormFields(NamedTuple):
    """All fields of the form: those in view, those under “More”, and the weights of signals."""

    basic: Sequence[FormField]
    advanced: Sequence[FormField]
    weights: Sequence[FormField]


class Side(NamedTuple):
    """
    One of the two settings on the page.

    Fields:
        texts: by field of the form, as an editor typed it.
        problems: with the texts. If there are none, *defaults* is what they mean.
    """

    name: str
    texts: dict[str, str]
    defaults: ListDefaults
    problems: list[FieldProblem]

    @property
    def uses_more(self) -> bool:
        """Whether a field under “More” has a value."""
        basic = {option.name for option in OPTIONS if option.about.is_basic}
        more = self.texts.keys() - basic
        return any(self.texts[name] for name in more)


def form_fields(model: RankingModel) -> FormFields:
    """The fields; an empty one shows the value of the ranking model, where it has one."""
    basic: list[FormField] = []
    advanced: list[FormField] = []
    for option in OPTIONS:
        group = basic if option.about.is_basic else advanced
        group.append(_option_field(option, model))
    weights = [_weight_field(signal, model) for signal in SIGNALS]
    return FormFields(basic, advanced, weights)


def _option_field(option: DeclaredOption, model: RankingModel) -> FormField:
    about = option.about
    control = CONTROLS.get(option.kind, "text")
    placeholder = about.placeholder
    if control == "lines" and not placeholder:
        placeholder = f"one per line; {NO_LABELS} for any"
    if control == "number" and option.name in RankingModel.model_fields:
        placeholder = _number(getattr(model, option.name))
    return FormField(option.name, about.label, control, about.choices, placeholder)


def _weight_field(signal: str, model: RankingModel) -> FormField:
    weight = getattr(model.weights, signal)
    return FormField(f"weights.{signal}", signal, "number", {}, _number(weight))


def _number(value: float) -> str:
    return str(round(value, 2))


def side_of(name: str, sent: Mapping[str, str], stored: ListDefaults | None = None) -> Side:
    """
    Read side *name* of the form.

    Args:
        stored: the defaults to show if the form was not sent.
    """
    names = [option.name for option in OPTIONS]
    names += [f"weights.{signal}" for signal in SIGNALS]
    # A form that was sent with all fields empty means defaults, not the stored settings.
    if stored is not None and not any(f"{name}.{field}" in sent for field in names):
        return Side(name, _texts(stored), stored, [])
    texts = {field: sent.get(f"{name}.{field}", "").strip() for field in names}
    try:
        defaults = parse_settings(ListDefaults, _values(texts))
    except InvalidInput as error:
        return Side(name, texts, ListDefaults(), error.problems)
    return Side(name, texts, defaults, [])


def _texts(defaults: ListDefaults) -> dict[str, str]:
    """The defaults as an editor would type them."""
    values = defaults.model_dump(mode="json", exclude_none=True)
    weights = values.pop("weights", {})
    texts = {name: _text(value) for name, value in values.items()}
    for signal, weight in weights.items():
        texts[f"weights.{signal}"] = _text(weight)
    return texts


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "\n".join(value) or NO_LABELS
    return str(value)


def _values(texts: Mapping[str, str]) -> dict[str, Any]:
    """The texts of the form as the API takes them; empty ones are left out."""
    # Numbers stay text: `parse_settings` reads and checks them.
    values: dict[str, Any] = {}
    weights: dict[str, str] = {}
    for name, text in texts.items():
        if not text:
            continue
        if name in LABELS:
            values[name] = _lines(text)
        elif name.startswith("weights."):
            weights[name.removeprefix("weights.")] = text
        else:
            values[name] = text
    return {**values, "weights": weights} if weights else values


def _lines(text: str) -> list[str]:
    lines = map(str.strip, text.splitlines())
    return [line for line in lines if line not in ("", NO_LABELS)]
