"""
The decorator of the public API's views.

`operation` checks the site and the key of a request, reads its query and body into the models that
the view takes, and writes what the view returns. `/openapi.json` is made from the same facts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from inspect import signature
from typing import Any

from flask import Response
from pydantic import BaseModel

from api.http.auth import require
from api.http.request import backend, parse_body, parse_query, read_json
from api.http.responses import json_response
from features.schemas import Schema
from recommender.policy.option import Interface
from recommender.storage.access import Scope

View = Callable[..., Any]

JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class Parameter:
    """A parameter that a view reads itself, as OpenAPI describes it."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    place: str = "query"
    required: bool = False
    example: str | None = None


REVISION_HEADER = {"ETag": "The revision, for `If-Match`"}
IF_MATCH = Parameter("If-Match", "Only if this is still the ETag; else 412", place="header")


@dataclass(frozen=True)
class operation:  # noqa: N801  # a decorator
    """
    Decorates a view; its docstring is the summary, and the description where it has more lines.

    A view is only given what its signature names: `query`, `body`, `grant`. What it does not name,
    it reads itself, and the operation only describes it.

    Fields:
        name: the `operationId`.
        scope: of the key that it needs.
        key_is_optional: the view itself asks for the key, and not for every request.
        query: the model of the query string.
        offered_by: which of the options in *query* there are, see `Option.not_in`.
        parameters: others that the view reads.
        body: the model of what is sent.
        body_types: its media types.
        answer: the type of what is returned: a TypedDict, a model, or a union; None without one.
        statuses: of good answers; the first is used unless the view makes its own response.
        answer_type: its media type.
        other_answers: by media type, the content of answers in other forms.
        headers: of good answers, with their descriptions.
        problems: statuses of problems, besides those of every operation with a key.
    """

    name: str
    scope: Scope | None = None
    key_is_optional: bool = False
    query: type[BaseModel] | None = None
    offered_by: tuple[Interface, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    body_types: tuple[str, ...] = (JSON,)
    answer: Any = None
    statuses: tuple[int, ...] = (200,)
    answer_type: str = JSON
    other_answers: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[int, ...] = ()

    def __call__(self, view: View) -> View:
        takes = signature(view).parameters

        @wraps(view)
        def checked(**values: Any) -> Response:
            if "site" in values:
                backend().site(values["site"])
            if self.scope is not None and not self.key_is_optional:
                grant = require(values["site"], self.scope)
                if "grant" in takes:
                    values["grant"] = grant
            if self.query is not None and "query" in takes:
                values["query"] = parse_query(self.query)
            if self.body is not None and "body" in takes:
                values["body"] = parse_body(self.body, read_json())
            return self._response(view(**values))

        checked.operation = self  # type: ignore[attr-defined]
        return checked

    def _response(self, answer: Any) -> Response:
        if isinstance(answer, Response):
            return answer
        return json_response(answer, self.statuses[0])


def operation_of(view: View) -> operation | None:
    """The operation that a view is decorated with, if it is."""
    return getattr(view, "operation", None)
