"""The OpenAPI 3.1 description, made from the same models that check requests."""

from functools import cache
from importlib.metadata import version
from typing import Any, Literal

from flask import Blueprint, Response
from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from api.events import EventBatch
from api.formats import LAYOUTS
from api.listing import json_response
from api.params import MAX_EXCLUDED, ListQuery
from api.rules import GROUPS, MAX_OVERRIDES, AuditQuery, RuleQuery, Signature
from features.article import MAX_ID_BYTES, MAX_LABELS, Article, Image
from recommender.rulebook import AuditEntry
from recommender.rules import FLAGS, MAX_BOOST, MAX_POSITION, READ_ONLY, Kind, Rule
from recommender.wishes import MAX_VALUES

blueprint = Blueprint("openapi", __name__)

REFERENCE = "#/components/schemas/{model}"
Schema = dict[str, Any]


class Reason(BaseModel):
    """Why an item stands in the list."""

    code: Literal["similar", "pinned", "relaxed", "same_section", "recent"]
    text: str
    same_story: list[str] = Field(
        default=[],
        description="Ids of other articles that tell the same story; this one stands for them",
    )


class SharedTerm(BaseModel):
    """A term that both texts hold; the weights of all add up to the similarity."""

    term: str
    weight: float


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
    score: float = Field(
        description="What the order goes by: the product of `factors`, six decimals"
    )
    position: int = Field(ge=1)
    reason: Reason
    similarity: float = Field(
        default=0.0, description="Cosine with the source; only with `explain`"
    )
    factors: dict[str, float] = Field(
        default={}, description="What each part adds to the score; only with `explain`"
    )
    terms: list[SharedTerm] = Field(
        default=[], description="Shared terms, the heaviest first; only with `explain`"
    )


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
    fallback: bool = Field(description="Whether less related or recent articles fill the list up")
    page_token: str = Field(
        description="Hand it to the next list of the page, which then shows others"
    )


class NamedArticle(BaseModel):
    id: str
    title: str | None


class Why(BaseModel):
    """Why an article stands in a list, or does not."""

    code: str
    text: str
    by: str | None = Field(default=None, description="Id of the article that stands for it")


class Explanation(BaseModel):
    """One article beside another."""

    source: NamedArticle
    target: NamedArticle
    shown: bool = Field(description="Whether it stands on the page that was asked for")
    position: int | None = Field(description="In the whole ranking, from 1")
    reason: Why
    rule: Rule | None = Field(description="The editors' rule that decided, if one did")
    similarity: float = Field(description="Cosine; the weights of the terms add up to it")
    score: float | None
    factors: dict[str, float] = Field(description="Their product is the score")
    terms: list[SharedTerm]


class RankedItem(NamedArticle):
    """A candidate that has a place."""

    position: int
    score: float
    similarity: float
    factors: dict[str, float]
    terms: list[SharedTerm]
    reason: Reason


class DroppedItem(NamedArticle):
    """A candidate that has none."""

    reason: Why


class Ranking(BaseModel):
    """The candidates of an article, with all that moved them."""

    source: NamedArticle
    version: int
    items: list[RankedItem]
    dropped: list[DroppedItem]


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


class Override(BaseModel):
    """A rule about an article: beside it, or `everywhere`, for that article in every list."""

    id: str
    article: str | None = Field(None, description="What the rule does something to")
    section: str | None = Field(None, description="What the rule does something to")
    everywhere: bool = Field(False, description="About this very article, in every list")
    position: int | None = Field(None, description="Of pins")
    factor: float | None = Field(None, description="Of boosts and buries")
    flag: str | None = Field(None, description="Of flags")
    author: str
    key_id: str
    note: str
    created_at: str
    expires_at: str | None


class ArticleOverrides(BaseModel):
    """Every rule about one article."""

    article: str
    revision: str = Field(description="Differs when any of them does; also the ETag")
    pins: list[Override]
    blocks: list[Override]
    boosts: list[Override]
    buries: list[Override]
    flags: list[Override]


class RulePage(BaseModel):
    """Rules, newest first."""

    items: list[Rule]
    next: str | None = Field(description="The `cursor` of the next page, if there is one")


class AuditPage(BaseModel):
    """Changes, newest first; a page may be short, or empty, with more to come."""

    items: list[AuditEntry]
    next: str | None = Field(description="The `cursor` of the next page, if there is one")


class Health(BaseModel):
    """The process is alive."""

    status: str


class Readiness(BaseModel):
    """The state of each site: `ready`, or why it is not."""

    ready: bool
    sites: dict[str, str]


ANSWERS: dict[type[BaseModel], JsonSchemaMode] = {
    Article: "serialization",
    Stored: "serialization",
    Rule: "serialization",
    RulePage: "serialization",
    AuditEntry: "serialization",
    AuditPage: "serialization",
    Health: "serialization",
    Readiness: "serialization",
    # What is missing where there is nothing to say.
    List: "validation",
    Explanation: "validation",
    Ranking: "validation",
    EventBatch: "validation",
    Problem: "validation",
    LineResult: "validation",
    ArticleOverrides: "validation",
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
    "page_token": "0nfK1Kbx",
}
_SHARED_EXAMPLE = {
    "similarity": 0.412311,
    "factors": {"similarity": 0.412311, "time": 0.93, "author": 1.0, "section": 1.0},
    "terms": [{"term": "Kursk region", "weight": 0.21}, {"term": "Sudzha", "weight": 0.202311}],
}
_SOURCE_EXAMPLE = {"id": "2025/03/12/sudzha", "title": "Flag raised over Sudzha"}
_TARGET_EXAMPLE = {"id": "2025/03/13/kursk", "title": "Russia retakes villages"}
_BECAUSE = {"code": "similar", "text": "Both about Kursk region and Sudzha"}
EXPLANATION_EXAMPLE = {
    "source": _SOURCE_EXAMPLE,
    "target": _TARGET_EXAMPLE,
    "shown": True,
    "position": 1,
    "reason": _BECAUSE,
    "rule": None,
    "score": 0.383449,
    **_SHARED_EXAMPLE,
}
RANKING_EXAMPLE = {
    "source": _SOURCE_EXAMPLE,
    "version": 1284,
    "items": [
        {**_TARGET_EXAMPLE, "position": 1, "score": 0.383449, "reason": _BECAUSE, **_SHARED_EXAMPLE}
    ],
    "dropped": [
        {
            "id": "2025/03/12/sudzha-wire",
            "title": "Flag over Sudzha: agency copy",
            "reason": {
                "code": "same_story_as_source",
                "text": "It tells the same story in the same words.",
            },
        }
    ],
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
SENT_RULE_EXAMPLE = {
    "kind": "pin",
    "source": {"section": "World"},
    "target": {"article": "2025/03/13/kursk"},
    "position": 1,
    "author": "Ana Ruiz",
    "note": "Our live blog",
    "expires_at": "7d",
}
RULE_EXAMPLE = SENT_RULE_EXAMPLE | {
    "id": "195a2b3c4d51f3a9c01",
    "source": {"article": None, "section": "World"},
    "target": {"article": "2025/03/13/kursk", "section": None},
    "factor": None,
    "flag": None,
    "key_id": "1f3a9c01",
    "created_at": "2025-03-13T07:12:44Z",
    "expires_at": "2025-03-20T07:12:44Z",
}
SENT_OVERRIDES_EXAMPLE = {
    "author": "Ana Ruiz",
    "pins": [{"article": "2025/03/13/kursk", "position": 1, "expires_at": "7d"}],
    "blocks": [{"section": "Sport", "note": "Not beside a war"}],
    "boosts": [{"everywhere": True, "factor": 2}],
    "flags": [{"flag": "no_related"}],
}
_DECIDED = {name: RULE_EXAMPLE[name] for name in ("id", "author", "key_id", "note", "created_at")}
OVERRIDES_EXAMPLE = {
    "article": "2025/03/12/sudzha",
    "revision": "5a1f0c2b9d3e4f6071",
    "pins": [{"article": "2025/03/13/kursk", "position": 1, **_DECIDED, "expires_at": None}],
    "blocks": [],
    "boosts": [],
    "buries": [],
    "flags": [{"flag": "no_related", **_DECIDED, "expires_at": None}],
}
AUDIT_ENTRY_EXAMPLE = {
    "id": "1286-1",
    "at": "2025-03-13T07:12:44Z",
    "action": "add",
    "key_id": "1f3a9c01",
    "author": "Ana Ruiz",
    "note": "Our live blog",
    "undoes": None,
    "before": [],
    "after": [RULE_EXAMPLE],
}
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
    "Explanation": EXPLANATION_EXAMPLE,
    "Ranking": RANKING_EXAMPLE,
    "EventBatch": EVENTS_EXAMPLE,
    "Problem": PROBLEM_EXAMPLE,
    "Stored": STORED_EXAMPLE,
    "SentRule": SENT_RULE_EXAMPLE,
    "Rule": RULE_EXAMPLE,
    "RulePage": {"items": [RULE_EXAMPLE], "next": None},
    "SentOverrides": SENT_OVERRIDES_EXAMPLE,
    "ArticleOverrides": OVERRIDES_EXAMPLE,
    "AuditEntry": AUDIT_ENTRY_EXAMPLE,
    "AuditPage": {"items": [AUDIT_ENTRY_EXAMPLE], "next": "1286-1"},
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
            "schemas": schemas["$defs"]
            | {"SentArticle": sent, "Draft": _draft(sent)}
            | {"SentRule": _sent_rule(), "SentOverrides": _sent_overrides()},
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


_ARTICLE_ID: Schema = {
    "type": ["string", "integer", "null"],
    "minLength": 1,
    "maxLength": MAX_ID_BYTES,
}
_SIGNED: dict[str, Schema] = {
    "author": {**_TEXT, "description": "Who decides this; otherwise the note of the key"},
    "note": {**_TEXT, "description": "Why"},
}
_DECISION: dict[str, Schema] = {
    "position": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": MAX_POSITION,
        "description": "Of a pin",
    },
    "factor": {
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": MAX_BOOST,
        "description": f"Of a boost, 1 to {MAX_BOOST:g}, or a bury, 0 to 1",
    },
    "flag": {"enum": [*FLAGS, None], "description": "Of a flag"},
    **_SIGNED,
    "expires_at": {
        **_TEXT,
        "description": "ISO 8601, or a time from now: `7d`, `12h`",
        "examples": ["2035-03-13T07:12:44Z", "7d"],
    },
    **{name: {"description": "Ignored: the service knows it"} for name in READ_ONLY},
}


def _sent_rule() -> Schema:
    selector: Schema = {
        "type": ["object", "null"],
        "properties": {"article": _ARTICLE_ID, "section": _TEXT},
        "additionalProperties": False,
        "description": "An article or a section; neither means everywhere",
    }
    return {
        "type": "object",
        "description": "A decision: beside the source, do this to the target.",
        "properties": {
            "kind": {"enum": [*GROUPS.values()]},
            "source": selector,
            "target": selector,
            **_DECISION,
        },
        "required": ["kind", "target"],
        "additionalProperties": False,
    }


def _sent_overrides() -> Schema:
    groups = {
        name: {"type": "array", "maxItems": MAX_OVERRIDES, "items": _sent_override(kind)}
        for name, kind in GROUPS.items()
    }
    ignored = {name: {"description": "Ignored"} for name in ("article", "revision")}
    return {
        "type": "object",
        "description": "Every rule about one article; what is left out goes.",
        "properties": {**_SIGNED, **groups, **ignored},
        "additionalProperties": False,
    }


def _sent_override(kind: Kind) -> Schema:
    own = {"pin": "position", "boost": "factor", "bury": "factor", "flag": "flag"}.get(kind)
    left_out = {"position", "factor", "flag"} - {own}
    fields = {name: schema for name, schema in _DECISION.items() if name not in left_out}
    if kind != "flag":
        whole = {"type": "boolean", "description": "About this very article, in every list"}
        fields |= {"article": _ARTICLE_ID, "section": _TEXT, "everywhere": whole}
    return {
        "type": "object",
        "properties": fields,
        "required": [own] if own else [],
        "additionalProperties": False,
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
        f"{article}/related/explain": {
            "get": _operation(
                "explainRelated",
                "Why candidates stand where they stand, or not; with a target, why this one does",
                {"200": _either("Explanation", "Ranking")},
                *(400, 401, 403, 404, 503),
                parameters=[_SITE, _ID, _TARGET, *lists],
                key="look",
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
                key="look",
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
        **_rule_paths(),
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


def _rule_paths() -> dict[str, Any]:
    signature = _parameters_of(Signature)
    rule_id = _parameter("rule_id", "path", True, "The rule's id")
    entry_id = _parameter("entry_id", "path", True, "The audit entry's id")
    return {
        "/v1/{site}/articles/{id}/overrides": {
            "get": _operation(
                "getOverrides",
                "Every rule about an article",
                {"200": _with_etag(_answer("ArticleOverrides"))},
                *(400, 401, 403, 404, 503),
                parameters=[_SITE, _ID],
                key="look",
            ),
            "put": _operation(
                "putOverrides",
                "Replace every rule about an article",
                {"200": _with_etag(_answer("ArticleOverrides"))},
                *(400, 401, 403, 404, 409, 412, 413, 503),
                parameters=[_SITE, _ID, _IF_MATCH],
                body=_json("SentOverrides"),
                key="edit",
            ),
        },
        "/v1/{site}/rules": {
            "get": _operation(
                "listRules",
                "The rules of the site, newest first",
                {"200": _answer("RulePage")},
                *(400, 401, 403, 404, 503),
                parameters=[_SITE, *_parameters_of(RuleQuery)],
                key="look",
            ),
            "post": _operation(
                "addRule",
                "Add a rule; one on the same question goes",
                {"201": _answer("Rule")},
                *(400, 401, 403, 404, 409, 413, 503),
                parameters=[_SITE],
                body=_json("SentRule"),
                key="edit",
            ),
        },
        "/v1/{site}/rules/{rule_id}": {
            "delete": _operation(
                "removeRule",
                "Remove a rule",
                {"204": {"description": "Removed"}},
                *(400, 401, 403, 404, 409, 503),
                parameters=[_SITE, rule_id | {"example": RULE_EXAMPLE["id"]}, *signature],
                key="edit",
            ),
        },
        "/v1/{site}/audit": {
            "get": _operation(
                "audit",
                "Who changed rules, newest first",
                {"200": _answer("AuditPage")},
                *(400, 401, 403, 404, 503),
                parameters=[_SITE, *_parameters_of(AuditQuery)],
                key="look",
            ),
        },
        "/v1/{site}/audit/{entry_id}/undo": {
            "post": _operation(
                "undo",
                "Put back what was there before a change",
                {"201": _answer("AuditEntry")},
                *(400, 401, 403, 404, 409, 503),
                parameters=[_SITE, entry_id | {"example": "1286-1"}, *signature],
                key="edit",
            ),
        },
    }


def _parameters_of(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a model as parameters of the query string, where nothing is null."""
    found = []
    for name, schema in model.model_json_schema()["properties"].items():
        value = schema.get("anyOf", [schema])[0]
        kept = {
            key: value[key]
            for key in ("type", "enum", "pattern", "minimum", "maximum")
            if key in value
        }
        text = schema.get("description") or _SIGNED[name]["description"]
        found.append({**_parameter(name, "query", False, text), "schema": kept})
    return found


def _with_etag(answer: dict[str, Any]) -> dict[str, Any]:
    etag = {"description": "The revision, for `If-Match`", "schema": {"type": "string"}}
    return {**answer, "headers": {"ETag": etag}}


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
_IF_MATCH = _parameter("If-Match", "header", False, "Only if this is still the ETag; else 412")
_ID = _parameter("id", "path", True, "The article's id, percent-encoded: also its slashes") | {
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES},
    "example": "2025/03/12/sudzha",
}
_TARGET = _parameter("target", "query", False, "Id of one article, to hear about that alone") | {
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES},
    "example": "2025/03/13/kursk",
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


def _either(*models: str) -> dict[str, Any]:
    references = [{"$ref": REFERENCE.format(model=model)} for model in models]
    content = {"schema": {"anyOf": references}, "example": EXAMPLES[models[0]]}
    return {"description": " or ".join(models), "content": {"application/json": content}}


def _json(model: str, content_type: str = "application/json") -> dict[str, Any]:
    reference = {"$ref": REFERENCE.format(model=model)}
    return {content_type: {"schema": reference, "example": EXAMPLES[model]}}


def _ndjson(example: str) -> dict[str, Any]:
    return {"application/x-ndjson": {"schema": {"type": "string"}, "example": example}}
