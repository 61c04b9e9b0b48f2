"""The OpenAPI 3.1 description, made from the same models that check requests."""

from functools import cache
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response
from pydantic.json_schema import models_json_schema

from api.http.responses import json_response
from api.v1.openapi.models import ANSWERS
from api.v1.openapi.operations import REFERENCE
from api.v1.openapi.paths import paths
from api.v1.openapi.sent import sent

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
def openapi_json() -> Response:
    return json_response(description())


@cache
def description() -> dict[str, Any]:
    _, schemas = models_json_schema(list(ANSWERS.items()), ref_template=REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Also See",
            "version": version("alsosee"),
            "description": "Related articles for news publishers, from the site's own archive.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths(),
        "components": {
            "schemas": schemas["$defs"] | sent(),
            "securitySchemes": {"key": _KEY},
        },
    }


_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "`alsosee keys create` makes one for a site and a scope.",
}
