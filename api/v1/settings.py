"""Site settings: read, replaced, and compared before they are stored."""

from typing import Annotated, Any, Literal, cast

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from api.http.auth import Signature
from api.http.operation import IF_MATCH, REVISION_HEADER, operation
from api.http.request import backend, expected_revisions
from api.http.responses import json_response
from api.lists.document import ListedArticle, ListSource, listed_article
from features.schemas import accepts
from recommender.pipeline.compare import MAX_SAMPLE, Compared, SampleFigures, compared
from recommender.pipeline.results import RelatedList
from recommender.policy.option_types import ArticleId, SurfaceName
from recommender.policy.rules import ARTICLE_SCHEMA
from recommender.policy.site_settings import (
    ListDefaults,
    SiteSettings,
)
from recommender.replica.sampling import compare_over_sample
from recommender.storage.access import Grant
from recommender.storage.rule_changes import StoredSettings

blueprint = Blueprint("site_settings", __name__, url_prefix="/v1/<site>")


class SentSettings(SiteSettings, Signature):
    """Defaults for requests that leave options out; settings that are left out are removed."""

    model_config = ConfigDict(frozen=True)

    revision: Any = Field(None, description="Ignored; see `If-Match`")


class RevisedSettings(SiteSettings):
    """Defaults for requests that leave options out; options without a default are left out."""

    revision: str = Field(description="Differs if the settings do; also the ETag")


class SentComparison(BaseModel):
    """Two settings to compare, of the site or of a surface; nothing of them is stored."""

    surface: SurfaceName | None = Field(
        None, description="Try them as settings of this surface, over those of the site"
    )
    a: ListDefaults | None = Field(None, description="Default: the stored settings")
    b: ListDefaults | None = Field(None, description="Default: the stored settings")
    article: Annotated[ArticleId | None, accepts(ARTICLE_SCHEMA)] = Field(
        None, description="Compare the lists of this article"
    )
    sample: int = Field(
        MAX_SAMPLE, ge=1, le=MAX_SAMPLE, description="Or the lists of that many articles"
    )

    def complete(self, stored: SiteSettings) -> tuple[ListDefaults, ListDefaults]:
        """Both settings in full."""
        return self._complete(self.a, stored), self._complete(self.b, stored)

    def _complete(self, defaults: ListDefaults | None, stored: SiteSettings) -> ListDefaults:
        if defaults is None:
            return stored.of(self.surface)
        return stored.trying(defaults, self.surface)


class ArticleMovement(TypedDict):
    """How an item moves from list `a` to list `b`."""

    code: Literal["same", "up", "down", "in", "out"]
    places: Annotated[int, Field(description="How far up or down")]


class MovedArticle(ListedArticle):
    """An item of one of two lists."""

    movement: ArticleMovement


class ComparedLists(TypedDict):
    """The lists of one article with two settings."""

    version: int
    source: ListSource
    overlap: Annotated[float, Field(description="Share of all items that are in both lists")]
    a: list[MovedArticle]
    b: list[MovedArticle]


class SampleMeans(TypedDict):
    """Figures of the lists of a sample; null if there is nothing to average."""

    items: Annotated[float | None, Field(description="In a list, on average")]
    age_days: Annotated[float | None, Field(description="Of the items, the median")]
    distance_days: Annotated[
        float | None,
        Field(description="In time between an item and the list's own article, the median"),
    ]
    cosine: Annotated[
        float | None, Field(description="How similar the items of a list are, on average")
    ]
    sections: Annotated[float | None, Field(description="Different ones in a list, on average")]
    fallback: Annotated[float | None, Field(description="Share of filler items")]


class ComparedSample(TypedDict):
    """How two settings differ over a sample: half newest articles, half from the whole archive."""

    articles: int
    changed: Annotated[float | None, Field(description="Share of lists in which a place differs")]
    overlap: Annotated[
        float | None, Field(description="Share of all items of two lists that are in both")
    ]
    moved: Annotated[
        float | None, Field(description="Places that items of both lists move, on average")
    ]
    a: SampleMeans
    b: SampleMeans


@blueprint.get("/settings")
@operation("getSettings", scope="look", answer=RevisedSettings, headers=REVISION_HEADER)
def site_settings(site: str) -> Response:
    """Defaults for requests that leave options out, by surface."""
    return _revised(backend().store.rulebook.settings(site))


@blueprint.put("/settings")
@operation(
    "putSettings",
    scope="admin",
    parameters=(IF_MATCH,),
    body=SentSettings,
    answer=RevisedSettings,
    headers=REVISION_HEADER,
    problems=(409, 412, 413, 415),
)
def put_site_settings(site: str, grant: Grant, body: SentSettings) -> Response:
    """Replace the settings of the site and of all surfaces."""
    # Without author, note and revision, which belong to the request.
    settings = SiteSettings(articles=body.articles, site=body.site, surfaces=body.surfaces)
    stored = backend().store.rulebook.replace_settings(
        site, settings, body.editor(grant), backend().clock.now(), expected_revisions()
    )
    return _revised(stored)


@blueprint.post("/settings/compare")
@operation(
    "compareSettings",
    scope="look",
    body=SentComparison,
    answer=ComparedSample | ComparedLists,
    problems=(413, 415),
)
def compare_settings(site: str, body: SentComparison) -> ComparedSample | ComparedLists:
    """What other settings would change, in the list of one article or over a sample."""
    live = backend().site(site)
    now = backend().clock.now()
    a, b = body.complete(backend().store.rulebook.settings(site).settings)
    # Both lists are made in one read, from the same version of the site.
    article_id = body.article
    if article_id is not None:
        lists, version = live.read_with_cards(
            lambda recommender: compared(recommender, article_id, a, b, now)
        )
        return _compared_lists(lists, version)
    sampled = compare_over_sample(live, a, b, body.sample, now)
    return {
        "articles": sampled.articles,
        "changed": sampled.changed,
        "overlap": sampled.overlap,
        "moved": sampled.moved,
        "a": _means(sampled.a),
        "b": _means(sampled.b),
    }


def _means(figures: SampleFigures) -> SampleMeans:
    return cast(SampleMeans, figures._asdict())


def _compared_lists(lists: Compared, version: int) -> ComparedLists:
    source = lists.a.source or {}
    return {
        "version": version,
        "source": {
            "id": source.get("id"),
            "url": source.get("url"),
            "title": source.get("title"),
        },
        "overlap": lists.overlap,
        "a": _moved(lists.a, lists),
        "b": _moved(lists.b, lists),
    }


def _moved(related: RelatedList, lists: Compared) -> list[MovedArticle]:
    moved = []
    # Reasons are in the language of the source, as in its list.
    language = (related.source or {}).get("language")
    for place, item in enumerate(related.items, 1):
        movement = lists.movements[item.card["id"]]
        article: MovedArticle = {
            **listed_article(item, place, language),
            "movement": {"code": movement.code, "places": movement.places},
        }
        moved.append(article)
    return moved


def _revised(stored: StoredSettings) -> Response:
    # None means "not set", which a client writes by leaving the option out.
    settings = stored.settings.model_dump(mode="json", exclude_none=True)
    response = json_response({**settings, "revision": stored.revision})
    response.set_etag(stored.revision)
    return response
