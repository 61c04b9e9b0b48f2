"""The page of sessions: who is signed in, and ending sessions."""

from typing import NamedTuple

from flask import Blueprint, Response, request, url_for

from api.editor import session
from api.editor.pages import leave_note, page, redirect_to, take_note
from api.editor.session import User, current_user
from api.http.request import backend
from recommender.storage.sessions import session_id

blueprint = Blueprint("sessions", __name__, url_prefix="/<site>/sessions")


class SessionRow(NamedTuple):
    """
    A session that the user sees and may end.

    Fields:
        is_own: it has the key and the name of the user.
        is_current: it is the one that asks.
    """

    id: str
    user: User
    is_own: bool
    is_current: bool


@blueprint.get("")
def sessions(site: str) -> Response:
    return page("sessions.html", rows=_visible(site), note=take_note("sessions"))


@blueprint.post("/end")
def end(site: str) -> Response:
    """End one session; one that the user may not see is left alone."""
    rows = [row for row in _visible(site) if row.id == request.form.get("session")]
    return _end(site, rows)


@blueprint.post("/end-own")
def end_own(site: str) -> Response:
    """Sign the user out of every browser, this one too."""
    return _end(site, [row for row in _visible(site) if row.is_own])


def _end(site: str, rows: list[SessionRow]) -> Response:
    backend().sessions.end([row.id for row in rows])
    if any(row.is_current for row in rows):
        response = redirect_to("/editor/")
        session.close_session(response)
        return response
    leave_note("sessions", message="Ended." if rows else "This session has ended already.")
    return redirect_to(url_for("editor.sessions.sessions", site=site))


def _visible(site: str) -> list[SessionRow]:
    """The user's own sessions, newest first; for admins, all of this site."""
    user = current_user()
    current_id = session_id(user.token)
    grants = {grant.key_id: grant for grant in backend().keys.all() if grant.site == site}
    rows: list[SessionRow] = []
    for one in backend().sessions.all():
        grant = grants.get(one.session.key_id)
        if grant is None:  # of another site, or its key was revoked
            continue
        other = User("", one.session, grant)
        is_own = (grant.key_id, other.name) == (user.grant.key_id, user.name)
        if is_own or user.may("admin"):
            rows.append(SessionRow(one.id, other, is_own, one.id == current_id))
    return rows
