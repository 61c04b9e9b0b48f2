"""One list as a response: from a cache, made now, or a stale copy while the store is away."""

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple, cast

from flask import Response, current_app, request

from api.caches.hot import SERVED, Served
from api.caches.lists import FinishedList, ListCache
from api.http.auth import require
from api.http.request import backend
from api.lists.document import document, list_language, texts_to_explain
from api.lists.examples import sources_of_ids
from api.lists.formats import ListFormat, render
from api.lists.options import FEW_VALUES, cache_key, is_cacheable, options_from_query
from features.article import Article
from recommender.errors import StoreUnavailable
from recommender.pipeline.results import RelatedList
from recommender.policy.list_options import ListOptions
from recommender.replica.site import SiteReplica
from recommender.storage.article_records import article_key

Make = Callable[[ListOptions, datetime], tuple[RelatedList, int]]

# No cache shows an article for longer than 30 seconds after it is deleted, service up or down.
CACHE_CONTROL = "public, max-age=10, stale-while-revalidate=20, stale-if-error=20"


class ListRequest(NamedTuple):
    """
    What a request asks for.

    Fields:
        source_ids: the articles that the list belongs to; none for the newest articles.
    """

    live: SiteReplica
    source_ids: tuple[str, ...]
    list_format: ListFormat
    options: ListOptions

    def shared_options(self) -> ListOptions:
        """The options without those that change nothing, as far as this worker knows."""
        options = self.options
        defaults = self.live.list_defaults(options.surface)
        redundant = []
        for name in FEW_VALUES:
            value = getattr(options, name)
            if value is not None and value == defaults.get(name):
                redundant.append(name)
        if options.surface is not None and not self.live.has_surface(options.surface):
            redundant.append("surface")  # made-up names must not fill the cache
        return options.replacing(**dict.fromkeys(redundant)) if redundant else options

    @property
    def is_cacheable(self) -> bool:
        """Whether many readers ask for this list; random groups of sources would fill the cache."""
        return len(self.source_ids) <= 1 and is_cacheable(self.shared_options())

    def cache_name(self, options: ListOptions) -> str:
        """The name of this list with other *options*."""
        digest = blake2b(cache_key(options), digest_size=9).hexdigest()
        model = backend().model(self.live.site).digest  # another ranking makes other lists
        key = "+".join(article_key(self.live.site, one) for one in self.source_ids) or "recent"
        return f"{key}:{self.list_format.name}:{model}:{digest}"


def list_response(
    live: SiteReplica, source_ids: tuple[str, ...], list_format: ListFormat, make: Make
) -> Response:
    """
    Answer a list.

    Args:
        source_ids: the articles that the list belongs to; none for the newest articles.
        make: makes the list, and returns the version that it was made from.
    """
    options = options_from_query(request.args, ListOptions)
    if options.explain:
        require(live.site, "look")  # it shows words of whole texts, and takes long
    list_request = ListRequest(live, source_ids, list_format, options)
    state = live.state  # before the settings are read, which are of this state or a later one
    shared_options = list_request.shared_options()
    # What changes nothing may change something in another state.
    required_state = None if shared_options == options else state
    name = list_request.cache_name(shared_options)
    try:
        finished = None
        if list_request.is_cacheable:
            finished = _list_cache().get(live.site, name, required_state)
        if finished is not None:
            request.environ[SERVED] = Served(
                finished.version, finished.made_at, finished.expires_at
            )
            return _response(finished, list_format, "hit")
        finished = _make_list(list_request, name, make)
        return _response(finished, list_format, "fwd=miss")
    except StoreUnavailable:
        stale = _list_cache().stale_copy(live.site, name, backend().settings.stale_seconds)
        if stale is None or not live.may_show(stale.ids, backend().clock.now()):
            raise
        age_seconds = backend().clock.time() - stale.made_at
        return _response(stale, list_format, "fwd=stale", age_seconds)


def _list_cache() -> ListCache:
    return cast(ListCache, current_app.extensions["alsosee_lists"])


def _make_list(list_request: ListRequest, name: str, make: Make) -> FinishedList:
    """Make the list, and store it in the cache if many readers may ask for it."""
    live, source_ids, list_format, options = list_request
    now = backend().clock.now()
    related, version = make(options, now)
    explains = options.explain and source_ids
    texts = texts_to_explain(live, related, *source_ids) if explains else None
    source = _text_of_several(list_request, texts)
    # The same list in every format has the same id.
    document_name = name.replace(list_format.name, "")
    answer = document(related, version, document_name, options, source, texts)
    language = list_language(related, options, source)
    home = backend().settings.home_page(live.site) if list_format.links_to_page else None
    body = render(list_format, answer, language, home)
    expires_at = now.timestamp() + backend().settings.list_ttl_seconds
    if related.expires_at is not None:
        expires_at = min(expires_at, related.expires_at.timestamp())
    item_ids = tuple(item.card["id"] for item in related.items)
    ids = (*source_ids, *item_ids)
    finished = FinishedList.of(body, ids, version, now.timestamp(), expires_at)
    shared_options = list_request.shared_options()  # the settings may have changed meanwhile
    if list_request.is_cacheable and name == list_request.cache_name(shared_options):
        # Lists of made-up filters are empty, and must not fill the shared cache.
        _list_cache().put(live.site, name, finished, shared=bool(item_ids))
    return finished


def _text_of_several(
    list_request: ListRequest, texts: Mapping[str, Article] | None
) -> Article | None:
    """One text of several sources; None for a list of one or none."""
    live, source_ids, *_ = list_request
    if len(source_ids) < 2:
        return None
    if texts is not None:
        return sources_of_ids(source_ids).text(texts)
    # Readers may not see the title of an article before its publication.
    combined = sources_of_ids(source_ids).text(live.texts(source_ids))
    return combined.model_copy(update={"title": ""})


def _response(
    finished: FinishedList, list_format: ListFormat, source: str, age_seconds: float | None = None
) -> Response:
    """The list; *source* says where it comes from (RFC 9211)."""
    response = Response(finished.body, headers=list_format.headers)
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.headers["Cache-Status"] = f"AlsoSee; {source}"
    if age_seconds is not None:
        response.headers["Age"] = str(max(0, round(age_seconds)))
    response.set_etag(finished.etag)
    response.make_conditional(request)
    return response
