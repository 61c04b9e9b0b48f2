"""Which requests the desk accepts, and the headers and errors of its responses."""

import hmac

import structlog
from flask import Blueprint, Response, abort, g, request
from werkzeug.exceptions import HTTPException

from api.editor.pages import page, redirect_to, sent_fields, sentence, sign_in_page
from api.editor.session import user_of_request
from api.http.errors import status_of
from api.http.request import backend
from recommender.errors import AlsoSeeError, FieldProblem, InvalidInput, StoreUnavailable
from recommender.storage.rulebook import RulesChanged

log = structlog.get_logger()

UNAVAILABLE = "The archive is not available just now. Try again soon."
UNAVAILABLE_DURING_CHANGE = (
    "The archive is not available just now. Check whether it was saved before you send it again."
)
NOT_SAVED = "Not saved. Fix what is listed below and try again."

OPEN_PAGES = {f"editor.sign_in.{view}" for view in ("front", "without_slash", "sign_in", "unknown")}
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src http: https: data:;"
    " style-src 'self'; frame-src 'self'; frame-ancestors {ancestors}; base-uri 'none';"
    " form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)


def protect(blueprint: Blueprint) -> None:
    blueprint.before_request(_admit)
    blueprint.after_request(_harden)
    for kind in (AlsoSeeError, HTTPException, Exception):
        blueprint.register_error_handler(kind, _error_page)


def _admit() -> Response | None:
    is_change = _is_change()
    if is_change and not _is_same_origin():
        abort(403, "This form did not come from a page of the desk.")
    if request.endpoint in OPEN_PAGES:
        return None
    sent_token = request.form.get("csrf", "") or request.headers.get("X-CSRF-Token", "")
    if is_change and not sent_token:
        abort(403, "The form lacks its token. Load the page again and send it once more.")
    site = (request.view_args or {}).get("site", "")
    backend().site(site)
    user = user_of_request(site)
    if user is None:
        return _sign_in_first(is_change)
    g.user = user
    if is_change and not hmac.compare_digest(sent_token.encode(), user.session.csrf.encode()):
        # For example after signing in again in another tab: the user sends the form once more.
        return page("send_again.html", 403, fields=sent_fields(), action=request.path)
    return None


def _is_change() -> bool:
    return request.method not in ("GET", "HEAD")


def _is_same_origin() -> bool:
    """Whether a page of this site sent the form: browsers name the origin of every POST."""
    origin = request.headers.get("Origin", "")
    return origin in (f"http://{request.host}", f"https://{request.host}")


def _sign_in_first(is_change: bool) -> Response:
    if request.endpoint == "editor.sign_in.sign_out":
        return redirect_to("/editor/")
    if request.endpoint == "editor.article.frame":
        g.may_be_framed = True  # otherwise the browser shows its own error in the frame
        return page("signed_out_frame.html", 401)
    if is_change:
        return sign_in_page(401, action=request.path, fields=sent_fields())
    return sign_in_page(401, target=request.full_path.rstrip("?"))


def _harden(response: Response) -> Response:
    ancestors = "'self'" if g.get("may_be_framed") else "'none'"
    response.headers["Content-Security-Policy"] = POLICY.format(ancestors=ancestors)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _error_page(error: Exception) -> Response:
    """A page with a sentence for editors and the form that was sent, to be sent again."""
    if isinstance(error, HTTPException) and (error.code is None or error.response is not None):
        return error.get_response()  # type: ignore[return-value]
    status, message = _explained(error)
    fields = sent_fields() if _is_change() and _is_same_origin() else []
    problems = error.problems if isinstance(error, InvalidInput) else []
    return page(
        "error.html",
        status,
        message=message,
        problems=map(_problem_text, problems),
        fields=fields,
    )


def _explained(error: Exception) -> tuple[int, str]:
    """The status and the sentence of an error."""
    if isinstance(error, HTTPException):
        return error.code or 500, error.description or error.name
    if isinstance(error, StoreUnavailable):
        return 503, UNAVAILABLE_DURING_CHANGE if _is_change() else UNAVAILABLE
    if isinstance(error, RulesChanged):
        return 412, f"Not saved: {error}. Look at the current list, then decide again."
    if isinstance(error, InvalidInput):
        return 400, NOT_SAVED if _is_change() else "This address is not valid."
    if not isinstance(error, AlsoSeeError):
        log.error("unexpected error", exc_info=error)
        return 500, "Something went wrong. The log of the service has the details."
    return int(status_of(error)), sentence(error)


def _problem_text(problem: FieldProblem) -> str:
    return str(problem._replace(pointer=problem.pointer.replace("_", " ")))
