"""The page of two articles: why one is in the other's list, and every word that they share."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from flask import Blueprint, Response, request

from api.editor import labels
from api.editor.pages import page
from api.http.request import backend, checked_id
from api.lists.explanation import explained_pair
from api.lists.options import options_from_query
from features.analyzer import occurrences
from features.article import Article
from features.vectorizer import term_ids
from recommender.errors import NotFound
from recommender.policy.list_options import ListOptions

blueprint = Blueprint("side_by_side", __name__, url_prefix="/<site>")

MARKED = 60  # shared terms, heaviest first; the others are shown like any word
HEAVY = 8  # of them, shown more prominently


class MarkedPiece(NamedTuple):
    """A part of a text; *weight* is `heavy` or `light` for a shared term, and empty otherwise."""

    text: str
    weight: str


class _Mark(NamedTuple):
    """An occurrence of a shared term."""

    start: int
    end: int
    rank: int


@blueprint.get("/pair")
def side_by_side(site: str) -> Response:
    source_id = checked_id(request.args.get("id", ""))
    target_id = checked_id(request.args.get("target", ""))
    options = options_from_query(request.args, ListOptions)
    now = backend().clock.now()
    live = backend().site(site)
    explanation, _ = live.read(
        lambda recommender: recommender.explanation(source_id, target_id, options, now)
    )
    texts = live.texts((source_id, target_id))
    if len(texts) < len({source_id, target_id}):
        raise NotFound("one of the two articles is not in the archive")
    shared = explanation.shared.terms[:MARKED].tolist() if explanation.shared else []
    return page(
        "side_by_side.html",
        sides=_sides((texts[source_id], texts[target_id]), shared),
        explanation=explained_pair(explanation, texts, source_id, target_id),
        factor_labels=labels.FACTORS,
    )


def _sides(
    articles: Iterable[Article], shared: Sequence[int]
) -> list[tuple[Article, list[list[MarkedPiece]]]]:
    return [(article, paragraphs(article, shared)) for article in articles]


def paragraphs(article: Article, shared: Sequence[int]) -> list[list[MarkedPiece]]:
    """The paragraphs of the body in pieces; *shared* are ids of terms, heaviest first."""
    lines = (article.body or "").split("\n")
    return [list(pieces(line, article.language, shared)) for line in lines if line.strip()]


def pieces(text: str, language: str | None, shared: Sequence[int]) -> Iterator[MarkedPiece]:
    ranks = {term: rank for rank, term in enumerate(shared)}
    end = 0
    for mark in _marks(text, language, ranks):
        if mark.start < end:  # part of a longer term
            continue
        if mark.start > end:
            yield MarkedPiece(text[end : mark.start], "")
        yield MarkedPiece(text[mark.start : mark.end], "heavy" if mark.rank < HEAVY else "light")
        end = mark.end
    if end < len(text):
        yield MarkedPiece(text[end:], "")


def _marks(text: str, language: str | None, ranks: dict[int, int]) -> list[_Mark]:
    """The shared terms in the text, in order; of those that start together, the longest first."""
    # A term of unspaced text may have no place of its own; then its start is -1.
    terms = [occurrence for occurrence in occurrences(text, language) if occurrence.start >= 0]
    ids = term_ids([term.term for term in terms])
    marks = []
    for term, term_id in zip(terms, ids, strict=True):
        if term_id in ranks:
            marks.append(_Mark(term.start, term.end, ranks[term_id]))
    return sorted(marks, key=lambda mark: (mark.start, -mark.end))
