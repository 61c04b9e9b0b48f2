"""Who changed what, when and why; and taking it back."""

import re
from datetime import UTC, datetime
from itertools import chain

from flask import Blueprint, Response, request, url_for

from api.editor import desk
from api.editor.overrides import shown
from api.http.context import backend
from api.http.request import checked_id
from recommender.policy.rules import Rule
from recommender.policy.site_settings import SiteSettings
from recommender.storage.audit import ENTRY_ID, AuditEntry, SettingsChange

blueprint = Blueprint("changes", __name__, url_prefix="/<site>")

PAGE = 50


@blueprint.get("/changes")
def changes(site: str) -> Response:
    about = request.args.get("id") or None
    before = request.args.get("before", "")
    cursor = before if re.fullmatch(ENTRY_ID, before) else None
    rulebook = backend().store.rulebook
    entries, following = rulebook.audit.page(site, PAGE, about, cursor)
    return desk.page(
        "changes.html",
        entries=entries,
        undone=rulebook.audit.undone(site, entries),
        undoable=rulebook.undoable(site, entries, datetime.now(UTC)),
        following=following,
        about=about,
        cards=backend().store.cards(site, _named(entries)) if entries else {},
        note=desk.take_note("changes"),
        told=told,
        settled=settled,
    )


@blueprint.post("/undo")
def undo(site: str) -> Response:
    """Put back what was there before an entry; an undo is an entry too, and can be undone."""
    seat, entry_id = desk.require("edit"), request.form.get("entry", "")
    article_id = checked_id(request.form["id"]) if request.form.get("id") else None
    before = shown(site, article_id) if article_id else []
    book = backend().store.rulebook
    desk.require(book.audit.entry(site, entry_id).scope)
    made = book.undo(site, entry_id, seat.editor(), datetime.now(UTC))
    page = f"article:{article_id}" if article_id else "changes"
    desk.leave_note(page, said="Undone.", entry=made.id, before=before)
    if article_id:
        return desk.go(url_for("editor.article.article", site=site, id=article_id))
    return desk.go(url_for("editor.changes.changes", site=site))


def told(rule: Rule) -> str:
    """What a rule does, in a few words; the articles it is about stand beside it."""
    words = {
        "pin": f"pinned to place {rule.position}",
        "block": "blocked",
        "boost": f"boosted × {rule.factor:g}" if rule.factor else "boosted",
        "bury": f"buried × {rule.factor:g}" if rule.factor is not None else "buried",
        "flag": f"flagged “{(rule.flag or '').replace('_', ' ')}”",
    }[rule.kind]
    if rule.kind != "flag" and rule.source.article is None:
        where = f"in the section {rule.source.section}" if rule.source.section else "everywhere"
        return f"{words} {where}"
    return words


def settled(change: SettingsChange) -> list[str]:
    """What a change of settings changed, in a line for each."""
    before, after = (_lines(one) for one in (change.before, change.after))
    names = sorted({*before, *after}, key=lambda name: (name.startswith("surface"), name))
    return [
        f"{name}: {after.get(name, 'not set')} (was {before.get(name, 'not set')})"
        for name in names
        if before.get(name) != after.get(name)
    ]


def _lines(settings: SiteSettings) -> dict[str, str]:
    """All that is settled, by what it is called."""
    places = {"the site": settings.site}
    places |= {f"surface {name}": own for name, own in settings.surfaces.items()}
    articles = settings.articles.model_dump(mode="json", exclude_none=True)
    found = {f"articles, {name}": value for name, value in articles.items()}
    for place, defaults in places.items():
        said = defaults.model_dump(mode="json", exclude_none=True)
        said |= {f"weight of {n}": value for n, value in said.pop("weights").items()}
        for name, value in said.items():
            spelt = ", ".join(value) or "any" if isinstance(value, list) else str(value)
            found[f"{place}, {name.replace('_', ' ')}"] = spelt
    return found


def _named(entries: list[AuditEntry]) -> list[str]:
    rules = (rule for entry in entries for rule in (*entry.before, *entry.after))
    return list(dict.fromkeys(chain.from_iterable(rule.articles for rule in rules)))
