"""Figures of archive, lists, readers and service."""

from flask import Blueprint

from api.http.operation import operation
from api.http.request import backend
from recommender.overview import Overview, overview_of

blueprint = Blueprint("overview", __name__, url_prefix="/v1/<site>")


@blueprint.get("/overview")
@operation("overview", scope="look", answer=Overview)
def overview(site: str) -> Overview:
    """Figures of archive, lists, readers and service, as the editor's desk shows them."""
    return overview_of(backend(), backend().site(site), backend().clock.now())
