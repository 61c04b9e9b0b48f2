"""What views answer with."""

import orjson
from flask import Response, current_app, make_response


def json_response(answer: object, status: int = 200) -> Response:
    """JSON that no cache may keep."""
    response = Response(orjson.dumps(answer), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def forward(endpoint: str, **values: str) -> Response:
    """The response of another view, for an address that means that view's resource."""
    return make_response(current_app.view_functions[endpoint](**values))
