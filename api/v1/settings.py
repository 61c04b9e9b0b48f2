"""How a site and its surfaces want their lists made: looked up, replaced, tried before."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import Signature, require
from api.http.context import backend
from api.http.request import expected_revisions, read_json
from api.http.responses import json_response
from api.lists.answer import list_item
from recommender.pipeline.compare import MAX_SAMPLE, Compared, compared
from recommender.pipeline.results import RelatedList
from recommender.policy.option_types import ArticleId, SurfaceName
from recommender.policy.site_settings import (
    ListDefaults,
    SiteSettings,
    parse_settings,
)
from recommender.replica.sampling import compare_over_sample
from recommender.replica.site import SiteReplica
from recommender.storage.rule_changes import StoredSettings

blueprint = Blueprint("site_settings", __name__, url_prefix="/v1/<site>")


class SentSettings(SiteSettings, Signature):
    """The settings as an editor sends them; what the server added is ignored."""

    model_config = ConfigDict(frozen=True)

    revision: Any = Field(None, description="Ignored; `If-Match` says it")


class SentComparison(BaseModel):
    """Two settings to hold against each other, as those of the site or of a surface."""

    surface: SurfaceName | None = Field(
        None, description="Try them as settings of this surface, over those that the site has"
    )
    a: ListDefaults | None = Field(None, description="What is stored, where it is left out")
    b: ListDefaults | None = Field(None, description="What is stored, where it is left out")
    article: ArticleId | None = Field(None, description="Compare the lists beside this article")
    sample: int = Field(
        MAX_SAMPLE, ge=1, le=MAX_SAMPLE, description="Or those beside so many articles"
    )

    def over(self, stored: SiteSettings) -> tuple[ListDefaults, ListDefaults]:
        """Both in full."""
        one, other = (self._in_full(tried, stored) for tried in (self.a, self.b))
        return one, other

    def _in_full(self, tried: ListDefaults | None, stored: SiteSettings) -> ListDefaults:
        if tried is None:
            return stored.of(self.surface)
        return stored.trying(tried, self.surface)


@blueprint.get("/settings")
def site_settings(site: str) -> Response:
    backend().site(site)
    require(site, "look")
    return _answer(backend().store.rulebook.settings(site))


@blueprint.put("/settings")
def put_site_settings(site: str) -> Response:
    """Replace the settings as a whole; `If-Match` says of which ones the sender knows."""
    backend().site(site)
    grant = require(site, "admin")
    sent = parse_settings(SentSettings, read_json())
    wanted = SiteSettings(articles=sent.articles, site=sent.site, surfaces=sent.surfaces)
    made = backend().store.rulebook.replace_settings(
        site, wanted, sent.editor(grant), datetime.now(UTC), expected_revisions()
    )
    return _answer(made)


@blueprint.post("/settings/compare")
def compare_settings(site: str) -> Response:
    """What settings that are not stored would change, beside one article or over a sample."""
    live = backend().site(site)
    require(site, "look")
    sent = parse_settings(SentComparison, read_json())
    stored = backend().store.rulebook.settings(site).settings
    a, b = sent.over(stored)
    if sent.article is not None:
        return json_response(_side_by_side(*_compare_lists(live, sent.article, a, b)))
    found = compare_over_sample(live, a, b, sent.sample, datetime.now(UTC))
    both = {"a": found.a._asdict(), "b": found.b._asdict()}
    return json_response(found._asdict() | both)


def _compare_lists(
    live: SiteReplica, article_id: str, a: ListDefaults, b: ListDefaults
) -> tuple[Compared, int]:
    now = datetime.now(UTC)
    return live.read_with_cards(lambda recommender: compared(recommender, article_id, a, b, now))


def _side_by_side(found: Compared, version: int) -> dict[str, Any]:
    return {
        "version": version,
        "source": {name: (found.a.source or {}).get(name) for name in ("id", "url", "title")},
        "overlap": found.overlap,
        "a": _moving(found.a, found),
        "b": _moving(found.b, found),
    }


def _moving(made: RelatedList, found: Compared) -> list[dict[str, Any]]:
    return [
        {**list_item(item, place), "movement": found.movements[item.card["id"]]._asdict()}
        for place, item in enumerate(made.items, 1)
    ]


def _answer(kept: StoredSettings) -> Response:
    response = json_response(
        {**kept.settings.model_dump(mode="json", exclude_none=True), "revision": kept.revision}
    )
    response.set_etag(kept.revision)
    return response
