"""
The editor's desk: pages at `/editor/<site>/` to see, explain and override lists.

Every page works without JavaScript. `guard` decides who gets in, `session` knows who is signed in,
`pages` renders, and most other modules are one page each.
"""

from flask import Blueprint

from api.editor import (
    article,
    audit,
    drafts,
    overrides,
    overview,
    search,
    sessions,
    settings,
    side_by_side,
    sign_in,
)
from api.editor.guard import protect

VIEWS = (
    sign_in,
    search,
    article,
    side_by_side,
    overrides,
    drafts,
    settings,
    audit,
    overview,
    sessions,
)

blueprint = Blueprint("editor", __name__, url_prefix="/editor")
for views in VIEWS:
    blueprint.register_blueprint(views.blueprint)
protect(blueprint)
