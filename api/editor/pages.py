"""How pages of the desk are rendered, redirected to, and given messages."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flask import Response, g, make_response, redirect, render_template, request

from api.editor.session import User, current_user, set_cookie
from api.http.request import backend
from recommender.errors import StoreUnavailable
from recommender.storage.sessions import SessionNote

SentFields = Sequence[tuple[str, str]]

NAVIGATION = (
    ("editor.search.search", "Articles"),
    ("editor.drafts.draft", "Draft"),
    ("editor.settings.settings", "Settings"),
    ("editor.audit.changes", "Changes"),
    ("editor.overview.overview", "Overview"),
)
FORM_COOKIE = "alsosee_sign_in"
WAITING = "kept."  # prefix of form fields that wait until their editor has signed in
MAX_FORM_CHARS = 400_000  # the longest body, and everything else
_SECRET_FIELDS = {"csrf", "key"}


def page(template: str, status: int = 200, **values: Any) -> Response:
    user: User | None = g.get("user")
    shared: dict[str, Any] = {
        "user": user,
        "site": user.grant.site if user else None,
        "navigation": NAVIGATION,
        "message": "",
        "fields": [],
    }
    text = render_template(f"editor/{template}", **{**shared, **values})
    return make_response(text, status)


def redirect_to(path: str) -> Response:
    """To another page, after a change (303)."""
    # The browser gets the next page by GET, so a reload does not send the form again.
    response: Response = redirect(path, 303)  # type: ignore[assignment]
    return response


def sign_in_page(
    status: int = 200,
    message: str = "",
    target: str = "",
    action: str = "",
    fields: SentFields = (),
) -> Response:
    """
    The form to sign in.

    Args:
        target: the page to continue with.
        action: the address of another form that was sent without a session, with these *fields*.
    """
    token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    response = page(
        "sign_in.html",
        status,
        message=message,
        token=token,
        target=target or request.form.get("target", ""),
        action=action or request.form.get("action", ""),
        fields=fields or waiting_fields(),
    )
    set_cookie(response, FORM_COOKIE, token, "/editor")
    return response


def sent_fields() -> list[tuple[str, str]]:
    """The fields of the form that was sent, to send them again; never a key or a token."""
    form = request.form.items(multi=True)
    fields = [(name, value) for name, value in form if name not in _SECRET_FIELDS]
    characters = 0
    for _, value in fields:
        characters += len(value)
    return fields if characters <= MAX_FORM_CHARS else []


def waiting_fields() -> SentFields:
    """The fields of another form that waited for the sign-in."""
    form = request.form.items(multi=True)
    fields = []
    for name, value in form:
        if name.startswith(WAITING):
            fields.append((name.removeprefix(WAITING), value))
    return fields


def sentence(error: Exception) -> str:
    """The text of an error as a sentence."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def leave_note(page: str, **note: Any) -> None:
    """Leave a note about a change for the next view of a page; the change itself is done."""
    with suppress(StoreUnavailable):
        backend().sessions.leave_note(current_user().token, SessionNote(page=page, **note))


def take_note(page: str) -> SessionNote | None:
    """The note that was left for this page; it is shown once."""
    note = current_user().session.note
    if note is None or note.page != page:
        return None
    backend().sessions.leave_note(current_user().token, None)
    return note
