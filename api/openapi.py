"""The OpenAPI 3.1 description, made from the same models that check requests."""

from functools import cache
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from api.events import EventBatch
from api.formats import LAYOUTS
from api.listing import json_response
from api.params import MAX_EXCLUDED, MAX_VALUES, ListQuery
from features.article import MAX_ID_BYTES, MAX_LABELS, Article, Image

blueprint = Blueprint("openapi", __name__)

REFERENCE = "#/components/schemas/{model}"
Schema = dict[str, Any]


class Reason(BaseModel):
    """Why an item stands in the list."""

    code: str = Field(description="`similar`, or `recent` where it only fills the list up")
    text: str


class ListItem(BaseModel):
    """An article as a list shows it."""

    id: str
    url: str | None
    title: str
    excerpt: str | None
    image: Image | None
    published_at: str | None
    updated_at: str | None
    section: str | None
    tags: list[str]
    authors: list[str]
    language: str | None
    score: float = Field(description="Cosine with the source, 0 to 1; six decimals")
    position: int = Field(ge=1)
    reason: Reason


class ListSource(BaseModel):
    """What the list stands beside; without id and url for a draft."""

    id: str | None
    url: str | None
    title: str | None


class List(BaseModel):
    """A list of articles, best first."""

    source: ListSource | None
    items: list[ListItem]
    recommendation_id: str
    version: int = Field(description="Number of the site's last change that the list knows of")
    fallback: bool = Field(description="Whether recent articles fill the list up")


class FieldError(BaseModel):
    """What is wrong with one field or parameter."""

    pointer: str = Field(description="JSON Pointer to the field, or `/name` of the parameter")
    detail: str


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class Stored(BaseModel):
    """What became of one article."""

    id: str
    outcome: str = Field(description="`added`, `changed` or `unchanged`")
    version: int = Field(description="Number of the site's last change")


class LineResult(BaseModel):
    """What became of one line."""

    line: int = Field(ge=1)
    id: str | None
    status: str = Field(description="`added`, `changed`, `unchanged` or `rejected`")
    errors: list[FieldError] = []


class Health(BaseModel):
    """The process is alive."""

    status: str


class Readiness(BaseModel):
    """The state of each site: `ready`, or why it is not."""

    ready: bool
    sites: dict[str, str]


ANSWERS: dict[type[BaseModel], JsonSchemaMode] = {
    Article: "serialization",
    List: "serialization",
    Stored: "serialization",
    Health: "serialization",
    Readiness: "serialization",
    # What is missing where there is nothing to say.
    EventBatch: "validation",
    Problem: "validation",
    LineResult: "validation",
}

SENT_ARTICLE_EXAMPLE = {
    "title": "Russia retakes villages in the Kursk region",
    "body": "<p>Russian troops advanced towards Sudzha on Wednesday.</p>",
    "url": "https://news.example/2025/03/13/kursk",
    "published_at": "2025-03-13T07:12:44Z",
    "section": "World",
    "tags": ["Ukraine", "Kursk"],
    "authors": ["Ana Ruiz"],
    "language": "en",
    "image": {"url": "https://news.example/kursk.jpg", "width": 1200, "height": 675},
    "version": 3,
}
ARTICLE_EXAMPLE = {
    "id": "2025/03/13/kursk",
    **SENT_ARTICLE_EXAMPLE,
    "body": "Russian troops advanced towards Sudzha on Wednesday.",
    "excerpt": "Russian troops advanced towards Sudzha on Wednesday.",
    "updated_at": None,
    "image": {"url": "https://news.example/kursk.jpg", "width": 1200, "height": 675, "alt": None},
}
LIST_EXAMPLE = {
    "source": {
        "id": "2025/03/12/sudzha",
        "url": "https://news.example/2025/03/12/sudzha",
        "title": "Flag raised over Sudzha as Ukraine withdraws",
    },
    "items": [
        {key: value for key, value in ARTICLE_EXAMPLE.items() if key not in ("body", "version")}
        | {
            "score": 0.412311,
            "position": 1,
            "reason": {"code": "similar", "text": "About the same subject"},
        }
    ],
    "recommendation_id": "5a1f0c2b9d3e4f6071",
    "version": 1284,
    "fallback": False,
}
DRAFT_EXAMPLE = {"title": "Talks in Istanbul", "body": "Negotiators met on Friday.", "limit": 3}
PROBLEM_EXAMPLE = {
    "type": "about:blank",
    "title": "Bad Request",
    "status": 400,
    "detail": "The article cannot be accepted.",
    "errors": [{"pointer": "/published_at", "detail": "expected an ISO 8601 date"}],
}
STORED_EXAMPLE = {"id": "2025/03/13/kursk", "outcome": "added", "version": 1285}
EVENTS_EXAMPLE = {
    "recommendation_id": "5a1f0c2b9d3e4f6071",
    "events": [
        {"type": "impression", "article": "2025/03/13/kursk", "position": 1},
        {"type": "click", "article": "2025/03/13/kursk", "position": 1},
    ],
}
HEALTH_EXAMPLE = {"status": "ok"}
READINESS_EXAMPLE = {"ready": True, "sites": {"main": "ready"}}
LINES_EXAMPLE = (
    '{"line": 1, "id": "2025/03/13/kursk", "status": "added"}\n'
    '{"line": 2, "id": null, "status": "rejected", '
    '"errors": [{"pointer": "/id", "detail": "Field required"}]}\n'
)
SENT_LINES_EXAMPLE = (
    '{"id": "2025/03/13/kursk", "title": "Russia retakes villages"}\n{"title": "No id"}\n'
)
RSS_EXAMPLE = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Recent</title>'
    "<link>https://news.example/</link><description>Recent</description></channel></rss>"
)
FORMS: dict[str, Any] = {
    "text/html": {"schema": {"type": "string"}},
    "application/rss+xml": {"schema": {"type": "string"}, "example": RSS_EXAMPLE},
    "application/feed+json": {
        "schema": {"type": "object", "required": ["version", "title", "items"]},
        "example": {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "Recent",
            "home_page_url": "https://news.example/",
            "items": [],
        },
    },
    "application/ld+json": {
        "schema": {"type": "object", "required": ["@context", "@type", "itemListElement"]},
        "example": {
            "@context": "https://schema.org",
            "@type": "ItemList",
            "name": "Recent",
            "numberOfItems": 0,
            "itemListElement": [],
        },
    },
}
EXAMPLES: dict[str, Any] = {
    "Article": ARTICLE_EXAMPLE,
    "SentArticle": SENT_ARTICLE_EXAMPLE,
    "Draft": DRAFT_EXAMPLE,
    "List": LIST_EXAMPLE,
    "EventBatch": EVENTS_EXAMPLE,
    "Problem": PROBLEM_EXAMPLE,
    "Stored": STORED_EXAMPLE,
    "Health": HEALTH_EXAMPLE,
    "Readiness": READINESS_EXAMPLE,
}


@blueprint.get("/openapi.json")
def openapi_json() -> Response:
    return json_response(description())


@cache
def description() -> dict[str, Any]:
    _, schemas = models_json_schema(list(ANSWERS.items()), ref_template=REFERENCE)
    sent = _sent_article()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Also See",
            "version": version("alsosee"),
            "description": "Related articles for news publishers, from the site's own archive.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas["$defs"] | {"SentArticle": sent, "Draft": _draft(sent)},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`alsosee keys create` makes one for a site and a scope.",
                }
            },
        },
    }


_TEXT: Schema = {"type": ["string", "null"]}
_NAME: Schema = {
    "anyOf": [
        {"type": "string"},
        {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    ]
}
_NAMES: Schema = {
    "description": "A list of names, or one string with commas between them",
    "anyOf": [
        {"type": "array", "items": _NAME, "maxItems": MAX_LABELS},
        {"type": ["string", "null"]},
    ],
}
_DATE: Schema = {
    **_TEXT,
    "description": "ISO 8601 or RFC 5322; without a zone it is UTC",
    "examples": ["2025-03-13T07:12:44Z"],
}
_PIXELS: Schema = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": ["string", "null"]}]}
# We take more than we give: what other systems call the fields, HTML, null for what is missing.
_FORGIVING: dict[str, Schema] = {
    "id": {
        "type": ["string", "integer", "null"],
        "description": f"As in the path. Up to {MAX_ID_BYTES} bytes, no control characters",
    },
    "title": {"type": "string", "minLength": 1, "description": "Text or HTML"},
    "body": {**_TEXT, "description": "Text or HTML"},
    "url": {**_TEXT, "description": "An absolute http or https URL"},
    "excerpt": {**_TEXT, "description": "Taken from the start of the body if missing"},
    "published_at": {
        **_DATE,
        "description": f"{_DATE['description']}. In the future: not yet shown",
    },
    "updated_at": _DATE,
    "section": {
        "description": "Of several the first is the main one",
        "anyOf": [_TEXT, {"type": "array", "items": {"type": "string"}}],
    },
    "tags": _NAMES,
    "authors": _NAMES,
    "language": {**_TEXT, "description": "Such as `en` or `pt-BR`; detected if missing"},
    "image": {
        "anyOf": [
            _TEXT,
            {
                "type": "object",
                "properties": {
                    "url": {"type": "string"},
                    "width": _PIXELS,
                    "height": _PIXELS,
                    "alt": _TEXT,
                },
            },
        ]
    },
    "version": {
        "type": ["integer", "null"],
        "minimum": 0,
        "exclusiveMaximum": 2**53,
        "description": "Of two writes the higher wins; without it, the later `updated_at`",
    },
}


def _sent_article() -> Schema:
    return {
        "type": "object",
        "description": "An article as it comes in; README.md lists more names for its fields.",
        "properties": {field: _FORGIVING[field] for field in Article.model_fields},
        "required": ["title"],
    }


def _draft(article: Schema) -> Schema:
    parameters = {
        name: schema
        for name, schema in _list_schemas().items()
        if name not in article["properties"] and name not in ("author", "lang")
    }
    return {
        "type": "object",
        "description": "A story that is being written, and what is wanted of the list beside it.",
        "properties": {
            **article["properties"],
            "title": {**_TEXT, "description": "Text or HTML; may be missing if there is a body"},
            **parameters,
        },
    }


def _paths() -> dict[str, Any]:
    article, lists = "/v1/{site}/articles/{id}", _query_parameters()
    by_url = _parameter("url", "query", True, "Address of an article's page, in any spelling")
    by_url["example"] = "https://www.news.example/2025/03/12/sudzha?utm_source=mail"
    older = _parameter("version", "query", False, "Do not delete anything newer")
    older["schema"] = {"type": "integer", "minimum": 0, "exclusiveMaximum": 10**16}
    return {
        f"{article}/related": {
            "get": _list("relatedArticles", "Related articles", _ID, *lists),
        },
        f"{article}/related.{{form}}": {
            "get": _list(
                "relatedArticlesInForm",
                "Related articles as HTML, RSS, JSON Feed or JSON-LD",
                *(_ID, _FORM, *_HTML, *lists),
                forms=FORMS,
            ),
        },
        "/v1/{site}/related": {
            "get": _list("relatedByUrl", "Related articles, by page address", by_url, *lists),
            "post": _operation(
                "relatedToDraft",
                "Related articles of a draft, which is not stored",
                {"200": _answer("List")},
                *(400, 401, 403, 404, 413, 503),
                parameters=[_SITE, *lists],
                body=_json("Draft"),
                key="edit",
            ),
        },
        "/v1/{site}/related.{form}": {
            "get": _list(
                "relatedByUrlInForm",
                "Related articles, by page address, as HTML, RSS, JSON Feed or JSON-LD",
                *(by_url, _FORM, *_HTML, *lists),
                forms=FORMS,
            ),
        },
        "/v1/{site}/recent": {"get": _list("recentArticles", "Newest articles", *lists)},
        "/v1/{site}/recent.{form}": {
            "get": _list(
                "recentArticlesInForm",
                "Newest articles as HTML, RSS, JSON Feed or JSON-LD",
                *(_FORM, *_HTML, *lists),
                forms=FORMS,
            ),
        },
        article: {
            "put": _operation(
                "putArticle",
                "Store an article",
                {"200": _answer("Stored"), "201": {**_answer("Stored"), "description": "Added"}},
                *(400, 401, 403, 404, 409, 413, 503),
                parameters=[_SITE, _ID],
                body=_json("SentArticle"),
                key="ingest",
            ),
            "get": _operation(
                "getArticle",
                "The article as stored",
                {"200": _answer("Article")},
                *(400, 401, 403, 404, 503),
                parameters=[_SITE, _ID],
                key="ingest",
            ),
            "delete": _operation(
                "deleteArticle",
                "Delete an article",
                {"204": {"description": "Deleted, now or before"}},
                *(400, 401, 403, 404, 409, 503),
                parameters=[_SITE, _ID, older],
                key="ingest",
            ),
        },
        "/v1/{site}/articles": {
            "post": _operation(
                "putArticles",
                "Store many: NDJSON in, one result line out for each line that is not blank",
                {"200": {"description": "LineResult", "content": _ndjson(LINES_EXAMPLE)}},
                *(400, 401, 403, 404, 413, 503),
                parameters=[_SITE],
                body=_ndjson(SENT_LINES_EXAMPLE),
                key="ingest",
            )
        },
        "/v1/{site}/events": {
            "post": _operation(
                "countEvents",
                "Count impressions and clicks; nothing of browsers that say DNT or Sec-GPC",
                {"204": {"description": "Taken; unknown articles are passed over"}},
                *(400, 404, 413, 415, 429, 503),
                parameters=[_SITE],
                body={**_json("EventBatch"), **_json("EventBatch", "text/plain")},
            )
        },
        "/healthz": {
            "get": _operation("healthz", "Is the process alive?", {"200": _answer("Health")})
        },
        "/readyz": {
            "get": _operation(
                "readyz",
                "Can it answer?",
                {"200": _answer("Readiness"), "503": {**_answer("Readiness"), "description": "No"}},
            )
        },
        "/openapi.json": {
            "get": _operation(
                "openapi",
                "This description",
                {
                    "200": {
                        "description": "OpenAPI",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    }
                },
            )
        },
    }


def _parameter(name: str, place: str, required: bool, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": required,
        "description": text,
        "schema": {"type": "string"},
    }


_SITE = _parameter("site", "path", True, "Name of the site") | {
    "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
    "example": "main",
}
_ID = _parameter("id", "path", True, "The article's id, percent-encoded: also its slashes") | {
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES},
    "example": "2025/03/12/sudzha",
}


_FORM = _parameter("form", "path", True, "`json` is JSON Feed") | {
    "schema": {"type": "string", "enum": ["html", "rss", "json", "jsonld"]},
    "example": "rss",
}
_HTML = [
    _parameter("layout", "query", False, "Of HTML: how the box is laid out")
    | {"schema": {"type": "string", "enum": list(LAYOUTS), "default": "sidebar"}},
    _parameter("embed", "query", False, "Of HTML: `1` for a whole page, to stand in a frame")
    | {"schema": {"type": "string", "enum": ["0", "1", "false", "true"], "default": "0"}},
]


def _list_schemas() -> dict[str, Schema]:
    """The list's parameters, as JSON Schemas of what a sender writes."""
    moment: Schema = {"type": "string", "examples": ["2025-03-13T07:12:44Z", "7d"]}
    schemas = ListQuery.model_json_schema()["properties"]
    written: dict[str, Schema] = {
        "lang": {"type": "array", "items": {"type": "string"}, "maxItems": MAX_VALUES},
        "exclude": {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES},
            "maxItems": MAX_EXCLUDED,
        },
        "published_after": moment,
        "published_before": moment,
    }
    return {
        name: {
            **written.get(name, schema),
            "description": schema["description"],
            "title": schema["title"],
        }
        for name, schema in schemas.items()
    }


def _query_parameters() -> list[dict[str, Any]]:
    parameters = []
    for name, schema in _list_schemas().items():
        parameter = _parameter(name, "query", False, schema.pop("description"))
        parameters.append({**parameter, "schema": schema})
    return parameters


def _list(
    name: str, summary: str, *parameters: dict[str, Any], forms: dict[str, Any] | None = None
) -> dict[str, Any]:
    # Where the path says nothing, `Accept` decides.
    answer = {"description": "List", "content": forms or {**_json("List"), **FORMS}}
    answer["headers"] = {
        header: {"description": text, "schema": {"type": "string"}}
        for header, text in (
            ("ETag", "For `If-None-Match`"),
            ("Cache-Control", "How long any cache may keep it"),
            ("Cache-Status", "Where it comes from (RFC 9211)"),
        )
    }
    good = {"200": answer, "304": {"description": "As you have it (`If-None-Match`)"}}
    return _operation(name, summary, good, 400, 404, 503, parameters=[_SITE, *parameters])


def _operation(
    name: str,
    summary: str,
    good: dict[str, Any],
    *problems: int,
    parameters: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
    key: str | None = None,
) -> dict[str, Any]:
    problem = {"description": "Problem", "content": _json("Problem", "application/problem+json")}
    return {
        "operationId": name,
        "summary": summary,
        **({"description": f"Needs a key with the scope `{key}`."} if key else {}),
        "parameters": parameters or [],
        "responses": good | {str(status): problem for status in problems},
        **({"requestBody": {"required": True, "content": body}} if body else {}),
        "security": [{"key": []}] if key else [],
    }


def _answer(model: str) -> dict[str, Any]:
    return {"description": model, "content": _json(model)}


def _json(model: str, content_type: str = "application/json") -> dict[str, Any]:
    reference = {"$ref": REFERENCE.format(model=model)}
    return {content_type: {"schema": reference, "example": EXAMPLES[model]}}


def _ndjson(example: str) -> dict[str, Any]:
    return {"application/x-ndjson": {"schema": {"type": "string"}, "example": example}}
