"""Changes of the rules about an article: pins, blocks, boosts, buries and flags."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request, url_for

from api.editor.article_names import id_named
from api.editor.list_effects import current_list
from api.editor.pages import leave_note, page, redirect_to, sent_fields, sentence
from api.editor.session import current_user, require
from api.http.request import backend, checked_id
from recommender.errors import NotFound, StoreUnavailable
from recommender.policy.rules import MAX_POSITION, Rule, parse_rule
from recommender.storage.rulebook import RulesChanged, new_rule_id

blueprint = Blueprint("overrides", __name__, url_prefix="/<site>")

FACTORS = {"boost": 2.0, "bury": 0.3}
DONE = {
    "pin": "Pinned.",
    "block": "Blocked.",
    "boost": "Boosted.",
    "bury": "Buried.",
    "flag": "Flagged.",
}
NOT_IN_LIST = (
    " It is not in the list yet: it is not published, or blocked, or a flag empties the list."
)
PLACE_FIELD = "place."


@blueprint.post("/overrule")
def add(site: str) -> Response:
    """Add one rule: for this article's list or, with the scope `everywhere`, for all lists."""
    user = require("edit")
    article_id = _sent_id()
    rule = _sent_rule(site, article_id)
    # A rule for all lists is an override of the article that it is about.
    owner = article_id if rule.source.article else rule.target.article or article_id

    def change(now: datetime) -> None:
        rulebook = backend().store.rulebook
        rules = rulebook.overrides(site, owner, now).rules
        others = [other for other in rules if other.key != rule.key]
        editor = user.as_editor(rule.note)
        rulebook.replace(site, owner, [*others, rule], editor, now, _known_revisions(owner))

    return _change(site, article_id, DONE[rule.kind], change, owner, rule)


@blueprint.post("/order")
def order(site: str) -> Response:
    """Pin several articles at once; a field `place.<n>` names the article for place n."""
    user = require("edit")
    article_id = _sent_id()
    pins = {pin.key: pin for pin in _sent_pins(article_id)}

    def change(now: datetime) -> None:
        rulebook = backend().store.rulebook
        rules = rulebook.overrides(site, article_id, now).rules
        others = [rule for rule in rules if rule.key not in pins]
        editor = user.as_editor()
        revisions = _known_revisions(article_id)
        rulebook.replace(site, article_id, [*others, *pins.values()], editor, now, revisions)

    return _change(site, article_id, "Pinned in this order.", change)


@blueprint.post("/withdraw")
def remove(site: str) -> Response:
    """Remove one rule."""
    user = require("edit")
    article_id = _sent_id()
    rule_id = request.form.get("rule", "")

    def change(now: datetime) -> None:
        rulebook = backend().store.rulebook
        rules = rulebook.overrides(site, article_id, now).rules
        others = [rule for rule in rules if rule.id != rule_id]
        if len(others) == len(rules):
            raise NotFound("this rule does not exist any more")
        editor = user.as_editor()
        rulebook.replace(site, article_id, others, editor, now, _known_revisions(article_id))

    return _change(site, article_id, "Removed.", change)


def _change(
    site: str,
    article_id: str,
    message: str,
    change: Callable[[datetime], None],
    owner: str | None = None,
    rule: Rule | None = None,
) -> Response:
    """
    Make a change, and go back to the article with its effect on the list.

    Args:
        owner: the article whose overrides change, if it is not the page's own.
        rule: the rule that is added.
    """
    before = current_list(site, article_id)
    now = backend().clock.now()
    try:
        change(now)
    except RulesChanged as error:
        return _conflict_page(site, article_id, owner or article_id, error)
    with suppress(StoreUnavailable):  # the change is saved, even if its effect cannot be shown
        message += _pin_warning(site, article_id, rule)
        entry_id = _audit_entry_id(site, now)
        leave_note(f"article:{article_id}", message=message, entry=entry_id, before=before)
    return redirect_to(url_for("editor.article.article", site=site, id=article_id))


def _pin_warning(site: str, article_id: str, rule: Rule | None) -> str:
    """Why a new pin has no effect yet, if it has none."""
    if rule is None or rule.kind != "pin":
        return ""
    # As long as a pin can have a place in it.
    items = current_list(site, article_id, MAX_POSITION)
    listed = {item.id for item in items}
    return "" if rule.target.article in listed else NOT_IN_LIST


def _conflict_page(site: str, article_id: str, owner: str, error: RulesChanged) -> Response:
    """Someone else changed the rules: show the current list, and keep the form to send it again."""
    current = backend().store.rulebook.overrides(site, owner, backend().clock.now())
    # Replaced by those of the current rules, or the form would be refused again.
    fields = [field for field in sent_fields() if field[0] not in ("revision", "seen")]
    return page(
        "conflict.html",
        412,
        message=sentence(error),
        id=article_id,
        list=current_list(site, article_id),
        fields=[*fields, ("revision", current.revision), ("seen", owner)],
    )


def _known_revisions(owner: str) -> set[str]:
    """
    The revision of the owner's rules that the editor saw; nothing is saved over another one.

    The page of one article does not show the rules of another. If the owner is another article and
    has rules, the change is refused until the conflict page has shown who made them.
    """
    if owner in (request.form.get("id"), request.form.get("seen")):
        return {request.form.get("revision", "")}
    site = current_user().grant.site
    current = backend().store.rulebook.overrides(site, owner, backend().clock.now())
    return set() if current.rules else {current.revision}


def _audit_entry_id(site: str, now: datetime) -> str | None:
    """The id of the audit entry of this user's change at *now*; None if nothing changed."""
    key_id = current_user().grant.key_id
    # The newest five: others may have changed something since, but hardly more often.
    entries, _ = backend().store.rulebook.audit.page(site, limit=5)
    for entry in entries:
        if entry.at == now and entry.key_id == key_id:
            return entry.id
    return None


def _sent_id() -> str:
    return checked_id(request.form.get("id", ""))


def _sent_pins(article_id: str) -> list[Rule]:
    pins = []
    for name, target_id in request.form.items():
        place = _place(name.removeprefix(PLACE_FIELD)) if name.startswith(PLACE_FIELD) else None
        if place is not None:
            target = {"article": target_id}
            source = {"article": article_id}
            fields = {"kind": "pin", "position": place, "target": target, "source": source}
            pins.append(_parse(fields))
    return pins


def _place(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,3}", text) else None


def _sent_rule(site: str, article_id: str) -> Rule:
    """The rule that the form describes. Raises InvalidInput."""
    sent = request.form.to_dict()
    kind = sent.get("kind", "")
    target = sent.get("target")
    fields: dict[str, Any] = {
        "kind": kind,
        "target": {"article": id_named(site, target) if target else article_id},
        "note": sent.get("note", ""),
        "expires_at": sent.get("expires_at") or None,
    }
    if kind == "pin":
        fields["position"] = _place(sent.get("position", "").strip())
    if kind in FACTORS:
        fields["factor"] = FACTORS[kind]
    if kind == "flag":
        fields["flag"] = sent.get("flag")
    elif sent.get("scope") != "everywhere":
        fields["source"] = {"article": article_id}
    return _parse(fields)


def _parse(fields: Mapping[str, Any]) -> Rule:
    now = backend().clock.now()
    user = current_user()
    rule = parse_rule(fields, new_rule_id(now), user.grant.key_id, now)
    target = None if rule.kind == "flag" else rule.target.article
    if target is not None and not backend().store.cards(user.grant.site, [target]):
        raise NotFound(f"there is no article with the id or address {target!r}")
    return rule.model_copy(update={"author": user.name})
