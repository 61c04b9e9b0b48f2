"""Who may do what: a bearer key with the right scope for the site, and who signs a change."""

from flask import abort, g, request
from pydantic import BaseModel, Field

from api.http.request import backend
from api.http.responses import problem
from recommender.policy.rules import MAX_AUTHOR_CHARS, Author, RuleNote
from recommender.storage.access import Grant, Scope
from recommender.storage.audit import Editor


def require(site: str, scope: Scope) -> Grant:
    """Abort with 401 without a valid key, and with 403 if the key does not allow this."""
    g.needs_key = True
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    grant = backend().keys.grant(key.strip()) if scheme.lower() == "bearer" else None
    if grant is None:
        detail = (
            "This key is not known; it may have been revoked."
            if key
            else "This needs a key: Authorization: Bearer …"
        )
        challenge = {"WWW-Authenticate": 'Bearer realm="alsosee"'}
        abort(problem(401, detail, headers=challenge))
    if grant.site != site or not grant.allows(scope):
        abort(problem(403, f"This key does not allow {scope} on site {site!r}."))
    return grant


class Signature(BaseModel):
    """Who makes a change, and why."""

    author: Author = Field("", description="Who decides this; otherwise the note of the key")
    note: RuleNote = Field("", description="Why")

    def editor(self, grant: Grant) -> Editor:
        return Editor(grant.key_id, self.author or grant.note[:MAX_AUTHOR_CHARS], self.note)
