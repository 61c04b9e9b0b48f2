"""
JSON Schemas of the values that a sender may put in the fields of an article.

A field accepts more than it returns: HTML, objects of other systems, null for a missing value. The
schemas here describe what is accepted; the types of the fields describe what is returned.
"""

from typing import Any

from pydantic import WithJsonSchema

from features.values import MAX_ID_BYTES, MAX_LABELS

Schema = dict[str, Any]


def accepts(schema: Schema) -> WithJsonSchema:
    """Annotate a type with the *schema* of the values that a sender may send."""
    return WithJsonSchema(schema, mode="validation")


TEXT: Schema = {"type": ["string", "null"]}


def text(description: str) -> Schema:
    return {**TEXT, "description": description}


ID: Schema = {
    "type": ["string", "integer", "null"],
    "description": f"As in the path. Up to {MAX_ID_BYTES} bytes, no control characters",
}
TITLE: Schema = {"type": "string", "minLength": 1, "description": "Text or HTML"}
BODY = text("Text or HTML")
URL = text("An absolute http or https URL")
CANONICAL_URL = text("Taken for `url` if it is on the same host")
EXCERPT = text("Taken from the start of the body if missing")
LANGUAGE = text("Such as `en` or `pt-BR`. Detected if missing")
DATE: Schema = {
    **text("ISO 8601, RFC 5322, a Unix time and others. Without a time zone it is in UTC"),
    "examples": ["2025-03-13T07:12:44Z"],
}
PUBLICATION_DATE: Schema = {
    **DATE,
    "description": f"{DATE['description']}. An article of the future is not shown yet",
}
SECTION: Schema = {
    "anyOf": [TEXT, {"type": "array", "items": {"type": "string"}}],
    "description": "Of several sections, the first is the main one",
}
_OBJECT_WITH_NAME: Schema = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
}
LABELS: Schema = {
    "anyOf": [
        {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, _OBJECT_WITH_NAME]},
            "maxItems": MAX_LABELS,
        },
        TEXT,
    ],
    "description": "A list of names, or one string with commas between them",
}
_PIXELS: Schema = {"anyOf": [{"type": "integer", "minimum": 1}, TEXT]}
IMAGE: Schema = {
    "anyOf": [
        TEXT,
        {
            "type": "object",
            "properties": {
                "url": {"type": "string"},
                "width": _PIXELS,
                "height": _PIXELS,
                "alt": TEXT,
            },
        },
    ]
}
VERSION: Schema = {
    "type": ["integer", "null"],
    "minimum": 0,
    "exclusiveMaximum": 2**53,
    "description": "Of two writes the higher version wins; without versions, the later "
    "`updated_at`",
}
