"""One table from error to status, and the handlers that answer with problem documents."""

from collections.abc import Sequence
from http import HTTPStatus

import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from api.http.responses import problem
from recommender.errors import (
    AlsoSeeError,
    ConfigurationError,
    Conflict,
    CorruptRecord,
    FieldProblem,
    InvalidInput,
    MissingExtra,
    NotFound,
    StoreUnavailable,
    TookTooLong,
    TooManyRequests,
    UnusableData,
)
from recommender.storage.rulebook import RulesChanged

log = structlog.get_logger()

STATUSES: dict[type[Exception], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    RulesChanged: HTTPStatus.PRECONDITION_FAILED,
    InvalidInput: HTTPStatus.BAD_REQUEST,
    UnusableData: HTTPStatus.BAD_REQUEST,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    TookTooLong: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    CorruptRecord: HTTPStatus.INTERNAL_SERVER_ERROR,
    ConfigurationError: HTTPStatus.INTERNAL_SERVER_ERROR,
    MissingExtra: HTTPStatus.NOT_IMPLEMENTED,
    AlsoSeeError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
RETRY_AFTER_SECONDS = 2


def invalid(problems: Sequence[FieldProblem]) -> Response:
    """400 for input with these problems; the detail is a sentence about the first one."""
    # One problem is enough for people; programs read all of them in `errors`.
    first, *others = problems
    more = f" (and {len(others)} more)" if others else ""
    return problem(HTTPStatus.BAD_REQUEST, f"{first}{more}", problems)


def register(app: Flask) -> None:
    app.register_error_handler(AlsoSeeError, _known)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def status_of(error: Exception) -> HTTPStatus:
    # The nearest ancestor in the table decides.
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def _known(error: Exception) -> Response:
    status = status_of(error)
    if isinstance(error, InvalidInput):
        return invalid(error.problems)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unexpected(error)
    is_temporary = status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if is_temporary else None
    return problem(status, str(error), headers=headers)


def _http(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()  # type: ignore[return-value]  # a redirect, or a finished response
    response = problem(error.code, error.description or HTTPStatus(error.code).phrase)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "www-authenticate"):
            response.headers.add(name, value)
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return problem(500, "Something went wrong. The log has the details.")
