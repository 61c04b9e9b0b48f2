"""Every error as problem+json (RFC 9457): one table, no `try` in a view."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import orjson
import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from features.article import FieldProblem, InvalidArticle
from recommender.errors import (
    AlsoSeeError,
    ConfigurationError,
    Conflict,
    CorruptRecord,
    InvalidParameter,
    InvalidTruth,
    NotFound,
    StoreUnavailable,
    TooManyRequests,
)
from recommender.storage.rulebook import RulesChanged

log = structlog.get_logger()

STATUSES: dict[type[Exception], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    RulesChanged: HTTPStatus.PRECONDITION_FAILED,
    InvalidParameter: HTTPStatus.BAD_REQUEST,
    InvalidArticle: HTTPStatus.BAD_REQUEST,
    InvalidTruth: HTTPStatus.BAD_REQUEST,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    CorruptRecord: HTTPStatus.INTERNAL_SERVER_ERROR,
    ConfigurationError: HTTPStatus.INTERNAL_SERVER_ERROR,
    AlsoSeeError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
RETRY_AFTER_SECONDS = 2


def problem(
    status: int,
    detail: str,
    problems: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """
    Build a problem document.

    Args:
        problems: what is wrong with single fields or parameters.
    """
    fields: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if problems:
        fields["errors"] = [p._asdict() for p in problems]
    response = Response(orjson.dumps(fields), status, content_type="application/problem+json")
    response.headers.update({"Cache-Control": "no-store", **(headers or {})})
    return response


def register(app: Flask) -> None:
    for kind in (InvalidArticle, AlsoSeeError):
        app.register_error_handler(kind, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def status_of(error: Exception) -> HTTPStatus:
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def _known(error: Exception) -> Response:
    status = status_of(error)
    if isinstance(error, InvalidArticle):
        return problem(status, "The article cannot be accepted.", error.problems)
    if isinstance(error, InvalidParameter):
        return problem(status, str(error), [FieldProblem(f"/{error.name}", error.detail)])
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unexpected(error)
    waiting = status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if waiting else None
    return problem(status, str(error), headers=headers)


def _http(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()  # type: ignore[return-value]  # a redirect, or a made answer
    response = problem(error.code, error.description or HTTPStatus(error.code).phrase)
    response.headers.extend(
        (name, value)
        for name, value in error.get_headers()
        if name.lower() in ("allow", "retry-after", "www-authenticate")
    )
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return problem(500, "Something went wrong here; the log says what.")
