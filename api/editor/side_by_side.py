"""Two articles side by side: what one is to the other, and every word that they share."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from flask import Blueprint, Response, request

from api.editor import desk
from api.editor.article import FACTOR_NAMES, asked_id
from api.http.context import backend
from api.http.request import checked_id
from api.lists.explanation import explained_pair
from api.lists.options import options_from_query
from features.analyzer import occurrences
from features.article import Article
from features.vectorizer import term_ids
from recommender.errors import NotFound
from recommender.policy.list_options import ListOptions

blueprint = Blueprint("pair", __name__, url_prefix="/<site>")

MARKED = 60  # shared terms, the heaviest first; the rest are words like any other
HEAVY = 8  # of those stand out more


class Piece(NamedTuple):
    """A stretch of text; *weight* says how much its term adds: `heavy`, `light`, or nothing."""

    text: str
    weight: str


@blueprint.get("/pair")
def pair(site: str) -> Response:
    article_id, target = asked_id(), checked_id(request.args.get("target", ""))
    live = backend().site(site)
    wanted = options_from_query(request.args, ListOptions)
    standing, _ = live.read(
        lambda recommender: recommender.explanation(article_id, target, wanted, datetime.now(UTC))
    )
    texts = live.texts((article_id, target))
    if len(texts) < len({article_id, target}):
        raise NotFound("one of the two articles is not in the archive, or no more")
    shared = standing.shared.terms[:MARKED].tolist() if standing.shared else []
    return desk.page(
        "pair.html",
        sides=[(texts[i], paragraphs(texts[i], shared)) for i in (article_id, target)],
        told=explained_pair(standing, texts, article_id, target),
        factor_names=FACTOR_NAMES,
    )


def paragraphs(article: Article, shared: Sequence[int]) -> list[list[Piece]]:
    """The body, cut where a shared term (by id, the heaviest first) begins and ends."""
    found = [part for part in (article.body or "").split("\n") if part.strip()]
    return [list(pieces(part, article.language, shared)) for part in found]


def pieces(text: str, language: str | None, shared: Sequence[int]) -> Iterator[Piece]:
    ranks = {term: rank for rank, term in enumerate(shared)}
    end = 0
    for start, stop, rank in _marks(text, language, ranks):
        if start < end:  # part of a longer one
            continue
        if start > end:
            yield Piece(text[end:start], "")
        yield Piece(text[start:stop], "heavy" if rank < HEAVY else "light")
        end = stop
    if end < len(text):
        yield Piece(text[end:], "")


def _marks(text: str, language: str | None, ranks: dict[int, int]) -> list[tuple[int, int, int]]:
    """Start, end and rank of every shared term; of those that start together the longest first."""
    found = [one for one in occurrences(text, language) if one.start >= 0]
    ids = term_ids([one.term for one in found])
    marks = [
        (one.start, one.end, ranks[i]) for one, i in zip(found, ids, strict=True) if i in ranks
    ]
    return sorted(marks, key=lambda mark: (mark[0], -mark[1]))
