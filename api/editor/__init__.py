"""
The editor's desk: pages at `/editor/<site>/` to see, understand and overrule lists.

Every page works without a script. `guard` decides who is let in, `desk` is what all pages share,
and each other module is one page.
"""

from flask import Blueprint

from api.editor import (
    article,
    changes,
    drafts,
    finding,
    guard,
    overruling,
    overview,
    pair,
    settings,
    signing,
)

blueprint = Blueprint("editor", __name__, url_prefix="/editor")
for page in (signing, finding, article, pair, overruling, drafts, settings, changes, overview):
    blueprint.register_blueprint(page.blueprint)
guard.stand_before(blueprint)
