"""Who is signed in to the desk, by the cookie of the request."""

from typing import NamedTuple

from flask import Response, abort, g, request

from api.http.request import backend
from recommender.storage.access import Grant, Scope
from recommender.storage.audit import Editor
from recommender.storage.sessions import SECONDS, Session

COOKIE = "alsosee_editor"
LAST_SITE_COOKIE = "alsosee_site"  # lets the short address redirect to the site's desk


class User(NamedTuple):
    """The signed-in editor."""

    token: str
    session: Session
    grant: Grant

    @property
    def name(self) -> str:
        return self.session.name or self.grant.note or "An editor"

    def may(self, role: Scope) -> bool:
        return self.grant.allows(role)

    def as_editor(self, note: str = "") -> Editor:
        return Editor(self.grant.key_id, self.name, note)


def current_user() -> User:
    user: User = g.user
    return user


def user_of_request(site: str) -> User | None:
    """The user whose cookie the request has, if the key still allows to look at the *site*."""
    token = request.cookies.get(cookie_name(site), "")
    session = backend().sessions.read(token)
    grant = backend().keys.holder(session.key_id) if session else None
    if session is None or grant is None or grant.site != site or not grant.allows("look"):
        return None
    return User(token, session, grant)


def cookie_name(site: str) -> str:
    """
    Of the session for one site, so that a browser can be signed in to several.

    The cookie is sent to the whole desk: its front page ends the session that a new one replaces.
    """
    return f"{COOKIE}_{site}"


def open_session(grant: Grant, name: str) -> None:
    """Sign a user in instead of who was; the response still needs `set_session_cookies`."""
    former = request.cookies.get(cookie_name(grant.site))
    if former:
        backend().sessions.close(former)
    token, session = backend().sessions.open(grant.key_id, name)
    g.user = User(token, session, grant)


def set_session_cookies(response: Response) -> None:
    user = current_user()
    set_cookie(response, cookie_name(user.grant.site), user.token, "/editor")
    set_cookie(response, LAST_SITE_COOKIE, user.grant.site, "/editor")


def close_session(response: Response) -> None:
    user = current_user()
    backend().sessions.close(user.token)
    response.delete_cookie(LAST_SITE_COOKIE, path="/editor")
    response.delete_cookie(cookie_name(user.grant.site), path="/editor")


def last_site() -> str | None:
    """The site that this browser last signed in to and has not signed out of."""
    name = request.cookies.get(LAST_SITE_COOKIE)
    return name if name in backend().settings.sites else None


def require(role: Scope) -> User:
    """The signed-in user; aborts with 403 without this role."""
    user = current_user()
    if not user.may(role):
        abort(403, f"This needs a key with the role “{role}”.")
    return user


def set_cookie(response: Response, name: str, value: str, path: str) -> None:
    # Anyone can send the header, but it can only make a cookie stricter.
    secure = request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"
    response.set_cookie(
        name, value, max_age=SECONDS, path=path, secure=secure, httponly=True, samesite="Lax"
    )
