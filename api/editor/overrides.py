"""What an editor decides about one article's list, and what that changed."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request, url_for

from api.editor import desk
from api.http.context import backend
from api.http.request import checked_id
from recommender.errors import NotFound, StoreUnavailable
from recommender.policy.list_options import ListOptions
from recommender.policy.rules import MAX_POSITION, Rule, parse_rule
from recommender.storage.rulebook import RulesChanged, new_rule_id

blueprint = Blueprint("overruling", __name__, url_prefix="/<site>")

SHOWN = 10  # places of the list before and after
PINNABLE = MAX_POSITION
FACTORS = {"boost": 2.0, "bury": 0.3}
SAID = {
    "pin": "Pinned.",
    "block": "Blocked.",
    "boost": "Boosted.",
    "bury": "Buried.",
    "flag": "Flagged.",
}


@blueprint.post("/overrule")
def overrule(site: str) -> Response:
    """Add one rule: beside this article, or with scope `everywhere` in all lists."""
    seat, article_id = desk.require("edit"), _sent_id()
    rule = _rule(article_id)

    # What holds everywhere stands among the rules of the article that it is about.
    about = article_id if rule.source.article else rule.target.article or article_id

    def change(now: datetime) -> None:
        book, editor = backend().store.rulebook, seat.editor(rule.note)
        current = book.overrides(site, about, now).rules
        kept = [other for other in current if other.key != rule.key]
        book.replace(site, about, [*kept, rule], editor, now, _seen(about))

    return _changed(site, article_id, SAID[rule.kind], change, about, rule)


@blueprint.post("/order")
def order(site: str) -> Response:
    """Pin articles to their places, all at once: fields `place.<n>` name them."""
    seat, article_id = desk.require("edit"), _sent_id()
    wanted = [_pin(article_id, target, place) for place, target in _sent_places()]

    def change(now: datetime) -> None:
        book = backend().store.rulebook
        new = {rule.key: rule for rule in wanted}
        old = book.overrides(site, article_id, now).rules
        rules = [*(rule for rule in old if rule.key not in new), *new.values()]
        book.replace(site, article_id, rules, seat.editor(), now, _seen(article_id))

    return _changed(site, article_id, "Pinned in this order.", change)


@blueprint.post("/withdraw")
def withdraw(site: str) -> Response:
    """Take one rule away."""
    seat, article_id = desk.require("edit"), _sent_id()
    rule_id = request.form.get("rule", "")

    def change(now: datetime) -> None:
        book = backend().store.rulebook
        current = book.overrides(site, article_id, now).rules
        if rule_id not in {rule.id for rule in current}:
            raise NotFound("this rule is not there any more")
        kept = [rule for rule in current if rule.id != rule_id]
        book.replace(site, article_id, kept, seat.editor(), now, _seen(article_id))

    return _changed(site, article_id, "Taken back.", change)


def shown(site: str, article_id: str, limit: int = SHOWN) -> list[dict[str, str]]:
    """Ids and titles of the list as it stands now; none for an article that is gone."""
    wanted = ListOptions(limit=limit)
    try:
        made, _ = (
            backend()
            .site(site)
            .read_with_cards(
                lambda recommender: recommender.related(article_id, wanted, datetime.now(UTC))
            )
        )
    except NotFound:
        return []
    return [{"id": item.card["id"], "title": item.card["title"]} for item in made.items]


def _changed(
    site: str,
    article_id: str,
    said: str,
    change: Callable[[datetime], None],
    about: str | None = None,
    rule: Rule | None = None,
) -> Response:
    """
    Carry a change out, and go back to the article, with what it did to the list.

    Args:
        about: whose rules are changed, if not those of the article.
        rule: the one that is put there.
    """
    before, now = shown(site, article_id), datetime.now(UTC)
    try:
        change(now)
    except RulesChanged as error:
        return _told(site, article_id, about or article_id, error)
    with suppress(StoreUnavailable):  # it is done, whoever can be told of it
        said += _but(site, article_id, rule)
        desk.leave_note(
            f"article:{article_id}", said=said, entry=_entry_of(site, now), before=before
        )
    return desk.go(url_for("editor.article.article", site=site, id=article_id))


def _but(site: str, article_id: str, rule: Rule | None) -> str:
    """What keeps a pin from the list for now."""
    target = rule.target.article if rule is not None and rule.kind == "pin" else None
    if target is None or target in {item["id"] for item in shown(site, article_id, PINNABLE)}:
        return ""
    return " It does not stand in the list yet: it is not out, or blocked, or the list is silenced."


def _told(site: str, article_id: str, about: str, error: RulesChanged) -> Response:
    """Somebody was faster: the change waits, to be sent against the rules as they are now."""
    current = backend().store.rulebook.overrides(site, about, datetime.now(UTC))
    fields = [(n, v) for n, v in desk.kept_fields() if n not in ("revision", "seen")]
    return desk.page(
        "changed.html",
        412,
        said=desk.sentence(error),
        id=article_id,
        list=shown(site, article_id),
        fields=[*fields, ("revision", current.revision), ("seen", about)],
    )


def _seen(about: str) -> set[str]:
    """
    The revision of the rules about an article that the editor saw: with another one nothing is
    saved. Of another article than the page's own no page shows the rules: what decides the same
    question there stands, until it was told who decided it.
    """
    if about in (request.form.get("id"), request.form.get("seen")):
        return {request.form.get("revision", "")}
    now, site = datetime.now(UTC), desk.seat().grant.site
    current = backend().store.rulebook.overrides(site, about, now)
    return set() if current.rules else {current.revision}


def _entry_of(site: str, now: datetime) -> str | None:
    """The id of the audit entry of a change made at *now*; None when it changed nothing."""
    entries, _ = backend().store.rulebook.audit.page(site, limit=5)
    mine = (e for e in entries if e.at == now and e.key_id == desk.seat().grant.key_id)
    return next((entry.id for entry in mine), None)


def _sent_id() -> str:
    return checked_id(request.form.get("id", ""))


def _sent_places() -> Sequence[tuple[int, str]]:
    prefix = "place."
    found = ((_place(n.removeprefix(prefix)), n) for n in request.form if n.startswith(prefix))
    return [(place, request.form[name]) for place, name in found if place is not None]


def _place(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,3}", text) else None


def _pin(article_id: str, target: str, place: int) -> Rule:
    fields = {"kind": "pin", "position": place, "target": {"article": target}}
    return _parsed({**fields, "source": {"article": article_id}})


def _rule(article_id: str) -> Rule:
    """The rule that the form describes. Raises InvalidInput."""
    sent = request.form.to_dict()
    kind, target = sent.get("kind", ""), sent.get("target") or article_id
    fields: dict[str, Any] = {"kind": kind, "target": {"article": target}}
    if kind == "pin":
        fields["position"] = _place(sent.get("position", "").strip())
    if kind in FACTORS:
        fields["factor"] = FACTORS[kind]
    if kind == "flag":
        fields["flag"] = sent.get("flag")
    elif sent.get("scope") != "everywhere":
        fields["source"] = {"article": article_id}
    fields["note"], fields["expires_at"] = sent.get("note", ""), sent.get("expires_at") or None
    return _parsed(fields)


def _parsed(fields: Mapping[str, Any]) -> Rule:
    now, seat = datetime.now(UTC), desk.seat()
    rule = parse_rule(fields, new_rule_id(now), seat.grant.key_id, now)
    if rule.target.article is not None and rule.kind != "flag":
        _check_there(seat.grant.site, rule.target.article)
    return rule.model_copy(update={"author": seat.name})


def _check_there(site: str, article_id: str) -> None:
    if not backend().store.cards(site, [article_id]):
        raise NotFound(f"there is no article {article_id!r} to do this with")
