"""Search by title, id and address, as the editor's desk has it."""

from typing import Annotated

from flask import Blueprint
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from api.http.operation import operation
from api.http.request import backend
from recommender.articles import Card

blueprint = Blueprint("search", __name__, url_prefix="/v1/<site>")

MAX_QUERY_CHARS = 300
MAX_RESULTS = 50
MAX_OFFSET = 10_000


class SearchQuery(BaseModel):
    """What to search for."""

    q: str = Field(
        max_length=MAX_QUERY_CHARS,
        description="Words of title, id or address; parts of words count, case and accents do not",
        examples=["kursk"],
    )
    section: str | None = Field(None, description="Only articles of this section")
    limit: Annotated[int, Field(ge=1, le=MAX_RESULTS, description="How many articles")] = 20
    offset: Annotated[int, Field(ge=0, le=MAX_OFFSET, description="How many to skip")] = 0


class SearchResults(TypedDict):
    """Articles with every word: those that have all in the title first, then the newest."""

    items: list[Card]
    total: int


@blueprint.get("/search")
@operation("searchArticles", scope="look", query=SearchQuery, answer=SearchResults)
def search(site: str, query: SearchQuery) -> SearchResults:
    """Search the archive by title, id or address; embargoed articles are found too."""
    finder = backend().finder(site)
    matches = finder.find(query.q, query.section, None, query.offset, query.limit)
    # An article that was deleted just now may be among the results, but has no card.
    cards = backend().store.cards(site, matches.ids)
    return {"items": [cards[i] for i in matches.ids if i in cards], "total": matches.total}
