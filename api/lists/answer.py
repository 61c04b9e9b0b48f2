"""One list as bytes: from a cache, made now, or a stale copy while the store is away."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import cast

from flask import Response, current_app, request

from api.caches.hot import SERVED, Served
from api.caches.lists import FinishedList, ListCache
from api.http.auth import require
from api.http.context import backend
from api.lists.document import document, list_language, texts_to_explain
from api.lists.formats import ListFormat, render
from api.lists.options import FEW_VALUES, cache_key, is_cacheable, options_from_query
from recommender.errors import StoreUnavailable
from recommender.pipeline.results import RelatedList
from recommender.policy.list_options import ListOptions
from recommender.replica.site import SiteReplica
from recommender.storage.article_records import article_key

Make = Callable[[ListOptions, datetime], tuple[RelatedList, int]]

# No cache shows an article for longer than 30 seconds after it is deleted, service up or down.
CACHE_CONTROL = "public, max-age=10, stale-while-revalidate=20, stale-if-error=20"


def list_response(
    live: SiteReplica, article_id: str, list_format: ListFormat, make: Make
) -> Response:
    """
    Answer a list, from wherever it is at hand.

    Args:
        article_id: what the list stands beside; empty for the newest articles.
        make: makes it from the corpus, and says from which version.
    """
    query = options_from_query(request.args, ListOptions)
    if query.explain:
        require(live.site, "look")  # it tells words of whole texts, and takes its time
    heard = live.state  # before it is asked for settings, which are as of then or later
    shared = _shared(live, query)
    only_in = None if shared == query else heard
    name = _name(live.site, article_id, list_format, shared)
    try:
        finished = _list_cache().get(live.site, name, only_in) if is_cacheable(shared) else None
        if finished is not None:
            request.environ[SERVED] = Served(finished.version, finished.expires_at)
            return _response(finished, list_format, "hit")
        finished = _finish(live, article_id, list_format, name, query, make)
        return _response(finished, list_format, "fwd=miss")
    except StoreUnavailable:
        stale = _list_cache().stale_copy(live.site, name, backend().settings.stale_seconds)
        if stale is None or not live.may_show(stale.ids, datetime.now(UTC)):
            raise
        age_seconds = time.time() - stale.made_at
        return _response(stale, list_format, "fwd=stale", age_seconds)


def _list_cache() -> ListCache:
    return cast(ListCache, current_app.extensions["alsosee_lists"])


def _shared(live: SiteReplica, query: ListOptions) -> ListOptions:
    """The same query without what changes nothing, as far as this worker has heard."""
    defaults = live.list_defaults(query.surface)
    idle = []
    for name in FEW_VALUES:
        value = getattr(query, name)
        if value is not None and value == defaults.get(name):
            idle.append(name)
    if query.surface is not None and not live.has_surface(query.surface):
        idle.append("surface")  # made-up names must not fill the cache
    return query.replacing(**dict.fromkeys(idle)) if idle else query


def _name(site: str, article_id: str, list_format: ListFormat, query: ListOptions) -> str:
    wish = blake2b(cache_key(query), digest_size=9).hexdigest()
    model = backend().model(site).digest  # lists of another ranking are other lists
    key = article_key(site, article_id) if article_id else "recent"
    return f"{key}:{list_format.name}:{model}:{wish}"


def _finish(
    live: SiteReplica,
    article_id: str,
    list_format: ListFormat,
    name: str,
    query: ListOptions,
    make: Make,
) -> FinishedList:
    now = datetime.now(UTC)
    made, version = make(query, now)
    shown = tuple(item.card["id"] for item in made.items)
    texts = texts_to_explain(live, made, article_id) if query.explain and article_id else None
    # Whatever its list_format, it is one list.
    answer = document(made, version, name.replace(list_format.name, ""), query, texts=texts)
    language = list_language(made, query)
    body = render(list_format, answer, language, backend().settings.home_page(live.site))
    expires_at = made.expires_at.timestamp() if made.expires_at else float("inf")
    ids = (article_id, *shown) if article_id else shown
    finished = FinishedList.of(body, ids, version, now.timestamp(), min(expires_at, _latest(now)))
    shared = _shared(live, query)  # which may have changed since the name was made
    if is_cacheable(shared) and name == _name(live.site, article_id, list_format, shared):
        # Made-up filters find nothing, and must not fill the cache that all share.
        _list_cache().put(live.site, name, finished, shared=bool(shown))
    return finished


def _latest(now: datetime) -> float:
    return now.timestamp() + backend().settings.list_ttl_seconds


def _response(
    finished: FinishedList, list_format: ListFormat, state: str, age_seconds: float | None = None
) -> Response:
    response = Response(finished.body, headers=list_format.headers)
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.headers["Cache-Status"] = f"AlsoSee; {state}"
    if age_seconds is not None:
        response.headers["Age"] = str(max(0, round(age_seconds)))
    response.set_etag(finished.etag)
    response.make_conditional(request)
    return response
