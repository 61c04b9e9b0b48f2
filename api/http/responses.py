"""What views answer with."""

import orjson
from flask import Response, current_app, make_response
from pydantic import BaseModel


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
