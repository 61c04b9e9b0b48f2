"""The OpenAPI 3.1 document, made from the operations of an app's views."""

import re
from collections.abc import Iterator
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from inspect import getdoc
from typing import Any, NamedTuple, get_args

from flask import Flask
from pydantic import BaseModel

from api.http.operation import NDJSON, Parameter, View, operation, operation_of
from api.http.responses import Problem
from api.http.schemas import REFERENCE, answer_schemas, body_schema, query_schemas
from api.v1.openapi.examples import BODY_LINES, EXAMPLES, FORMAT_EXAMPLES, RESULT_LINES
from features.schemas import Schema
from features.values import MAX_ID_BYTES
from recommender.policy.list_options import ListOptions

Json = dict[str, Any]

PROBLEM_TYPE = "application/problem+json"
PROBLEMS_WITH_KEY = (400, 401, 403, 404, 503)
WITHOUT_CONTENT = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
NEEDS_KEY: Json = {"key": []}
KEY: Json = {
    "type": "http",
    "scheme": "bearer",
    "description": "`alsosee keys create` makes one for a site and a scope.",
}
# By name in Flask's routes.
PATH_PARAMETERS = {
    "site": Parameter(
        "site",
        "Name of the site",
        {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
        example="main",
    ),
    "article_id": Parameter(
        "id",
        "The article's id, percent-encoded: also its slashes",
        {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES},
        example="2025/03/12/sudzha",
    ),
    "form": Parameter(
        "form",
        "`json` is JSON Feed",
        {"type": "string", "enum": ["html", "rss", "json", "jsonld"]},
        example="rss",
    ),
    "rule_id": Parameter("rule_id", "The rule's id", example="195a2b3c4d51f3a9c01"),
    "entry_id": Parameter("entry_id", "The audit entry's id", example="1286-1"),
}
_CONVERTER = re.compile(r"<(?:\w+(?:\(.*?\))?:)?(\w+)>")


class Endpoint(NamedTuple):
    """One operation at its address; *path* is written as in OpenAPI."""

    path: str
    method: str
    path_parameters: list[Parameter]
    view: View
    operation: operation


@lru_cache(maxsize=1)
def describe(app: Flask) -> Json:
    endpoints = list(_endpoints(app))
    paths: dict[str, Json] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Also See",
            "version": version("alsosee"),
            "description": "Related articles for news publishers, from the site's own archive.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _schemas([endpoint.operation for endpoint in endpoints]),
            "securitySchemes": {"key": KEY},
        },
    }


def _endpoints(app: Flask) -> Iterator[Endpoint]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        described = operation_of(view)
        if described is None:
            continue
        parameters = [PATH_PARAMETERS[name] for name in _CONVERTER.findall(rule.rule)]
        path = _CONVERTER.sub(lambda match: f"{{{PATH_PARAMETERS[match[1]].name}}}", rule.rule)
        # Flask adds these two by itself.
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield Endpoint(path, method.lower(), parameters, view, described)


def _operation(endpoint: Endpoint) -> Json:
    described = endpoint.operation
    summary, _, details = (getdoc(endpoint.view) or "").partition("\n\n")
    needs_key = described.scope is not None and not described.key_is_optional
    if needs_key:
        details = f"Needs a key with the scope `{described.scope}`. {details}".strip()
    problems = PROBLEMS_WITH_KEY if described.scope else ()
    responses = {str(status): _response(described, status) for status in described.statuses}
    for status in sorted((*problems, *described.problems)):
        responses[str(status)] = {
            "description": "Problem",
            "content": _content(Problem, PROBLEM_TYPE),
        }
    # A key that is optional is described as a choice between none and one.
    document: Json = {
        "operationId": described.name,
        "summary": " ".join(summary.split()).removesuffix("."),
        "parameters": list(_parameters(endpoint)),
        "responses": responses,
        "security": [NEEDS_KEY] if needs_key else [{}, NEEDS_KEY] if described.scope else [],
    }
    if details:
        document["description"] = " ".join(details.split())
    if described.body is not None:
        content: Json = {}
        for media_type in described.body_types:
            content |= _content(described.body, media_type, BODY_LINES)
        document["requestBody"] = {"required": True, "content": content}
    return document


def _parameters(endpoint: Endpoint) -> Iterator[Json]:
    described = endpoint.operation
    for parameter in endpoint.path_parameters:
        yield _parameter(parameter, "path")
    for parameter in described.parameters:
        yield _parameter(parameter, parameter.place)
    if described.query is not None:
        for name, schema in query_schemas(described.query, described.offered_by):
            yield _parameter(Parameter(name, schema.pop("description"), schema), "query")


def _parameter(parameter: Parameter, place: str) -> Json:
    document: Json = {
        "name": parameter.name,
        "in": place,
        "required": parameter.required or place == "path",
        "description": parameter.description,
        "schema": parameter.schema,
    }
    if parameter.example is not None:
        document["example"] = parameter.example
    return document


def _response(described: operation, status: int) -> Json:
    if status in WITHOUT_CONTENT:
        return {"description": HTTPStatus(status).phrase}
    content: Json = {}
    if described.answer is not None:
        content |= _content(described.answer, described.answer_type, RESULT_LINES)
    for media_type, schema in described.other_answers.items():
        # These formats are specified elsewhere, so their schemas are only sketches.
        content[media_type] = {"schema": schema}
        if media_type in FORMAT_EXAMPLES:
            content[media_type]["example"] = FORMAT_EXAMPLES[media_type]
    names = " or ".join(answer.__name__ for answer in _alternatives(described.answer))
    response: Json = {"description": names or HTTPStatus(status).phrase, "content": content}
    if described.headers:
        headers = {}
        for name, text in described.headers.items():
            headers[name] = {"description": text, "schema": {"type": "string"}}
        response["headers"] = headers
    return response


def _content(answer: Any, media_type: str, lines: str = "") -> Json:
    """A type in one media type; NDJSON is a text of *lines* of it."""
    if media_type == NDJSON:
        return {media_type: {"schema": {"type": "string"}, "example": lines}}
    names = [alternative.__name__ for alternative in _alternatives(answer)]
    references = [{"$ref": REFERENCE.format(model=name)} for name in names]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    return {media_type: {"schema": schema, "example": EXAMPLES[names[0]]}}


def _alternatives(answer: Any) -> tuple[Any, ...]:
    """The types of a union; a class is its only alternative."""
    if answer is None:
        return ()
    return get_args(answer) or (answer,)


def _schemas(operations: list[operation]) -> dict[str, Schema]:
    answers = {Problem: None}
    bodies: dict[str, Schema] = {}
    for described in operations:
        answers |= dict.fromkeys(_alternatives(described.answer))
        if described.body is not None:
            bodies[described.body.__name__] = _body(described.body, described)
    return answer_schemas(answers) | bodies


def _body(body: type[BaseModel], described: operation) -> Schema:
    """What may be sent; a draft may hold the list options too."""
    schema = body_schema(body)
    if described.query is not None and issubclass(described.query, ListOptions):
        names = dict(query_schemas(described.query, ("draft", *described.offered_by)))
        options = body_schema(described.query)["properties"]
        own = schema["properties"]
        schema["properties"] = {name: options[name] for name in names} | own
    return schema
