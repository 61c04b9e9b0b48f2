"""Which article? By words of its title, its address or id, its section, or what editors did."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from flask import Blueprint, Response, request

from api.editor import desk
from api.http.context import backend
from api.http.dates import moment
from api.http.responses import json_response
from recommender.articles import Card
from recommender.policy.rules import Rule, RuleKind
from recommender.replica.finder import Found
from recommender.replica.survey import MAX_OUTLIERS
from recommender.storage.surveys import SurveyOutlier

blueprint = Blueprint("finding", __name__, url_prefix="/<site>")

PAGE = 30
MAX_TYPED_CHARS = 300
MAX_PAGES = 10_000
MARKS: dict[str, tuple[RuleKind, ...]] = {
    "pinned": ("pin",),
    "blocked": ("block",),
    "boosted": ("boost", "bury"),
    "flagged": ("flag",),
}
SURVEYED = {
    "without": "",
    "few": "related: {:.0f}",
    "old": "{:,.0f} days older",
    "most": "in {:,.0f} lists",
    "never": "",
}
"""What a survey notes articles for, as `Survey` calls it, and what their number says."""


@blueprint.get("/")
def find(site: str) -> Response:
    return desk.page("find.html", **_found(site), sections=backend().finder(site).sections()[:40])


@blueprint.get("/find.json")
def find_as_typed(site: str) -> Response:
    """The same for the script, which shows it while somebody types."""
    return json_response(_found(site))


def _found(site: str) -> dict[str, Any]:
    asked, rules = _asked(), _rules(site)
    marks = _marks(rules)
    if asked["mark"] in SURVEYED:
        noted, note = _surveyed(site, asked["mark"])
        found = _in_their_order(site, noted, asked)
        marks = {i: [*marks.get(i, []), *said] for i, said in noted.items()}
    else:
        note, found = "", _newest_first(site, rules, asked)
    cards = backend().store.cards(site, found.ids)
    shown = [_line(cards[i], marks.get(i, [])) for i in found.ids if i in cards]
    more = asked["page"] * PAGE < found.total
    return {**asked, "items": shown, "total": found.total, "more": more, "note": note}


def _asked() -> dict[str, Any]:
    return {
        "q": request.args.get("q", "")[:MAX_TYPED_CHARS],
        "section": request.args.get("section", ""),
        "mark": request.args.get("mark", ""),
        "page": min(max(request.args.get("page", 1, int), 1), MAX_PAGES),
    }


def _newest_first(site: str, rules: Iterable[Rule], asked: Mapping[str, Any]) -> Found:
    kinds = MARKS.get(asked["mark"])
    among = _named(rules, kinds) if kinds else None
    offset = (asked["page"] - 1) * PAGE
    return backend().finder(site).find(asked["q"], asked["section"] or None, among, offset, PAGE)


def _in_their_order(site: str, noted: Mapping[str, Any], asked: Mapping[str, Any]) -> Found:
    """Of the articles that a survey noted."""
    finder, place = backend().finder(site), (asked["page"] - 1) * PAGE
    found = finder.find(asked["q"], asked["section"] or None, noted.keys(), 0, MAX_OUTLIERS)
    fitting = set(found.ids)
    ids = [article_id for article_id in noted if article_id in fitting]
    return Found(ids[place : place + PAGE], found.total)


def _surveyed(site: str, mark: str) -> tuple[dict[str, list[str]], str]:
    """The articles that the last survey noted for this, each with its number in words, and when."""
    survey = backend().surveys.latest(site)
    if survey is None:
        return {}, "Nobody has surveyed the lists yet: the page Overview has a button for it."
    noted: tuple[SurveyOutlier, ...] = getattr(survey, mark)
    made = moment(survey.made_at).striptags()
    most = f", which names {MAX_OUTLIERS} at most" if len(noted) == MAX_OUTLIERS else ""
    words = SURVEYED[mark]
    said = {one.id: [words.format(one.number)] if words else [] for one in noted}
    return said, f"As the survey of {made} found it{most}."


def _rules(site: str) -> list[Rule]:
    now = datetime.now(UTC)
    return [r for r in backend().store.rulebook.read(site).rules.values() if r.is_active(now)]


def _named(rules: Iterable[Rule], kinds: tuple[RuleKind, ...]) -> list[str]:
    """Articles that such a rule is about, on either side."""
    found = (rule.articles for rule in rules if rule.kind in kinds)
    return list(dict.fromkeys(chain.from_iterable(found)))


def _marks(rules: Iterable[Rule]) -> dict[str, list[str]]:
    """What editors did, by the article it was done to: the one whose list it is, or else itself."""
    marks: dict[str, list[str]] = {}
    for rule in rules:
        about = rule.source.article or rule.target.article
        if about is not None:
            marks.setdefault(about, []).append(rule.flag or rule.kind)
    return {i: sorted(set(found)) for i, found in marks.items()}


def _line(card: Card, marks: list[str]) -> dict[str, Any]:
    date = card["published_at"]
    if date and datetime.fromisoformat(date) > datetime.now(UTC):
        marks = ["not published yet", *marks]
    return {
        "id": card["id"],
        "title": card["title"],
        "section": card["section"],
        "published_at": date,
        "language": card["language"],
        "marks": [mark.replace("_", " ") for mark in marks],
    }
