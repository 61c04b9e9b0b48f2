"""
The editor's desk: pages at `/editor/<site>/` to see, understand and overrule lists.

Every page works without a script. `guard` decides who is let in, `desk` is what all pages share,
and each other module is one page.
"""

from flask import Blueprint

from api.editor import article, drafts, guard, overview, settings
from api.editor import audit as changes
from api.editor import overrides as overruling
from api.editor import search as finding
from api.editor import side_by_side as pair
from api.editor import sign_in as signing

blueprint = Blueprint("editor", __name__, url_prefix="/editor")
for page in (signing, finding, article, pair, overruling, drafts, settings, changes, overview):
    blueprint.register_blueprint(page.blueprint)
guard.stand_before(blueprint)
