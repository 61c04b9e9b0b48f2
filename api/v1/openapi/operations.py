"""What is an operation made of? Answers, problems, what is sent and which key is needed."""

from collections.abc import Sequence
from typing import Any

from api.v1.openapi.examples import EXAMPLES, FORMS
from api.v1.openapi.parameters import SITE, of_lists
from recommender.storage.access import Scope

REFERENCE = "#/components/schemas/{model}"
Described = dict[str, Any]

NEEDS_KEY: Described = {"key": []}
OF_KEYED = (400, 401, 403, 404, 503)


def operation(
    name: str,
    summary: str,
    good: Described,
    *problems: int,
    parameters: Sequence[Described] = (),
    body: Described | None = None,
    scope: Scope | None = None,
) -> Described:
    """
    What can be done at an address.

    Args:
        problems: statuses; what any operation with a key may answer need not be named.
        scope: of the key it needs; anybody may do it without one.
    """
    problems = (*OF_KEYED, *problems) if scope else problems
    return {
        "operationId": name,
        "summary": summary,
        **({"description": f"Needs a key with the scope `{scope}`."} if scope else {}),
        "parameters": list(parameters),
        "responses": good | {str(status): _PROBLEM for status in sorted(problems)},
        **({"requestBody": {"required": True, "content": body}} if body else {}),
        "security": [NEEDS_KEY] if scope else [],
    }


def a_list(
    name: str, summary: str, *parameters: Described, forms: Described | None = None
) -> Described:
    """A list, which needs a key only to be explained; without *forms* `Accept` decides."""
    content = forms or {**json("List"), **FORMS}
    good = {
        "200": {"description": "List", "content": content, "headers": _LIST_HEADERS},
        "304": {"description": "As you have it (`If-None-Match`)"},
    }
    found = operation(name, summary, good, *OF_KEYED, parameters=[SITE, *parameters, *of_lists()])
    return found | {"security": [{}, NEEDS_KEY]}


_LIST_HEADERS = {
    header: {"description": text, "schema": {"type": "string"}}
    for header, text in (
        ("ETag", "For `If-None-Match`"),
        ("Cache-Control", "How long any cache may keep it"),
        ("Cache-Status", "Where it comes from (RFC 9211)"),
    )
}


def answer(model: str, description: str | None = None) -> Described:
    return {"description": description or model, "content": json(model)}


def with_etag(answered: Described) -> Described:
    etag = {"description": "The revision, for `If-Match`", "schema": {"type": "string"}}
    return {**answered, "headers": {"ETag": etag}}


def either(*models: str) -> Described:
    references = [{"$ref": REFERENCE.format(model=model)} for model in models]
    content = {"schema": {"anyOf": references}, "example": EXAMPLES[models[0]]}
    return {"description": " or ".join(models), "content": {"application/json": content}}


def json(model: str, content_type: str = "application/json") -> Described:
    reference = {"$ref": REFERENCE.format(model=model)}
    return {content_type: {"schema": reference, "example": EXAMPLES[model]}}


def ndjson(example: str) -> Described:
    return {"application/x-ndjson": {"schema": {"type": "string"}, "example": example}}


_PROBLEM = {"description": "Problem", "content": json("Problem", "application/problem+json")}
