"""Signing in with an editor's key, and signing out."""

import hmac

from flask import Blueprint, Response, abort, request

from api.editor import session
from api.editor.pages import FORM_COOKIE, page, redirect_to, sign_in_page, waiting_fields
from api.http.request import backend
from recommender.storage.access import Grant

blueprint = Blueprint("sign_in", __name__)

MAX_NAME_CHARS = 100


@blueprint.get("/")
def front() -> Response:
    site = session.last_site()
    if site is not None and "other" not in request.args:
        return redirect_to(f"/editor/{site}/")
    return sign_in_page()


@blueprint.get("")
def without_slash() -> Response:
    # Flask's own redirect would name the wrong scheme behind a proxy.
    return redirect_to("/editor/")


@blueprint.get("/<path:rest>")
def unknown(rest: str) -> Response:
    abort(404, "The desk has no such page.")


@blueprint.post("/")
def sign_in() -> Response:
    if not _has_token():
        return sign_in_page(403, "The form lacked its token. Allow cookies and try again.")
    grant = backend().keys.grant(request.form.get("key", "").strip())
    if grant is None or not grant.allows("look"):
        # Only failures count: behind a proxy all editors have one address.
        if not backend().sessions.may_try(request.remote_addr or ""):
            return sign_in_page(429, "Too many attempts. Wait a minute, then try again.")
        return sign_in_page(401, "This key is not known, or it is not an editor's key.")
    action = request.form.get("action", "")
    if action and not _is_below(f"/editor/{grant.site}/", action):
        return sign_in_page(401, "This key is for another site than the form you were sending.")
    if grant.site not in backend().settings.sites:
        return sign_in_page(401, f"This key is for the site “{grant.site}”, which is not here.")
    name = " ".join(request.form.get("name", "").split())[:MAX_NAME_CHARS]
    session.open_session(grant, name)
    response = _continue(grant)
    session.set_session_cookies(response)
    return response


@blueprint.post("/<site>/sign-out")
def sign_out(site: str) -> Response:
    response = redirect_to("/editor/")
    session.close_session(response)
    return response


def _has_token() -> bool:
    token = request.cookies.get(FORM_COOKIE, "")
    sent = request.form.get("csrf", "")
    return bool(token) and hmac.compare_digest(token.encode(), sent.encode())


def _continue(grant: Grant) -> Response:
    """The requested page, or the waiting form, to be sent again."""
    home = f"/editor/{grant.site}/"
    action = request.form.get("action", "")
    if _is_below(home, action):
        return page("send_again.html", fields=waiting_fields(), action=action)
    target = request.form.get("target", "")
    return redirect_to(target if _is_below(home, target) else home)


def _is_below(home: str, path: str) -> bool:
    """Whether a path leads to a page of this site's desk, and nowhere else."""
    return path.startswith(home) and path.isprintable() and "\\" not in path
