"""Signing in with an editor's key, and out again."""

import hmac
import secrets
from collections.abc import Sequence

from flask import Blueprint, Response, abort, request

from api.editor import desk
from api.http.context import backend
from recommender.storage.access import Grant

blueprint = Blueprint("signing", __name__)

Fields = Sequence[tuple[str, str]]

FORM_COOKIE = "alsosee_sign_in"
KEPT = "kept."  # stands before the names of fields that wait for their editor to sign in
MAX_NAME_CHARS = 100


@blueprint.get("/")
def front() -> Response:
    site = desk.last_site()
    if site is not None and "other" not in request.args:
        return desk.go(f"/editor/{site}/")
    return form()


@blueprint.get("")
def short() -> Response:
    return desk.go("/editor/")  # of our own, for Flask's would name the wrong scheme behind a proxy


@blueprint.get("/<path:rest>")
def nowhere(rest: str) -> Response:
    abort(404, "There is no such page at the desk.")


@blueprint.post("/")
def sign_in() -> Response:
    if not _has_token():
        return form(403, "The form lacked its token. Try again, with cookies allowed.")
    grant = backend().keys.grant(request.form.get("key", "").strip())
    if grant is None or not grant.allows("look"):
        # Only whoever fails is counted: behind a proxy all editors have one address.
        if not backend().sessions.may_try(request.remote_addr or ""):
            return form(429, "Too many tries. Wait a minute, then try again.")
        return form(401, "This key is not known here, or it is not an editor's key.")
    action = request.form.get("action", "")
    if action and not _is_below(f"/editor/{grant.site}/", action):
        return form(401, "This key is for another site than what you were about to send.")
    if grant.site not in backend().settings.sites:
        return form(401, f"This key is for the site “{grant.site}”, which is not served here.")
    desk.take_seat(grant, " ".join(request.form.get("name", "").split())[:MAX_NAME_CHARS])
    answer = _onwards(grant)
    desk.keep_seat(answer)
    return answer


@blueprint.post("/<site>/sign-out")
def sign_out(site: str) -> Response:
    answer = desk.go("/editor/")
    desk.leave_seat(answer)
    return answer


def form(
    status: int = 200, said: str = "", target: str = "", action: str = "", fields: Fields = ()
) -> Response:
    """
    The form to sign in with.

    Args:
        target: the page to go on to.
        action: where another form was sent, with these *fields*, by somebody not signed in.
    """
    token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    answer = desk.page(
        "sign-in.html",
        status,
        said=said,
        token=token,
        target=target or request.form.get("target", ""),
        action=action or request.form.get("action", ""),
        fields=fields or _kept(),
    )
    desk.set_cookie(answer, FORM_COOKIE, token, "/editor")
    return answer


def _has_token() -> bool:
    token, sent = request.cookies.get(FORM_COOKIE, ""), request.form.get("csrf", "")
    return bool(token) and hmac.compare_digest(token.encode(), sent.encode())


def _onwards(grant: Grant) -> Response:
    """To the page that was asked for; or to the form that was filled in, to be sent again."""
    home, action = f"/editor/{grant.site}/", request.form.get("action", "")
    if _is_below(home, action):
        return desk.page("again.html", fields=_kept(), action=action)
    target = request.form.get("target", "")
    return desk.go(target if _is_below(home, target) else home)


def _kept() -> Fields:
    found = request.form.items(multi=True)
    return [(n.removeprefix(KEPT), value) for n, value in found if n.startswith(KEPT)]


def _is_below(home: str, path: str) -> bool:
    """Whether a path leads to a page of this site's desk, and nowhere else."""
    return path.startswith(home) and path.isprintable() and "\\" not in path
