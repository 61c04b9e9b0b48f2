"""What every page of the desk shares: who sits at it, and how a page goes out."""

from contextlib import suppress
from typing import Any, NamedTuple

from flask import Response, abort, g, make_response, redirect, render_template, request

from api.http.context import backend
from recommender.errors import StoreUnavailable
from recommender.storage.access import Grant, Scope
from recommender.storage.audit import Editor
from recommender.storage.sessions import SECONDS, Session

PAGES = (
    ("editor.finding.find", "Articles"),
    ("editor.drafts.draft", "Draft"),
    ("editor.settings.settings", "Settings"),
    ("editor.changes.changes", "Changes"),
    ("editor.overview.overview", "Overview"),
)
COOKIE = "alsosee_editor"
LAST_SITE_COOKIE = "alsosee_site"  # so that the short address leads there
MAX_KEPT_CHARS = 400_000  # of a form that has to wait: the longest body, and all the rest
_PRIVATE = {"csrf", "key"}


class Seat(NamedTuple):
    """Whoever is signed in."""

    token: str
    session: Session
    grant: Grant

    @property
    def name(self) -> str:
        return self.session.name or self.grant.note or "An editor"

    def may(self, role: Scope) -> bool:
        return self.grant.allows(role)

    def editor(self, note: str = "") -> Editor:
        return Editor(self.grant.key_id, self.name, note)


def seat() -> Seat:
    found: Seat = g.seat
    return found


def seated(site: str) -> Seat | None:
    """Whoever this request's cookie belongs to, if the key still lets him look at the *site*."""
    token = request.cookies.get(COOKIE, "")
    session = backend().sessions.read(token)
    grant = backend().keys.holder(session.key_id) if session else None
    if session is None or grant is None or grant.site != site or not grant.allows("look"):
        return None
    return Seat(token, session, grant)


def take_seat(grant: Grant, name: str) -> None:
    """Sign in; `keep_seat` has the browser remember it."""
    token, session = backend().sessions.open(grant.key_id, name)
    g.seat = Seat(token, session, grant)


def keep_seat(answer: Response) -> None:
    set_cookie(answer, COOKIE, seat().token, f"/editor/{seat().grant.site}")
    set_cookie(answer, LAST_SITE_COOKIE, seat().grant.site, "/editor")


def last_site() -> str | None:
    """Where this browser's editor has last signed in, and has not signed out."""
    name = request.cookies.get(LAST_SITE_COOKIE)
    return name if name in backend().settings.sites else None


def leave_seat(answer: Response) -> None:
    backend().sessions.close(seat().token)
    answer.delete_cookie(LAST_SITE_COOKIE, path="/editor")
    answer.delete_cookie(COOKIE, path=f"/editor/{seat().grant.site}")


def require(role: Scope) -> Seat:
    """Whoever is signed in, if he has this role; 403 otherwise."""
    if not seat().may(role):
        abort(403, f"Your key does not let you do this: it needs the role “{role}”.")
    return seat()


def page(template: str, status: int = 200, **values: Any) -> Response:
    signed_in: Seat | None = g.get("seat")
    site = signed_in.grant.site if signed_in else None
    shared: dict[str, Any] = {
        "seat": signed_in,
        "site": site,
        "pages": PAGES,
        "said": "",
        "fields": [],
    }
    text = render_template(f"editor/{template}", **{**shared, **values})
    return make_response(text, status)


def sentence(error: Exception) -> str:
    """What an error says, as an editor reads it."""
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}."


def go(path: str) -> Response:
    """On to another page, after a change (303)."""
    answer: Response = redirect(path, 303)  # type: ignore[assignment]
    return answer


def leave_note(page: str, **note: Any) -> None:
    """What the next look at this *page* says about what was just done, and cannot fail any more."""
    with suppress(StoreUnavailable):
        backend().sessions.leave_note(seat().token, {"page": page, **note})


def take_note(page: str) -> dict[str, Any] | None:
    """What was left for this *page*, once."""
    note = seat().session.note
    if note is None or note["page"] != page:
        return None
    backend().sessions.leave_note(seat().token, None)
    return note


def kept_fields() -> list[tuple[str, str]]:
    """What was typed into the form that was sent, to be sent again; never a key or a token."""
    found = request.form.items(multi=True)
    fields = [(name, value) for name, value in found if name not in _PRIVATE]
    return fields if sum(len(value) for _, value in fields) <= MAX_KEPT_CHARS else []


def set_cookie(answer: Response, name: str, value: str, path: str) -> None:
    # The header may be anybody's: it can only make a cookie stricter.
    secure = request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"
    answer.set_cookie(
        name, value, max_age=SECONDS, path=path, secure=secure, httponly=True, samesite="Lax"
    )
