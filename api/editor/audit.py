"""The page of changes: who changed what, when and why; and undo."""

import re
from collections.abc import Sequence

from flask import Blueprint, Response, request, url_for

from api.editor.labels import rule_label
from api.editor.list_effects import current_list
from api.editor.pages import leave_note, page, redirect_to, take_note
from api.editor.session import require
from api.http.request import backend, checked_id
from recommender.policy.site_settings import SiteSettings
from recommender.storage.audit import ENTRY_ID, AuditEntry, SettingsChange

blueprint = Blueprint("audit", __name__, url_prefix="/<site>")

PAGE = 50


@blueprint.get("/changes")
def changes(site: str) -> Response:
    article_id = request.args.get("id") or None
    # An invalid cursor in the address shows the first page.
    before = request.args.get("before", "")
    cursor = before if re.fullmatch(ENTRY_ID, before) else None
    rulebook = backend().store.rulebook
    entries, following = rulebook.audit.page(site, PAGE, article_id, cursor)
    return page(
        "audit.html",
        entries=entries,
        undone=rulebook.audit.undone(site, entries),
        undoable=rulebook.undoable(site, entries, backend().clock.now()),
        following=following,
        article_id=article_id,
        cards=backend().store.cards(site, _article_ids(entries)) if entries else {},
        note=take_note("changes"),
        rule_label=rule_label,
        setting_changes=setting_changes,
    )


@blueprint.post("/undo")
def undo(site: str) -> Response:
    """Undo a change. An undo is a change too, and can be undone."""
    user = require("edit")
    entry_id = request.form.get("entry", "")
    article_id = checked_id(request.form["id"]) if request.form.get("id") else None
    # Before the undo, so that the next page can show what it moved.
    before = current_list(site, article_id) if article_id else []
    rulebook = backend().store.rulebook
    # Changes of settings need another role than changes of rules.
    require(rulebook.audit.entry(site, entry_id).scope)
    undoing = rulebook.undo(site, entry_id, user.as_editor(), backend().clock.now())
    note_page = f"article:{article_id}" if article_id else "changes"
    leave_note(note_page, message="Undone.", entry=undoing.id, before=before)
    if article_id:
        return redirect_to(url_for("editor.article.article", site=site, id=article_id))
    return redirect_to(url_for("editor.audit.changes", site=site))


def setting_changes(change: SettingsChange) -> list[str]:
    """A line for each setting that differs."""
    before = _setting_texts(change.before)
    after = _setting_texts(change.after)
    # The whole site first, then surface by surface.
    names = sorted({*before, *after}, key=lambda name: (name.startswith("surface"), name))
    lines = []
    for name in names:
        old = before.get(name, "not set")
        new = after.get(name, "not set")
        if old != new:
            lines.append(f"{name}: {new} (was {old})")
    return lines


def _setting_texts(settings: SiteSettings) -> dict[str, str]:
    """The value of each setting by its label."""
    articles = settings.articles.model_dump(mode="json", exclude_none=True)
    texts = {f"articles, {name}": value for name, value in articles.items()}
    places = {"the site": settings.site}
    for name, defaults in settings.surfaces.items():
        places[f"surface {name}"] = defaults
    for place, defaults in places.items():
        values = defaults.model_dump(mode="json", exclude_none=True)
        for signal, weight in values.pop("weights").items():
            values[f"weight of {signal}"] = weight
        for name, value in values.items():
            text = ", ".join(value) or "any" if isinstance(value, list) else str(value)
            texts[f"{place}, {name.replace('_', ' ')}"] = text
    return texts


def _article_ids(entries: Sequence[AuditEntry]) -> list[str]:
    ids: dict[str, None] = {}
    for entry in entries:
        for rule in (*entry.before, *entry.after):
            ids |= dict.fromkeys(rule.articles)
    return list(ids)
