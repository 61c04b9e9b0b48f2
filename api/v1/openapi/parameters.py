"""What may stand in a path, a query string or a header?"""

from typing import Any

from pydantic import BaseModel

from api.lists.formats import LAYOUTS
from api.lists.options import query_parameters
from features.values import MAX_ID_BYTES
from recommender.policy.list_options import LinkOptions, ListOptions

Schema = dict[str, Any]


def parameter(
    name: str, place: str, required: bool, text: str, schema: Schema | None = None
) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": required,
        "description": text,
        "schema": schema or {"type": "string"},
    }


def in_path(name: str, text: str, example: str, schema: Schema | None = None) -> dict[str, Any]:
    return parameter(name, "path", True, text, schema) | {"example": example}


_AN_ID: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES}
SITE = in_path(
    "site", "Name of the site", "main", {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"}
)
ID = in_path(
    "id",
    "The article's id, percent-encoded: also its slashes",
    "2025/03/12/sudzha",
    _AN_ID,
)
FORM = in_path(
    "form",
    "`json` is JSON Feed",
    "rss",
    {"type": "string", "enum": ["html", "rss", "json", "jsonld"]},
)
IF_MATCH = parameter("If-Match", "header", False, "Only if this is still the ETag; else 412")
TARGET = parameter(
    "target", "query", False, "Id of one article, to hear about that alone", _AN_ID
) | {"example": "2025/03/13/kursk"}
BY_URL = parameter("url", "query", True, "Address of an article's page, in any spelling") | {
    "example": "https://www.news.example/2025/03/12/sudzha?utm_source=mail"
}
OLDER = parameter(
    "version",
    "query",
    False,
    "Do not delete anything newer",
    {"type": "integer", "minimum": 0, "exclusiveMaximum": 10**16},
)
HTML = [
    parameter(
        "layout",
        "query",
        False,
        "Of HTML: how the box is laid out",
        {"type": "string", "enum": list(LAYOUTS), "default": "sidebar"},
    ),
    parameter(
        "embed",
        "query",
        False,
        "Of HTML: `1` for a whole page, to stand in a frame",
        {"type": "string", "enum": ["0", "1", "false", "true"], "default": "0"},
    ),
]


def of_links() -> list[dict[str, Any]]:
    """The parameters of links for a draft."""
    return list(query_parameters(LinkOptions, "links"))


def of_lists() -> list[dict[str, Any]]:
    """The parameters of every list."""
    return list(query_parameters(ListOptions))


def of_model(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a model as parameters of the query string, where nothing is null."""
    found = []
    for name, schema in model.model_json_schema()["properties"].items():
        value = schema.get("anyOf", [schema])[0]
        kept = {
            key: value[key]
            for key in ("type", "enum", "pattern", "minimum", "maximum")
            if key in value
        }
        found.append(parameter(name, "query", False, schema["description"], kept))
    return found
