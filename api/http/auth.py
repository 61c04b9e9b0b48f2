"""Who may write: a bearer key with the right scope for the site."""

from flask import abort, g, request

from api.http.context import backend
from api.http.errors import problem
from recommender.storage.access import Grant, Scope


def require(site: str, scope: Scope) -> Grant:
    """Answer 401 without a valid key, 403 when it is for another site or lacks the *scope*."""
    g.needs_key = True
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    grant = backend().keys.grant(key.strip()) if kind.lower() == "bearer" else None
    if grant is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="alsosee"'}
        known = "This key is not known; it may have been revoked."
        needed = "This needs a key: Authorization: Bearer …"
        abort(problem(401, known if key else needed, headers=challenge))
    if grant.site != site or not grant.allows(scope):
        abort(problem(403, f"This key does not allow {scope} on site {site!r}."))
    return grant
