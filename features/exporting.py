"""Stored articles in a form that an import reads as the same articles."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from features.markup import escape_for_import
from features.text import plain_text
from features.values import NO_KNOWN_LANGUAGE

# An import would read these as HTML or other markup if they look like that.
_TEXTS = frozenset(("title", "body", "excerpt", "section", "tags", "authors", "alt"))


class JsonLines:
    """
    Articles as JSON Lines, and the number of those that are left out.

    Args:
        report: takes a text about each article that is left out.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.left_out = 0
        self._report = report

    def of(self, articles: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
        for fields in articles:
            try:
                line = orjson.dumps(importable(fields), option=orjson.OPT_APPEND_NEWLINE)
            # A record of the right form with a field of the wrong type must not end the export.
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                self.left_out += 1
                self._report(f"article {fields.get('id')!r}: {error}")
                continue
            yield line


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
