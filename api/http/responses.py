"""The responses of views: JSON, problem documents (RFC 9457), and those of other views."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, NotRequired

import orjson
from flask import Response, current_app, make_response
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from recommender.errors import FieldProblem


class FieldError(TypedDict):
    """What is wrong with one field or parameter."""

    pointer: Annotated[
        str, Field(description="JSON Pointer to the field, or `/name` of the parameter")
    ]
    detail: str


class Problem(TypedDict):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[FieldError]]


def problem(
    status: int,
    detail: str,
    problems: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """
    A problem document.

    Args:
        problems: of single fields or parameters.
    """
    document: Problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if problems:
        document["errors"] = field_errors(problems)
    response = Response(orjson.dumps(document), status, content_type="application/problem+json")
    # A proxy must not keep an error for the next reader.
    response.headers.update({"Cache-Control": "no-store", **(headers or {})})
    return response


def field_errors(problems: Iterable[FieldProblem]) -> list[FieldError]:
    return [{"pointer": problem.pointer, "detail": problem.detail} for problem in problems]


def json_response(answer: object, status: int = 200) -> Response:
    """JSON that no cache may keep; *answer* may contain models."""
    body = orjson.dumps(answer, default=_json_of_model)
    response = Response(body, status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _json_of_model(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"no JSON of {type(value).__name__}")


def forward(endpoint: str, **values: str) -> Response:
    """The response of another view, for an address that means that view's resource."""
    return make_response(current_app.view_functions[endpoint](**values))
