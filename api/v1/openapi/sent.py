"""What may be sent? More than we give, so these schemas are written by hand."""

from api.http.auth import Signature
from api.lists.options import option_schemas
from api.v1.openapi.parameters import Schema
from api.v1.rules import GROUPS, MAX_OVERRIDES
from api.v1.settings import SentComparison
from features.article import Article
from features.values import MAX_ID_BYTES, MAX_LABELS
from recommender.policy.list_options import LinkOptions, ListOptions
from recommender.policy.option_types import SURFACE_PATTERN
from recommender.policy.rules import FLAGS, MAX_BOOST, MAX_POSITION, READ_ONLY, RuleKind
from recommender.policy.site_settings import (
    MAX_SURFACES,
    ArticleSettings,
    ListDefaults,
    WeightChanges,
)

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
    "description": "ISO 8601, RFC 5322, a Unix time and others; without a zone it is UTC",
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
    name: {**_TEXT, "description": field.description}
    for name, field in Signature.model_fields.items()
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


def sent() -> dict[str, Schema]:
    """Schemas of all that may be sent, by the name they are called by."""
    article = _sent_article()
    links = option_schemas(LinkOptions, "draft", "links")
    return {
        "SentArticle": article,
        "Draft": _draft(article, option_schemas(ListOptions, "draft"), "the list beside it"),
        "LinkDraft": _draft(article, links, "the links in it or to it"),
        "SentRule": _sent_rule(),
        "SentOverrides": _sent_overrides(),
        "SentSettings": _sent_settings(),
        "SentComparison": _sent_comparison(),
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


def _sent_override(kind: RuleKind) -> Schema:
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


def _sent_settings() -> Schema:
    defaults, described = _sent_defaults(), "By name of the surface, up to 40 of a-z, 0-9 and -"
    return {
        "type": "object",
        "description": "How lists are made whose requests do not say; what is left out goes.",
        "properties": {
            "articles": {
                **ArticleSettings.model_json_schema(),
                "description": "What holds for articles that do not say it",
                "additionalProperties": False,
            },
            "site": defaults,
            "surfaces": {
                "type": "object",
                "description": f"{described}: what differs there from the rest of the site",
                "maxProperties": MAX_SURFACES,
                "propertyNames": {"pattern": SURFACE_PATTERN},
                "additionalProperties": defaults,
            },
            **_SIGNED,
            "revision": {"description": "Ignored"},
        },
        "additionalProperties": False,
    }


def _sent_comparison() -> Schema:
    fields = SentComparison.model_json_schema()["properties"]
    tried = {
        side: {"anyOf": [_sent_defaults(), {"type": "null"}], "description": schema["description"]}
        for side, schema in fields.items()
        if side in ("a", "b")
    }
    return {
        "type": "object",
        "description": "Two settings to hold against each other; nothing of it is stored.",
        "properties": {
            **fields,
            **tried,
            "article": {**_ARTICLE_ID, "description": fields["article"]["description"]},
        },
        "additionalProperties": False,
    }


def _sent_defaults() -> Schema:
    """What a site or a surface wants of its lists; null is as good as nothing."""
    weights = WeightChanges.model_json_schema()["properties"]
    return {
        "type": "object",
        "properties": ListDefaults.model_json_schema()["properties"]
        | {"weights": {"type": "object", "properties": weights, "additionalProperties": False}},
        "additionalProperties": False,
    }


def _sent_article() -> Schema:
    return {
        "type": "object",
        "description": "An article as it comes in; README.md lists more names for its fields.",
        "properties": {field: _FORGIVING[field] for field in Article.model_fields},
        "required": ["title"],
    }


def _draft(article: Schema, options: dict[str, Schema], what: str) -> Schema:
    return {
        "type": "object",
        "description": f"A story that is being written, and what is wanted of {what}.",
        "properties": {
            **article["properties"],
            "title": {**_TEXT, "description": "Text or HTML; may be missing if there is a body"},
            **options,
        },
    }
