"""What does each of them look like?"""

from typing import Any

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
LIST_EXAMPLE: dict[str, Any] = {
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
    "diversity_penalty": 0.0,
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
SENT_LINK_EXAMPLE = {
    "title": "Talks in Istanbul",
    "body": "Negotiators met on Friday.\n\nNobody gives up the Kursk region.",
    "limit": 3,
    "direction": "out",
}
LINKS_EXAMPLE = {
    "draft": {"id": None, "title": "Talks in Istanbul", "language": "en"},
    "direction": "out",
    "version": 1284,
    "items": [
        {
            "target": {
                key: value
                for key, value in ARTICLE_EXAMPLE.items()
                if key not in ("body", "version")
            },
            "score": 0.383449,
            "reason": _BECAUSE,
            "anchor": {
                "start": 48,
                "end": 60,
                "start_utf16": 48,
                "end_utf16": 60,
                "text": "Kursk region",
                "html": '<a href="https://news.example/2025/03/13/kursk">Kursk region</a>',
            },
            "after_paragraph": {"index": 1, "offset": 61, "offset_utf16": 61},
            "html": '<p>Also See: <a href="https://news.example/2025/03/13/kursk">'
            "Russia retakes villages in the Kursk region</a></p>",
        }
    ],
    "duplicates": [
        {
            "id": "2025/03/10/istanbul",
            "title": "Istanbul talks begin",
            "url": "https://news.example/2025/03/10/istanbul",
            "published_at": "2025-03-10T10:00:00Z",
            "similarity": 0.71,
            "overlap": 0.83,
            "message": "We already ran this on 10 March 2025.",
        }
    ],
}
PROBLEM_EXAMPLE = {
    "type": "about:blank",
    "title": "Bad Request",
    "status": 400,
    "detail": "published_at: expected an ISO 8601 date",
    "errors": [{"pointer": "/published_at", "detail": "expected an ISO 8601 date"}],
}
STORED_EXAMPLE = {
    "id": "2025/03/13/kursk",
    "outcome": "added",
    "version": 1285,
    "warnings": [],
}
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
    "settings": None,
}
SENT_SETTINGS_EXAMPLE = {
    "articles": {"zone": "Europe/Kyiv", "language": "uk"},
    "site": {"limit": 6, "half_life_days": 3.5},
    "surfaces": {
        "home": {"mode": "recent", "max_age": "90d", "max_per_section": 2},
        "newsletter": {"limit": 3, "section": ["World"], "weights": {"time": 0.5}},
    },
    "author": "Ana Ruiz",
    "note": "Fresher lists on the home page",
}
SETTINGS_EXAMPLE = {
    "articles": {"zone": "Europe/Kyiv", "language": "uk"},
    "site": {"limit": 6, "half_life_days": 3.5, "weights": {}},
    "surfaces": {
        "home": {"mode": "recent", "max_age": "90d", "max_per_section": 2, "weights": {}},
        "newsletter": {"limit": 3, "section": ["World"], "weights": {"time": 0.5}},
    },
    "revision": "7b0e0a3d5c1f92e846",
}
SENT_COMPARISON_EXAMPLE = {
    "surface": "home",
    "b": {"mode": "recent", "diversity": 0.3},
    "sample": 200,
}
SIDE_BY_SIDE_EXAMPLE = {
    "version": 1284,
    "source": LIST_EXAMPLE["source"],
    "overlap": 1.0,
    "a": [LIST_EXAMPLE["items"][0] | {"movement": {"code": "same", "places": 0}}],
    "b": [LIST_EXAMPLE["items"][0] | {"movement": {"code": "same", "places": 0}}],
}
_FIGURES_EXAMPLE = {
    "items": 5.0,
    "age_days": 412.3,
    "distance_days": 96.5,
    "cosine": 0.128941,
    "sections": 1.9,
    "fallback": 0.04,
}
SAMPLED_EXAMPLE = {
    "articles": 200,
    "changed": 0.875,
    "overlap": 0.52,
    "moved": 0.9,
    "a": _FIGURES_EXAMPLE,
    "b": _FIGURES_EXAMPLE | {"age_days": 31.0, "distance_days": 380.2, "sections": 2.4},
}
_NOTED_EXAMPLE = {**_TARGET_EXAMPLE, "number": 31.0}
_COUNTS_EXAMPLE = {"impressions": 5200, "clicks": 143, "click_through": 0.0275}
OVERVIEW_EXAMPLE = {
    "site": "main",
    "made_at": "2025-03-13T07:12:44Z",
    "version": 1286,
    "archive": {
        "articles": 1284,
        "undated": 0,
        "scheduled": 2,
        "languages": [{"name": "en", "articles": 1284}],
        "sections": [{"name": "world", "articles": 900}, {"name": None, "articles": 384}],
        "years": [{"name": "2025", "articles": 200}, {"name": "2024", "articles": 1084}],
    },
    "fresh": {
        "days": [{"day": "2025-03-13", "articles": 12}],
        "week": 71,
        "newest": {**_TARGET_EXAMPLE, "published_at": "2025-03-13T07:12:44Z"},
    },
    "survey": {
        "made_at": "2025-03-12T22:00:00Z",
        "changes_since": 12,
        "articles": 1272,
        "lists": 1272,
        "related": [4, 9, 31, 70, 200, 958],
        "without": 4,
        "few": 40,
        "old": 17,
        "never": 61,
        "recommended": [{"from": 0, "below": 1, "articles": 61}],
        "ages": [{"from": 1825, "below": None, "lists": 3}],
        "gaps": [{"from": None, "below": 0, "lists": 412}],
        "named": {
            "most": [_NOTED_EXAMPLE],
            "never": [],
            "without": [],
            "few": [],
            "old": [],
        },
    },
    "surveying": {"done": 800, "total": 1284},
    "imports": [
        {
            "at": "2025-03-13T06:00:00Z",
            "source": "archive.jsonl",
            "added": 12,
            "changed": 1,
            "unchanged": 1271,
            "refused": 1,
            "broke_off": "",
            "problems": [{"line": 7, "id": None, "field": "published_at", "reason": "not a date"}],
        }
    ],
    "readers": {
        **_COUNTS_EXAMPLE,
        "days": [{"day": "2025-03-13", **_COUNTS_EXAMPLE}],
        "positions": [{"position": 1, **_COUNTS_EXAMPLE}],
    },
    "ranking": {"measured": {"measure": "nDCG@10", "before": 0.41, "after": 0.43}},
    "evaluation": {
        "made_at": "2025-03-12T22:00:00Z",
        "articles": 1272,
        "queries": 310,
        "systems": {"alsosee": {"nDCG@10": {"mean": 0.43, "low": 0.4, "high": 0.46}}},
    },
    "service": {
        "version": "0.1.0",
        "state": "ready",
        "store": "Valkey 9.1.2",
        "checks": [{"state": "ok", "text": "what was accepted survives a crash and a power cut"}],
        "index_file": 3,
        "damaged_records": 0,
        "outdated_vectors": 0,
        "workers": 2,
        "threads": 4,
    },
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
    "LinkDraft": SENT_LINK_EXAMPLE,
    "Links": LINKS_EXAMPLE,
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
    "AuditPage": {"items": [{**AUDIT_ENTRY_EXAMPLE, "undone_by": None}], "next": "1286-1"},
    "SentSettings": SENT_SETTINGS_EXAMPLE,
    "Settings": SETTINGS_EXAMPLE,
    "SentComparison": SENT_COMPARISON_EXAMPLE,
    "SideBySide": SIDE_BY_SIDE_EXAMPLE,
    "Sampled": SAMPLED_EXAMPLE,
    "Overview": OVERVIEW_EXAMPLE,
    "Health": HEALTH_EXAMPLE,
    "Readiness": READINESS_EXAMPLE,
}
