"""What editors decide: pins, blocks, boosts and flags, and the record of who changed them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import Signature, require
from api.http.context import backend
from api.http.request import checked_id, expected_revisions, parse_body, parse_query, read_json
from api.http.responses import forward, json_response
from recommender.errors import FieldProblem, InvalidInput, NotFound
from recommender.policy.option_types import ArticleId
from recommender.policy.rules import READ_ONLY, Rule, RuleKind, parse_rule
from recommender.storage.audit import ENTRY_ID, Editor
from recommender.storage.rule_changes import Overrides
from recommender.storage.rulebook import new_rule_id

blueprint = Blueprint("rules", __name__, url_prefix="/v1/<site>")

MAX_OVERRIDES = 200  # of each kind
MAX_PAGE = 500
GROUPS: dict[str, RuleKind] = {
    "pins": "pin",
    "blocks": "block",
    "boosts": "boost",
    "buries": "bury",
    "flags": "flag",
}

Entries = Annotated[list[dict[str, Any]], Field(max_length=MAX_OVERRIDES)]


class SentOverrides(Signature):
    """The overrides of one article as an editor sends them; what the server added is ignored."""

    model_config = ConfigDict(extra="forbid")

    pins: Entries = Field(default_factory=list)
    blocks: Entries = Field(default_factory=list)
    boosts: Entries = Field(default_factory=list)
    buries: Entries = Field(default_factory=list)
    flags: Entries = Field(default_factory=list)
    article: Any = None
    revision: Any = None

    def entries(self) -> Iterator[tuple[str, RuleKind, dict[str, Any]]]:
        """JSON Pointer, kind and fields of each."""
        for group, kind in GROUPS.items():
            for place, entry in enumerate(getattr(self, group)):
                yield f"/{group}/{place}", kind, entry


class RuleQuery(BaseModel):
    """What a caller may ask of the list of rules."""

    kind: RuleKind | None = Field(None, description="Only rules of this kind")
    article: ArticleId | None = Field(None, description="Only rules that name this article")
    limit: int = Field(100, ge=1, le=MAX_PAGE, description=f"How many, 1 to {MAX_PAGE}")
    cursor: str | None = Field(
        None, pattern="^[0-9a-f]{19,22}$", description="`next` of the page before"
    )


class AuditQuery(BaseModel):
    """What a caller may ask of the audit."""

    article: ArticleId | None = Field(None, description="Only changes of rules that name it")
    limit: int = Field(100, ge=1, le=MAX_PAGE, description=f"How many, 1 to {MAX_PAGE}")
    cursor: str | None = Field(
        None, pattern=f"^{ENTRY_ID}$", description="`next` of the page before"
    )


@blueprint.get("/articles/<article_id:article_id>/overrides")
def overrides(site: str, article_id: str) -> Response:
    backend().site(site)
    if _is_called_so(site, article_id):
        return forward("articles.article", site=site, article_id=f"{article_id}/overrides")
    require(site, "look")
    known_id = _known_article(site, article_id)
    return _overrides(known_id, backend().store.rulebook.overrides(site, known_id, _now()))


@blueprint.put("/articles/<article_id:article_id>/overrides")
def put_overrides(site: str, article_id: str) -> Response:
    """Replace the overrides as a whole; `If-Match` says of which ones the sender knows."""
    backend().site(site)
    if _is_called_so(site, article_id):
        return forward("articles.put_article", site=site, article_id=f"{article_id}/overrides")
    grant, now = require(site, "edit"), _now()
    known_id = _known_article(site, article_id)
    sent = parse_body(SentOverrides, read_json())
    editor = sent.editor(grant)
    wanted = _override_rules(sent, known_id, editor, now)
    made = backend().store.rulebook.replace(
        site, known_id, wanted, editor, now, expected_revisions()
    )
    return _overrides(known_id, made)


@blueprint.get("/rules")
def rules(site: str) -> Response:
    backend().site(site)
    require(site, "look")
    query, now = parse_query(RuleQuery), _now()
    found = [
        rule
        for rule in backend().store.rulebook.read(site).rules.values()
        if query.kind in (None, rule.kind)
        and (query.article is None or rule.names(query.article))
        and (query.cursor is None or rule.id < query.cursor)
        and rule.is_active(now)
    ]
    found.sort(key=lambda rule: rule.id, reverse=True)
    page = found[: query.limit]
    return json_response(_page(page, page[-1].id if len(found) > len(page) else None))


@blueprint.post("/rules")
def post_rule(site: str) -> Response:
    backend().site(site)
    grant, now = require(site, "edit"), _now()
    rule = parse_rule(read_json(), new_rule_id(now), grant.key_id, now)
    editor = Signature(author=rule.author, note=rule.note).editor(grant)
    rule = rule.model_copy(update={"author": editor.author})
    backend().store.rulebook.add(site, rule, editor, now)
    return json_response(rule.model_dump(mode="json"), HTTPStatus.CREATED)


@blueprint.delete("/rules/<rule_id>")
def delete_rule(site: str, rule_id: str) -> Response:
    backend().site(site)
    editor = parse_query(Signature).editor(require(site, "edit"))
    backend().store.rulebook.remove(site, rule_id, editor, _now())
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.get("/audit")
def audit(site: str) -> Response:
    """The changes, newest first."""
    backend().site(site)
    require(site, "look")
    query = parse_query(AuditQuery)
    book = backend().store.rulebook
    found, following = book.audit.page(site, query.limit, query.article, query.cursor)
    undone = book.audit.undone(site, found)
    page = _page(found, following)
    for item in page["items"]:
        item["undone_by"] = undone[item["id"]].id if item["id"] in undone else None
    return json_response(page)


@blueprint.post("/audit/<entry_id>/undo")
def undo(site: str, entry_id: str) -> Response:
    backend().site(site)
    signature, _ = parse_query(Signature), require(site, "edit")
    book = backend().store.rulebook
    grant = require(site, book.audit.entry(site, entry_id).scope)
    made = book.undo(site, entry_id, signature.editor(grant), _now())
    return json_response(made.model_dump(mode="json"), HTTPStatus.CREATED)


def _now() -> datetime:
    return datetime.now(UTC)


def _is_called_so(site: str, article_id: str) -> bool:
    """Whether there is no such article, but one whose own id ends like this path."""
    itself = f"{article_id}/overrides"
    found = backend().store.cards(site, [article_id, itself])
    return article_id not in found and itself in found


def _known_article(site: str, article_id: str) -> str:
    known_id = checked_id(article_id)
    if not backend().store.cards(site, [known_id]):
        raise NotFound(f"no article {article_id!r}")
    return known_id


def _override_rules(
    sent: SentOverrides, article_id: str, editor: Editor, now: datetime
) -> list[Rule]:
    """Raises InvalidInput with every problem of every entry."""
    found: dict[tuple[str, ...], Rule] = {}
    problems: list[FieldProblem] = []
    for pointer, kind, entry in sent.entries():
        try:
            fields = _rule_fields(kind, entry, article_id)
            rule = parse_rule(fields, new_rule_id(now), editor.key_id, now)
        except InvalidInput as error:
            problems += [FieldProblem(_entry_pointer(pointer, p), p.detail) for p in error.problems]
            continue
        if rule.key in found:
            problems.append(FieldProblem(pointer, "is about the same as one before it"))
        found[rule.key] = rule.model_copy(update={"author": editor.author})
    if problems:
        raise InvalidInput(problems)
    return list(found.values())


def _rule_fields(kind: RuleKind, entry: Mapping[str, Any], article_id: str) -> dict[str, Any]:
    """A rule from an entry of an article's overrides, which names only the other side."""
    ours = {"article": article_id}
    rest = {name: value for name, value in entry.items() if name not in (*READ_ONLY, "author")}
    if unknown := {"kind", "source", "target"} & rest.keys():
        raise InvalidInput.at("", f"has no {', '.join(sorted(unknown))} here")
    if kind == "flag":
        return {**rest, "kind": kind, "target": ours}
    everywhere = rest.pop("everywhere", False)
    if not isinstance(everywhere, bool):
        raise InvalidInput.at("everywhere", "expected true or false")
    if everywhere:
        return {**rest, "kind": kind, "target": ours}
    target = {name: rest.pop(name) for name in ("article", "section") if name in rest}
    return {**rest, "kind": kind, "source": ours, "target": target}


def _entry_pointer(pointer: str, found: FieldProblem) -> str:
    return pointer + found.pointer.removeprefix("/target")


def _overrides(article_id: str, found: Overrides) -> Response:
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    names = {kind: name for name, kind in GROUPS.items()}
    for rule in found.rules:
        groups[names[rule.kind]].append(_entry(rule))
    response = json_response({"article": article_id, "revision": found.revision, **groups})
    response.set_etag(found.revision)
    return response


def _entry(rule: Rule) -> dict[str, Any]:
    """A rule as an entry of an article's overrides."""
    fields = rule.model_dump(mode="json", exclude={"kind", "source", "target"}, exclude_none=True)
    fields["expires_at"] = fields.get("expires_at")
    if rule.kind == "flag":
        return fields
    if rule.source.article is None:
        return {"everywhere": True, **fields}
    what, _ = rule.target.key
    return {what: getattr(rule.target, what), **fields}


def _page(found: Sequence[BaseModel], following: str | None) -> dict[str, Any]:
    return {"items": [item.model_dump(mode="json") for item in found], "next": following}
