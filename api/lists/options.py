"""List options: read from query strings and drafts, described for OpenAPI."""

from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from api.http.request import single
from features.article import UNSAVED_ID
from recommender.errors import InvalidInput, field_problems
from recommender.policy.list_options import ListOptions
from recommender.policy.option import Caching, declared_options

MAX_CACHED_LIMIT = 20  # longer lists are not for boxes, and would fill the cache
# Options with few values in one request. All combinations would be a thousand lists per article.
MAX_CACHED_OPTIONS = 2

Options = TypeVar("Options", bound=BaseModel)
DraftOptions = TypeVar("DraftOptions", bound=ListOptions)
JsonSchema = dict[str, Any]


def _cached(caching: Caching) -> Set[str]:
    options = declared_options(ListOptions)
    return frozenset(option.name for option in options if option.about.caching == caching)


FEW_VALUES = _cached("few values")
NEVER_CACHED = _cached("never")
REPEATABLE = frozenset(o.name for o in declared_options(ListOptions) if o.kind == "labels")
# Other name in a query string → name of the option.
_ALIASES: dict[str, str] = {}
_OPPOSITES: dict[str, str] = {}
for _option in declared_options(ListOptions):
    _ALIASES |= dict.fromkeys(_option.about.aliases, _option.name)
    _OPPOSITES |= dict.fromkeys(_option.about.opposites, _option.name)
_OPPOSITE_VALUES = {"true": "false", "1": "false", "false": "true", "0": "true"}


def options_from_query(args: "MultiDict[str, str]", model: type[Options]) -> Options:
    """
    Read the options that a *model* declares from a query string, and ignore other parameters.

    Raises:
        InvalidInput: naming the first parameter with a bad value, as the caller wrote it.
    """
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    for parameter, texts in args.lists():
        name = _ALIASES.get(parameter, parameter)
        if name not in model.model_fields:
            continue
        if name in REPEATABLE:
            values[name] = tuple(texts)
        elif len(texts) > 1 or name in values:
            raise InvalidInput.at(parameter, "given more than once")
        else:
            values[name] = texts[0]
        names[name] = parameter
    for parameter, name in _OPPOSITES.items():
        text = single(args, parameter)
        if text is not None and name in model.model_fields and name not in values:
            values[name] = _OPPOSITE_VALUES.get(text.lower(), text)
            names[name] = parameter
    return parse_options(model, values, names)


def options_from_draft(
    data: object, draft_id: str, args: "MultiDict[str, str]", model: type[DraftOptions]
) -> DraftOptions:
    """
    Read options from the body of a draft and from a query string, which has precedence.

    A draft is never in its own list. Raises InvalidInput, as `options_from_query` does.
    """
    # A body that is not an object has been refused as a draft before.
    body = data if isinstance(data, dict) else {}
    names = [option.name for option in declared_options(model, "draft")]
    in_body = {name: body[name] for name in names if body.get(name) is not None}
    in_query = options_from_query(args, model).model_dump(exclude_unset=True)
    options = parse_options(model, {**in_body, **in_query})
    if draft_id == UNSAVED_ID:
        return options
    return options.replacing(exclude=(*options.exclude, draft_id))


def parse_options(
    model: type[Options],
    values: Mapping[str, Any],
    names: Mapping[str, str] = MappingProxyType({}),
) -> Options:
    """
    Check options from outside.

    Args:
        names: what the caller calls an option, where that is another name.

    Raises:
        InvalidInput: naming the first option with a bad value, as the caller calls it.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        pointer, detail = field_problems(error)[0]
        name = pointer.split("/")[1]
        raise InvalidInput.at(names.get(name, name), detail) from None


def is_cacheable(options: ListOptions) -> bool:
    """
    Whether many readers ask for this list, so that it is worth keeping.

    Lists with an option that takes any value are not worth it, because random requests would
    fill the cache. Nor are lists with several values of one option: if one of them matches
    articles, the others can be anything.
    """
    if any(len(getattr(options, name) or ()) > 1 for name in REPEATABLE):
        return False
    if (options.limit or 0) > MAX_CACHED_LIMIT:
        return False
    if sum(getattr(options, name) is not None for name in FEW_VALUES) > MAX_CACHED_OPTIONS:
        return False
    return NEVER_CACHED.isdisjoint(options.model_fields_set)


# `default=repr` is for durations and dates, which have no form in JSON.
def cache_key(options: ListOptions) -> bytes:
    """The same bytes for the same options, however they were written."""
    return orjson.dumps(options.model_dump(exclude_defaults=True), default=repr)
