"""The description of the API for machines."""

from flask import Blueprint, current_app

from api.http.operation import operation
from api.v1.openapi.document import Json, describe

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
@operation("openapi", other_answers={"application/json": {"type": "object"}})
def openapi_json() -> Json:
    """This description."""
    return describe(current_app._get_current_object())  # type: ignore[attr-defined]
