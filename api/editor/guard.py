"""Who is let in to the desk, and in what state anything leaves it."""

import hmac

import structlog
from flask import Blueprint, Response, abort, g, request
from werkzeug.exceptions import HTTPException

from api.editor import desk
from api.editor import sign_in as signing
from api.http.context import backend
from api.http.errors import status_of
from recommender.errors import AlsoSeeError, FieldProblem, InvalidInput, StoreUnavailable
from recommender.storage.rulebook import RulesChanged

log = structlog.get_logger()

AWAY = "The archive cannot be reached just now. Try again soon."
AWAY_AT_WORK = (
    "The archive cannot be reached just now. Look whether it was saved before you send it again."
)

NOT_SAVED = "Not saved. Fix what is listed below and try again."

OPEN_PAGES = {"editor.signing." + page for page in ("front", "short", "sign_in", "nowhere")}
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src http: https: data:;"
    " style-src 'self'; frame-src 'self'; frame-ancestors {ancestors}; base-uri 'none';"
    " form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)


def stand_before(blueprint: Blueprint) -> None:
    blueprint.before_request(_admit)
    blueprint.after_request(_harden)
    for kind in (AlsoSeeError, HTTPException, Exception):
        blueprint.register_error_handler(kind, _failed)


def _admit() -> Response | None:
    changes = _is_change()
    if changes and not _is_from_here():
        abort(403, "This form did not come from a page of the desk.")
    if request.endpoint in OPEN_PAGES:
        return None
    sent = request.form.get("csrf", "") or request.headers.get("X-CSRF-Token", "")
    if changes and not sent:
        abort(403, "The form lacks its token. Load the page again, and send it once more.")
    site = (request.view_args or {}).get("site", "")
    backend().site(site)
    found = desk.seated(site)
    if found is None:
        return _sign_in_first(site, changes)
    g.seat = found
    if changes and not hmac.compare_digest(sent.encode(), found.session.csrf.encode()):
        # Perhaps signed in anew in another tab: the same person sends the form once more.
        return desk.page("again.html", 403, fields=desk.kept_fields(), action=request.path)
    return None


def _is_from_here() -> bool:
    """Whether a page of this site sent the form: browsers name the origin of every POST."""
    origin = request.headers.get("Origin", "")
    return origin in (f"http://{request.host}", f"https://{request.host}")


def _sign_in_first(site: str, changes: bool) -> Response:
    if request.endpoint == "editor.signing.sign_out":
        return desk.go("/editor/")
    if request.endpoint == "editor.article.frame":
        g.may_be_framed = True  # or the browser shows an error of its own there
        return desk.page("signed-out-frame.html", 401)
    if changes:
        return signing.form(401, action=request.path, fields=desk.kept_fields())
    return signing.form(401, target=request.full_path.rstrip("?"))


def _harden(answer: Response) -> Response:
    ancestors = "'self'" if g.get("may_be_framed") else "'none'"
    answer.headers["Content-Security-Policy"] = POLICY.format(ancestors=ancestors)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def _failed(error: Exception) -> Response:
    """A sentence for an editor; below it what was typed, to be sent again."""
    if isinstance(error, HTTPException) and (error.code is None or error.response is not None):
        return error.get_response()  # type: ignore[return-value]
    status, said = _told(error)
    from_here = _is_change() and _is_from_here()
    fields = desk.kept_fields() if from_here else []
    problems = error.problems if isinstance(error, InvalidInput) else []
    return desk.page(
        "failed.html", status, said=said, problems=map(_named, problems), fields=fields
    )


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        return error.code or 500, error.description or error.name
    if isinstance(error, StoreUnavailable):
        return 503, AWAY_AT_WORK if _is_change() else AWAY
    if isinstance(error, RulesChanged):
        return 412, f"Not saved: {error}. Look at the list as it is now, then decide again."
    if isinstance(error, InvalidInput):
        return (
            400,
            "Not saved. Please fix these fields:" if _is_change() else "This address has mistakes:",
        )
    if not isinstance(error, AlsoSeeError):
        log.error("unexpected error", exc_info=error)
        return 500, "Something went wrong here; the log of the service says what."
    return int(status_of(error)), desk.sentence(error)


def _is_change() -> bool:
    return request.method not in ("GET", "HEAD")


def _named(problem: FieldProblem) -> str:
    """The problem in words; the field as the page calls it."""
    return str(problem._replace(pointer=problem.pointer.replace("_", " ")))
