"""A stored article in a form that an import reads as the same article."""

from collections.abc import Mapping
from typing import Any

from features.markup import escape_for_import
from features.text import plain_text
from features.values import NO_KNOWN_LANGUAGE

# An import would read these as HTML or other markup if they look like that.
_TEXTS = frozenset(("title", "body", "excerpt", "section", "tags", "authors", "alt"))


def importable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """
    The stored *fields* of an article as JSON types, without empty ones.

    An article about the tag `<b>` or the shortcode `[gallery]` contains it as text, and must still
    do so after an import.
    """
    sent = {name: _value(name, value) for name, value in fields.items() if value not in (None, [])}
    # Otherwise an import would detect the language, perhaps not the same as the last time.
    return {"language": NO_KNOWN_LANGUAGE, **sent}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_value(name, item) for item in value]
    if isinstance(value, Mapping):
        return {key: _value(key, item) for key, item in value.items()}
    if name in _TEXTS and isinstance(value, str) and not _is_read_as_it_is(value):
        return escape_for_import(value)
    return value


def _is_read_as_it_is(text: str) -> bool:
    return plain_text(text) == text
