"""Which addresses are there, and what can be done at each?"""

from api.http.auth import Signature
from api.v1.openapi.examples import FORMS, LINES_EXAMPLE, RULE_EXAMPLE, SENT_LINES_EXAMPLE
from api.v1.openapi.operations import (
    Described,
    a_list,
    answer,
    either,
    json,
    ndjson,
    operation,
    with_etag,
)
from api.v1.openapi.parameters import (
    BY_URL,
    FORM,
    HTML,
    ID,
    IF_MATCH,
    OLDER,
    SITE,
    TARGET,
    in_path,
    of_links,
    of_lists,
    of_model,
)
from api.v1.rules import AuditQuery, RuleQuery

ARTICLE = "/v1/{site}/articles/{id}"
IN_FORM = "as HTML, RSS, JSON Feed or JSON-LD"


def paths() -> dict[str, Described]:
    groups = (
        *(_related, _by_url, _recent, _links, _articles),
        *(_rules, _settings, _audit, _overview, _events, _service),
    )
    return {path: operations for group in groups for path, operations in group().items()}


def _related() -> dict[str, Described]:
    name, summary = "relatedArticlesInForm", f"Related articles {IN_FORM}"
    return {
        f"{ARTICLE}/related": {"get": a_list("relatedArticles", "Related articles", ID)},
        f"{ARTICLE}/related.{{form}}": {"get": a_list(name, summary, ID, FORM, *HTML, forms=FORMS)},
        f"{ARTICLE}/related/explain": {"get": _explain()},
    }


def _explain() -> Described:
    return operation(
        "explainRelated",
        "Why candidates stand where they stand, or not; with a target, why this one does",
        {"200": either("Explanation", "Ranking")},
        parameters=[SITE, ID, TARGET, *of_lists()],
        scope="look",
    )


def _by_url() -> dict[str, Described]:
    summary = "Related articles, by page address"
    draft = operation(
        "relatedToDraft",
        "Related articles of a draft, which is not stored",
        {"200": answer("List")},
        413,
        parameters=[SITE, *of_lists()],
        body=json("Draft"),
        scope="look",
    )
    in_form = a_list(
        "relatedByUrlInForm", f"{summary}, {IN_FORM}", BY_URL, FORM, *HTML, forms=FORMS
    )
    return {
        "/v1/{site}/related": {"get": a_list("relatedByUrl", summary, BY_URL), "post": draft},
        "/v1/{site}/related.{form}": {"get": in_form},
    }


def _recent() -> dict[str, Described]:
    name, summary = "recentArticlesInForm", f"Newest articles {IN_FORM}"
    return {
        "/v1/{site}/recent": {"get": a_list("recentArticles", "Newest articles")},
        "/v1/{site}/recent.{form}": {"get": a_list(name, summary, FORM, *HTML, forms=FORMS)},
    }


def _links() -> dict[str, Described]:
    links = operation(
        "linksOfDraft",
        "Where a draft, which is not stored, should link to, or be linked from; and whether it ran",
        {"200": answer("Links")},
        413,
        parameters=[SITE, *of_links()],
        body=json("LinkDraft"),
        scope="look",
    )
    return {"/v1/{site}/links": {"post": links}}


def _articles() -> dict[str, Described]:
    many = operation(
        "putArticles",
        "Store many: NDJSON in, one result line out for each line that is not blank",
        {"200": {"description": "LineResult", "content": ndjson(LINES_EXAMPLE)}},
        413,
        parameters=[SITE],
        body=ndjson(SENT_LINES_EXAMPLE),
        scope="ingest",
    )
    return {ARTICLE: _article(), "/v1/{site}/articles": {"post": many}}


def _article() -> Described:
    put = operation(
        "putArticle",
        "Store an article",
        {"200": answer("Stored"), "201": answer("Stored", "Added")},
        *(409, 413),
        parameters=[SITE, ID],
        body=json("SentArticle"),
        scope="ingest",
    )
    get = operation(
        "getArticle",
        "The article as stored",
        {"200": answer("Article")},
        parameters=[SITE, ID],
        scope="ingest",
    )
    delete = operation(
        "deleteArticle",
        "Delete an article",
        {"204": {"description": "Deleted, now or before"}},
        409,
        parameters=[SITE, ID, OLDER],
        scope="ingest",
    )
    return {"put": put, "get": get, "delete": delete}


def _rules() -> dict[str, Described]:
    rule_id = in_path("rule_id", "The rule's id", str(RULE_EXAMPLE["id"]))
    remove = operation(
        "removeRule",
        "Remove a rule",
        {"204": {"description": "Removed"}},
        409,
        parameters=[SITE, rule_id, *of_model(Signature)],
        scope="edit",
    )
    return {
        f"{ARTICLE}/overrides": _overrides(),
        "/v1/{site}/rules": _rules_of_site(),
        "/v1/{site}/rules/{rule_id}": {"delete": remove},
    }


def _overrides() -> Described:
    good = {"200": with_etag(answer("ArticleOverrides"))}
    get = operation(
        "getOverrides", "Every rule about an article", good, parameters=[SITE, ID], scope="look"
    )
    put = operation(
        "putOverrides",
        "Replace every rule about an article",
        good,
        *(409, 412, 413),
        parameters=[SITE, ID, IF_MATCH],
        body=json("SentOverrides"),
        scope="edit",
    )
    return {"get": get, "put": put}


def _rules_of_site() -> Described:
    get = operation(
        "listRules",
        "The rules of the site, newest first",
        {"200": answer("RulePage")},
        parameters=[SITE, *of_model(RuleQuery)],
        scope="look",
    )
    post = operation(
        "addRule",
        "Add a rule; one on the same question goes",
        {"201": answer("Rule")},
        *(409, 413),
        parameters=[SITE],
        body=json("SentRule"),
        scope="edit",
    )
    return {"get": get, "post": post}


def _settings() -> dict[str, Described]:
    good = {"200": with_etag(answer("Settings"))}
    get = operation(
        "getSettings",
        "How lists are made whose requests do not say, by surface",
        good,
        parameters=[SITE],
        scope="look",
    )
    put = operation(
        "putSettings",
        "Replace the settings of the site and of all surfaces",
        good,
        *(409, 412, 413),
        parameters=[SITE, IF_MATCH],
        body=json("SentSettings"),
        scope="admin",
    )
    compare = operation(
        "compareSettings",
        "What other settings would change, beside one article or over a sample",
        {"200": either("Sampled", "SideBySide")},
        413,
        parameters=[SITE],
        body=json("SentComparison"),
        scope="look",
    )
    return {
        "/v1/{site}/settings": {"get": get, "put": put},
        "/v1/{site}/settings/compare": {"post": compare},
    }


def _audit() -> dict[str, Described]:
    entry_id = in_path("entry_id", "The audit entry's id", "1286-1")
    audit = operation(
        "audit",
        "Who changed rules and settings, newest first",
        {"200": answer("AuditPage")},
        parameters=[SITE, *of_model(AuditQuery)],
        scope="look",
    )
    undo = operation(
        "undo",
        "Put back what was there before a change; of settings only with the scope `admin`",
        {"201": answer("AuditEntry")},
        409,
        parameters=[SITE, entry_id, *of_model(Signature)],
        scope="edit",
    )
    return {"/v1/{site}/audit": {"get": audit}, "/v1/{site}/audit/{entry_id}/undo": {"post": undo}}


def _overview() -> dict[str, Described]:
    overview = operation(
        "overview",
        "Archive, lists, readers and service in figures, as the editor's desk shows them",
        {"200": answer("Overview")},
        parameters=[SITE],
        scope="look",
    )
    return {"/v1/{site}/overview": {"get": overview}}


def _events() -> dict[str, Described]:
    count = operation(
        "countEvents",
        "Count impressions and clicks; nothing of browsers that say DNT or Sec-GPC",
        {"204": {"description": "Taken; unknown articles are passed over"}},
        *(400, 404, 413, 415, 429, 503),
        parameters=[SITE],
        body={**json("EventBatch"), **json("EventBatch", "text/plain")},
    )
    return {"/v1/{site}/events": {"post": count}}


def _service() -> dict[str, Described]:
    alive = operation("healthz", "Is the process alive?", {"200": answer("Health")})
    states = {"200": answer("Readiness"), "503": answer("Readiness", "No")}
    ready = operation("readyz", "Can it answer?", states)
    content = {"application/json": {"schema": {"type": "object"}}}
    this = operation(
        "openapi", "This description", {"200": {"description": "OpenAPI", "content": content}}
    )
    return {
        "/healthz": {"get": alive},
        "/readyz": {"get": ready},
        "/openapi.json": {"get": this},
    }
