"""The page that finds articles: by title, address or id, by section, by rules or by survey."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from api.editor.labels import OUTLIERS
from api.editor.pages import page
from api.http.dates import moment
from api.http.request import backend
from api.http.responses import json_response
from recommender.articles import Card
from recommender.policy.rules import Rule, RuleKind
from recommender.replica.finder import Matches
from recommender.replica.survey import MAX_OUTLIERS
from recommender.storage.surveys import SurveyOutlier

blueprint = Blueprint("search", __name__, url_prefix="/<site>")

PAGE = 30
MAX_SECTIONS = 40
MAX_QUERY_CHARS = 300
MAX_PAGES = 10_000
RULE_KINDS: dict[str, tuple[RuleKind, ...]] = {
    "pinned": ("pin",),
    "blocked": ("block",),
    "boosted": ("boost", "bury"),
    "flagged": ("flag",),
}
FILTERS = {
    "": "all",
    "pinned": "with pins",
    "blocked": "with blocks",
    "boosted": "boosted or buried",
    "flagged": "with flags",
    **{kind: outlier.label for kind, outlier in OUTLIERS.items()},
}


class Query(NamedTuple):
    """
    What is searched for.

    Fields:
        q: letters of a title, an address or an id.
        mark: a key of `FILTERS`.
    """

    q: str
    section: str
    mark: str
    page: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * PAGE


@blueprint.get("/")
def search(site: str) -> Response:
    sections = backend().finder(site).sections()[:MAX_SECTIONS]
    return page("search.html", **_results(site), sections=sections, filters=FILTERS)


@blueprint.get("/find.json")
def search_json(site: str) -> Response:
    """The results for the script, which shows them while an editor types."""
    return json_response(_results(site))


def _results(site: str) -> dict[str, Any]:
    query = _query()
    rules = _active_rules(site)
    marks = _marks(rules)
    note = ""
    if query.mark in OUTLIERS:
        outliers, note = _outliers(site, query.mark)
        results = _search_outliers(site, outliers, query)
        for article_id, labels in outliers.items():
            marks[article_id] = [*marks.get(article_id, []), *labels]
    else:
        results = _search(site, rules, query)
    # An article that was deleted just now may be among the results, but has no card.
    cards = backend().store.cards(site, results.ids)
    items = [_item(cards[i], marks.get(i, [])) for i in results.ids if i in cards]
    return {
        **query._asdict(),
        "items": items,
        "total": results.total,
        "more": query.page * PAGE < results.total,
        "note": note,
    }


def _query() -> Query:
    return Query(
        q=request.args.get("q", "")[:MAX_QUERY_CHARS],
        section=request.args.get("section", ""),
        mark=request.args.get("mark", ""),
        page=min(max(request.args.get("page", 1, int), 1), MAX_PAGES),
    )


def _search(site: str, rules: Iterable[Rule], query: Query) -> Matches:
    """The newest articles first, or only those with a kind of rule."""
    kinds = RULE_KINDS.get(query.mark)
    among = _articles_with(rules, kinds) if kinds else None
    finder = backend().finder(site)
    return finder.find(query.q, query.section or None, among, query.offset, PAGE)


def _search_outliers(site: str, outliers: Mapping[str, Any], query: Query) -> Matches:
    """Only outliers, in the order of the survey."""
    finder = backend().finder(site)
    results = finder.find(query.q, query.section or None, outliers.keys(), 0, MAX_OUTLIERS)
    matching = set(results.ids)
    # The finder sorts by date; the survey has an order of its own.
    ids = [article_id for article_id in outliers if article_id in matching]
    return Matches(ids[query.offset : query.offset + PAGE], results.total)


def _outliers(site: str, kind: str) -> tuple[dict[str, list[str]], str]:
    """The outliers of the last survey with labels for their numbers, and a note about them."""
    survey = backend().surveys.latest(site)
    if survey is None:
        return {}, "There is no survey of the lists yet. Start one on the page Overview."
    outliers: tuple[SurveyOutlier, ...] = getattr(survey, kind)
    number_format = OUTLIERS[kind].number
    labels = {}
    for outlier in outliers:
        labels[outlier.id] = [number_format.format(outlier.number)] if number_format else []
    limit = f"; it lists {MAX_OUTLIERS} at most" if len(outliers) == MAX_OUTLIERS else ""
    return labels, f"From the survey of {moment(survey.made_at).striptags()}{limit}."


def _active_rules(site: str) -> list[Rule]:
    now = backend().clock.now()
    rules = backend().store.rulebook.read(site).rules.values()
    return [rule for rule in rules if rule.is_active(now)]


def _articles_with(rules: Iterable[Rule], kinds: tuple[RuleKind, ...]) -> list[str]:
    """The articles that rules of these kinds name, on either side."""
    ids: dict[str, None] = {}
    for rule in rules:
        if rule.kind in kinds:
            ids |= dict.fromkeys(rule.articles)
    return list(ids)


def _marks(rules: Iterable[Rule]) -> dict[str, list[str]]:
    """Flags and kinds of rules by the article whose list they change, or that they are about."""
    marks: dict[str, set[str]] = {}
    for rule in rules:
        article_id = rule.source.article or rule.target.article
        if article_id is not None:
            marks.setdefault(article_id, set()).add(rule.flag or rule.kind)
    return {article_id: sorted(labels) for article_id, labels in marks.items()}


def _item(card: Card, marks: list[str]) -> dict[str, Any]:
    date = card["published_at"]
    if date and datetime.fromisoformat(date) > backend().clock.now():
        marks = ["not published yet", *marks]
    return {
        "id": card["id"],
        "title": card["title"],
        "section": card["section"],
        "published_at": date,
        "language": card["language"],
        "marks": [mark.replace("_", " ") for mark in marks],
    }
