"""Editorial rules: pins, blocks, boosts and flags; the audit of changes, and undo."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Annotated, Any, NotRequired, cast

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from api.http.auth import Signature, require
from api.http.operation import IF_MATCH, REVISION_HEADER, View, operation
from api.http.request import backend, checked_id, expected_revisions, read_json
from api.http.responses import forward, json_response
from api.http.schemas import NextCursor, body_schema
from features.schemas import TEXT, Schema
from recommender.errors import FieldProblem, InvalidInput, NotFound
from recommender.policy.option_types import ArticleId
from recommender.policy.rules import (
    ARTICLE_SCHEMA,
    READ_ONLY,
    Choice,
    Rule,
    RuleKind,
    parse_rule,
)
from recommender.storage.access import Grant
from recommender.storage.audit import ENTRY_ID, AuditEntry, Editor
from recommender.storage.rule_changes import Overrides
from recommender.storage.rulebook import new_rule_id

blueprint = Blueprint("rules", __name__, url_prefix="/v1/<site>")

MAX_OVERRIDES = 200  # of each kind
MAX_PAGE = 500
PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE, description=f"How many, 1 to {MAX_PAGE}")]
GROUPS: dict[str, RuleKind] = {
    "pins": "pin",
    "blocks": "block",
    "boosts": "boost",
    "buries": "bury",
    "flags": "flag",
}

_OWN_FIELDS: dict[RuleKind, str | None] = {
    "pin": "position",
    "block": None,
    "boost": "factor",
    "bury": "factor",
    "flag": "flag",
}

Ignored = Annotated[Any, Field(description="Ignored: the service knows it")]


class SentRule(Rule):
    """A decision: in the list of the source, do this to the target."""

    id: Ignored = None
    key_id: Ignored = None
    created_at: Ignored = None
    target: Choice


@dataclass(frozen=True)
class EntriesOf:
    """Annotates the overrides of one kind with their schema; `_override_rules` parses them."""

    kind: RuleKind

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> Schema:
        return {"type": "array", "maxItems": MAX_OVERRIDES, "items": entry_schema(self.kind)}


OverrideEntries = Annotated[
    list[dict[str, Any]], Field(max_length=MAX_OVERRIDES, default_factory=list)
]


class SentOverrides(Signature):
    """Every rule about one article; rules that are left out are removed."""

    model_config = ConfigDict(extra="forbid")

    pins: Annotated[OverrideEntries, EntriesOf("pin")]
    blocks: Annotated[OverrideEntries, EntriesOf("block")]
    boosts: Annotated[OverrideEntries, EntriesOf("boost")]
    buries: Annotated[OverrideEntries, EntriesOf("bury")]
    flags: Annotated[OverrideEntries, EntriesOf("flag")]
    article: Ignored = None
    revision: Ignored = None

    def entries(self) -> Iterator[tuple[str, RuleKind, dict[str, Any]]]:
        """JSON Pointer, kind and fields of each."""
        for group, kind in GROUPS.items():
            for place, entry in enumerate(getattr(self, group)):
                yield f"/{group}/{place}", kind, entry


class Override(TypedDict):
    """A rule about an article: for its list, or `everywhere`, for the article in every list."""

    id: str
    article: NotRequired[Annotated[str, Field(description="The target of the rule")]]
    section: NotRequired[Annotated[str, Field(description="The target of the rule")]]
    everywhere: NotRequired[
        Annotated[bool, Field(description="About this article itself, in every list")]
    ]
    position: NotRequired[Annotated[int, Field(description="Of pins")]]
    factor: NotRequired[Annotated[float, Field(description="Of boosts and buries")]]
    flag: NotRequired[Annotated[str, Field(description="Of flags")]]
    author: str
    key_id: str
    note: str
    created_at: str
    expires_at: str | None


class ArticleOverrides(TypedDict):
    """Every rule about one article."""

    article: str
    revision: Annotated[str, Field(description="Differs if any rule does; also the ETag")]
    pins: list[Override]
    blocks: list[Override]
    boosts: list[Override]
    buries: list[Override]
    flags: list[Override]


class RuleQuery(BaseModel):
    """Which rules to list."""

    kind: RuleKind | None = Field(None, description="Only rules of this kind")
    article: ArticleId | None = Field(None, description="Only rules that name this article")
    limit: PageSize = 100
    cursor: str | None = Field(
        None, pattern="^[0-9a-f]{19,22}$", description="`next` of the page before"
    )


class RulePage(TypedDict):
    """Rules, newest first."""

    items: list[Rule]
    next: NextCursor


class AuditQuery(BaseModel):
    """Which changes to list."""

    article: ArticleId | None = Field(None, description="Only changes of rules that name it")
    limit: PageSize = 100
    cursor: str | None = Field(
        None, pattern=f"^{ENTRY_ID}$", description="`next` of the page before"
    )


class AuditedChange(AuditEntry):
    """A change, and whether it was undone."""

    undone_by: str | None = Field(
        description="The id of the entry that undid this one, unless that was undone itself"
    )


class AuditedChanges(TypedDict):
    """Changes, newest first; a page may be short, or empty, with more to come."""

    items: list[AuditedChange]
    next: NextCursor


def or_article(endpoint: str) -> Callable[[View], View]:
    """
    Decorates a view of an article's overrides for articles whose own id ends with `/overrides`.

    If only such an article exists, the view at *endpoint* answers for it.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def choose(site: str, article_id: str) -> Response:
            backend().site(site)
            path_as_id = f"{article_id}/overrides"
            cards = backend().store.cards(site, [article_id, path_as_id])
            if article_id not in cards and path_as_id in cards:
                return forward(endpoint, site=site, article_id=path_as_id)
            response: Response = view(site=site, article_id=article_id)
            return response

        return choose

    return decorate


@blueprint.get("/articles/<article_id:article_id>/overrides")
@or_article("articles.article")
@operation("getOverrides", scope="look", answer=ArticleOverrides, headers=REVISION_HEADER)
def overrides(site: str, article_id: str) -> Response:
    """Every rule about an article."""
    known_id = _known_article(site, article_id)
    return _overrides(known_id, backend().store.rulebook.overrides(site, known_id, _now()))


@blueprint.put("/articles/<article_id:article_id>/overrides")
@or_article("articles.put_article")
@operation(
    "putOverrides",
    scope="edit",
    parameters=(IF_MATCH,),
    body=SentOverrides,
    answer=ArticleOverrides,
    headers=REVISION_HEADER,
    problems=(409, 412, 413, 415),
)
def put_overrides(site: str, article_id: str, grant: Grant, body: SentOverrides) -> Response:
    """Replace every rule about an article."""
    known_id = _known_article(site, article_id)
    now = _now()
    editor = body.editor(grant)
    new_rules = _override_rules(body, known_id, editor, now)
    stored = backend().store.rulebook.replace(
        site, known_id, new_rules, editor, now, expected_revisions()
    )
    return _overrides(known_id, stored)


@blueprint.get("/rules")
@operation("listRules", scope="look", query=RuleQuery, answer=RulePage)
def rules(site: str, query: RuleQuery) -> RulePage:
    """The rules of the site, newest first."""
    now = _now()
    stored = backend().store.rulebook.read(site).rules.values()
    selected = [rule for rule in stored if rule.is_active(now) and _matches(rule, query)]
    # Ids start with the time of creation; the cursor is the last id of a page.
    selected.sort(key=lambda rule: rule.id, reverse=True)
    page = selected[: query.limit]
    return {"items": page, "next": page[-1].id if len(selected) > len(page) else None}


@blueprint.post("/rules")
@operation(
    "addRule", scope="edit", body=SentRule, answer=Rule, statuses=(201,), problems=(409, 413, 415)
)
def post_rule(site: str, grant: Grant) -> Rule:
    """Add a rule; it replaces a rule that decides the same question."""
    now = _now()
    rule = parse_rule(read_json(), new_rule_id(now), grant.key_id, now)
    editor = Signature(author=rule.author, note=rule.note).editor(grant)
    rule = rule.model_copy(update={"author": editor.author})
    backend().store.rulebook.add(site, rule, editor, now)
    return rule


@blueprint.delete("/rules/<rule_id>")
@operation("removeRule", scope="edit", query=Signature, statuses=(204,), problems=(409,))
def delete_rule(site: str, rule_id: str, grant: Grant, query: Signature) -> Response:
    """Remove a rule."""
    backend().store.rulebook.remove(site, rule_id, query.editor(grant), _now())
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.get("/audit")
@operation("audit", scope="look", query=AuditQuery, answer=AuditedChanges)
def audit(site: str, query: AuditQuery) -> AuditedChanges:
    """Who changed rules and settings, newest first."""
    audit_log = backend().store.rulebook.audit
    entries, following = audit_log.page(site, query.limit, query.article, query.cursor)
    undone = audit_log.undone(site, entries)
    changes = []
    for entry in entries:
        undoing = undone.get(entry.id)
        undone_by = None if undoing is None else undoing.id
        # Not validated again: the entry was validated when it was read.
        changes.append(AuditedChange.model_construct(**dict(entry), undone_by=undone_by))
    return {"items": changes, "next": following}


@blueprint.post("/audit/<entry_id>/undo")
@operation(
    "undo", scope="edit", query=Signature, answer=AuditEntry, statuses=(201,), problems=(409,)
)
def undo(site: str, entry_id: str, query: Signature) -> AuditEntry:
    """
    Undo a change.

    Undoing a change of settings needs a key with the scope `admin`.
    """
    rulebook = backend().store.rulebook
    # Which scope is needed depends on what the entry changed.
    grant = require(site, rulebook.audit.entry(site, entry_id).scope)
    return rulebook.undo(site, entry_id, query.editor(grant), _now())


def entry_schema(kind: RuleKind) -> Schema:
    """What may be sent about one override: a rule without what its group and article say."""
    own_field = _OWN_FIELDS[kind]
    left_out = {"kind", "source", "target", "position", "factor", "flag"} - {own_field}
    schemas = body_schema(SentRule)["properties"]
    fields = {name: schema for name, schema in schemas.items() if name not in left_out}
    if kind != "flag":
        everywhere = {"type": "boolean", "description": "About this article itself, in every list"}
        fields |= {"article": ARTICLE_SCHEMA, "section": TEXT, "everywhere": everywhere}
    return {
        "type": "object",
        "properties": fields,
        "required": [own_field] if own_field else [],
        "additionalProperties": False,
    }


def _now() -> datetime:
    return backend().clock.now()


def _matches(rule: Rule, query: RuleQuery) -> bool:
    if query.kind not in (None, rule.kind):
        return False
    if query.article is not None and not rule.names(query.article):
        return False
    return query.cursor is None or rule.id < query.cursor


def _known_article(site: str, article_id: str) -> str:
    known_id = checked_id(article_id)
    if not backend().store.cards(site, [known_id]):
        raise NotFound(f"no article {article_id!r}")
    return known_id


def _override_rules(
    sent: SentOverrides, article_id: str, editor: Editor, now: datetime
) -> list[Rule]:
    """Raises InvalidInput with every problem of every entry."""
    rules: dict[tuple[str, ...], Rule] = {}
    problems: list[FieldProblem] = []
    # Entry by entry, so that one answer names the problems of all of them.
    for pointer, kind, entry in sent.entries():
        try:
            fields = _rule_fields(kind, entry, article_id)
            rule = parse_rule(fields, new_rule_id(now), editor.key_id, now)
        except InvalidInput as error:
            problems += [_at_entry(pointer, problem) for problem in error.problems]
            continue
        if rule.key in rules:
            problems.append(FieldProblem(pointer, "decides the same as an entry before it"))
        rules[rule.key] = rule.model_copy(update={"author": editor.author})
    if problems:
        raise InvalidInput(problems)
    return list(rules.values())


def _rule_fields(kind: RuleKind, entry: Mapping[str, Any], article_id: str) -> dict[str, Any]:
    """The fields of a rule from an override, which only names the other side."""
    own = {"article": article_id}
    # Entries of a GET may be sent back; the server knows these fields itself.
    fields = {name: value for name, value in entry.items() if name not in (*READ_ONLY, "author")}
    if unknown := {"kind", "source", "target"} & fields.keys():
        raise InvalidInput.at("", f"has no {', '.join(sorted(unknown))} here")
    if kind == "flag":
        return {**fields, "kind": kind, "target": own}
    everywhere = fields.pop("everywhere", False)
    if not isinstance(everywhere, bool):
        raise InvalidInput.at("everywhere", "expected true or false")
    if everywhere:
        return {**fields, "kind": kind, "target": own}
    target = {name: fields.pop(name) for name in ("article", "section") if name in fields}
    return {**fields, "kind": kind, "source": own, "target": target}


def _at_entry(pointer: str, problem: FieldProblem) -> FieldProblem:
    # An entry has no `target`: it names the article or section directly.
    return FieldProblem(pointer + problem.pointer.removeprefix("/target"), problem.detail)


def _overrides(article_id: str, stored: Overrides) -> Response:
    entries: defaultdict[RuleKind, list[Override]] = defaultdict(list)
    for rule in stored.rules:
        entries[rule.kind].append(_override(rule))
    answer: ArticleOverrides = {
        "article": article_id,
        "revision": stored.revision,
        "pins": entries["pin"],
        "blocks": entries["block"],
        "boosts": entries["boost"],
        "buries": entries["bury"],
        "flags": entries["flag"],
    }
    response = json_response(answer)
    response.set_etag(stored.revision)
    return response


def _override(rule: Rule) -> Override:
    """A rule as an entry of an article's overrides."""
    fields = rule.model_dump(mode="json", exclude={"kind", "source", "target"}, exclude_none=True)
    override = cast(Override, {"expires_at": None, **fields})
    if rule.kind == "flag":
        return override
    if rule.source.article is None:
        override["everywhere"] = True
    elif rule.target.article is not None:
        override["article"] = rule.target.article
    elif rule.target.section is not None:
        override["section"] = rule.target.section
    return override
