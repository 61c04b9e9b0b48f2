"""How options are declared, so that forms, commands and documents can be generated from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Interface = Literal["draft", "links", "widget", "command"]
Caching = Literal["few values", "one value", "never"]
ValueKind = Literal["flag", "choice", "number", "labels", "duration", "moment", "text"]


@dataclass(frozen=True, kw_only=True)
class Option:
    """
    Annotates a field of a model with what its type, limits and description do not say.

    Fields:
        example: a value, as it is written in a query string.
        not_in: the interfaces that do not offer the option.
        caching: whether a list with it is worth keeping for other readers. `few values`: yes.
            `one value`: yes, unless several values are given. `never`: no.
        aliases: other names of the option in a query string.
        opposites: names in a query string for the opposite of a flag.
        metavar: what the help of a command calls its value, if not by the name of the option.
        widget_name: its attribute on the box, if not the name of the option.
        label: its name in the settings form.
        choices: words of the settings form for its values.
        placeholder: what the settings form shows in an empty field.
        is_basic: whether the settings form shows it without “More”.
    """

    example: str = ""
    not_in: frozenset[Interface] = frozenset()
    caching: Caching = "never"
    aliases: tuple[str, ...] = ()
    opposites: tuple[str, ...] = ()
    metavar: str = ""
    widget_name: str = ""
    label: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    placeholder: str = ""
    is_basic: bool = False


@dataclass(frozen=True)
class DeclaredOption:
    """
    An option as its model declares it.

    Fields:
        kind: of its value. `labels` are several texts.
        values: the possible ones of a choice.
        default: of the model. None if the settings or the ranking decide.
    """

    name: str
    kind: ValueKind
    values: tuple[str, ...]
    description: str
    default: Any
    about: Option

    @property
    def widget_attribute(self) -> str:
        return self.about.widget_name or self.name.replace("_", "-")


# Cached, because drafts and the settings form need it in every request.
@cache
def declared_options(model: type[BaseModel], *interfaces: Interface) -> tuple[DeclaredOption, ...]:
    """The options that a model declares and all of the *interfaces* offer, in order."""
    options = []
    for name, info in model.model_fields.items():
        option = _declared(name, info)
        if option is not None and option.about.not_in.isdisjoint(interfaces):
            options.append(option)
    return tuple(options)


def _declared(name: str, info: FieldInfo) -> DeclaredOption | None:
    """None for a field without the annotation `Option`."""
    about = next((part for part in info.metadata if isinstance(part, Option)), None)
    if about is None:
        return None
    value_type = _value_type(info.annotation)
    values = get_args(value_type) if get_origin(value_type) is Literal else ()
    kind = _kind(value_type)
    return DeclaredOption(name, kind, values, info.description or "", info.default, about)


def _value_type(annotation: Any) -> Any:
    """The type without `None`, constraints and validators."""
    # Pydantic unpacks the outer `Annotated` of a field, but none inside `… | None`.
    if get_origin(annotation) is Annotated:
        return _value_type(get_args(annotation)[0])
    alternatives = [part for part in get_args(annotation) if part is not NoneType]
    is_optional = len(alternatives) < len(get_args(annotation))
    return _value_type(alternatives[0]) if is_optional else annotation


def _kind(value_type: Any) -> ValueKind:
    origin = get_origin(value_type)
    if origin is Literal:
        return "choice"
    if origin is tuple:
        return "labels"
    kinds: dict[Any, ValueKind] = {
        bool: "flag",
        int: "number",
        float: "number",
        timedelta: "duration",
        datetime: "moment",
    }
    return kinds.get(value_type, "text")
