"""How the archive and its lists are doing, in figures."""

from collections.abc import Iterable
from datetime import UTC, datetime

from flask import Blueprint, Response, url_for

from api.editor import desk
from api.editor.search import SURVEYED
from api.http.context import backend
from api.http.responses import json_response
from recommender.overview import Band, EvaluationSummary, Overview, Value, overview_of
from recommender.policy.list_options import ListOptions
from recommender.policy.option_types import ANY_LANGUAGE
from recommender.replica.index_files import FILE_FROM
from recommender.replica.site import SiteReplica

blueprint = Blueprint("overview", __name__, url_prefix="/<site>")

STAND_OUT = {
    "without": "with no related articles",
    "few": "with few related articles",
    "old": "with old lists",
    "most": "recommended most",
    "never": "never recommended",
}
"""What a survey notes articles for, in words."""
MEASURES = {
    "nDCG@10": "order of the first ten (nDCG@10)",
    "recall@10": "found among ten (recall@10)",
    "hit@5": "one or more among five (hit@5)",
}
_DAY_NAMES = {
    1: "a day",
    7: "a week",
    30: "a month",
    90: "3 months",
    365: "a year",
    1825: "5 years",
}


@blueprint.get("/overview")
def overview(site: str) -> Response:
    live, now = backend().site(site), datetime.now(UTC)
    found = overview_of(backend(), live, now)
    for section in found["archive"]["sections"]:
        section["name"] = _spelt(live, section["name"], now)
    note = desk.take_note("overview")
    return desk.page(
        "overview.html",
        **found,
        rows=_rows(found),
        stand_out=STAND_OUT,
        numbers=SURVEYED,
        measures=_measures(found["evaluation"]),
        note=note,
        file_from=FILE_FROM,
    )


@blueprint.post("/survey")
def survey(site: str) -> Response:
    """Begin one; whoever may look may do so, as it changes nothing that readers see."""
    desk.require("look")
    if not backend().surveyor.start(backend().site(site)):
        desk.leave_note("overview", said="The lists are being surveyed already.")
    return desk.go(url_for("editor.overview.overview", site=site) + "#lists")


@blueprint.get("/survey.json")
def survey_progress(site: str) -> Response:
    """How far the survey is, for the script; null when none is under way."""
    running = backend().surveys.progress(site)
    return json_response(None if running is None else running._asdict())


def _spelt(live: SiteReplica, section: str | None, now: datetime) -> str | None:
    """A section, counted in lower case, as its newest article writes it, if one can be shown."""
    if section is None:
        return None
    options = ListOptions(limit=1, section=(section,), tag=(), author=(), lang=(ANY_LANGUAGE,))
    newest, _ = live.read_with_cards(lambda recommender: recommender.recent(options, now))
    return next((item.card["section"] for item in newest.items), section)


def _rows(found: Overview) -> dict[str, list[tuple[str, int]]]:
    """What is drawn: lines of a name and a number, by the plot they belong to."""
    archive, survey, days = found["archive"], found["survey"], found["readers"]["days"]
    rows = {
        "sections": _named(archive["sections"], "others, or none"),
        "languages": _named(archive["languages"], "others, or unknown"),
        "years": _named(archive["years"], "earlier"),
    }
    rows["fresh"] = [(day["day"], day["articles"]) for day in found["fresh"]["days"]]
    rows["impressions"] = [(day["day"], day["impressions"]) for day in days]
    rows["clicks"] = [(day["day"], day["clicks"]) for day in days]
    if survey is not None:
        rows["related"] = [(_related(n), lists) for n, lists in enumerate(survey["related"])]
        rows["recommended"] = [(_times(b), b["articles"]) for b in survey["recommended"]]
        rows["ages"] = [(_age(band), band["lists"]) for band in survey["ages"]]
        rows["gaps"] = [(_age(band), band["lists"]) for band in survey["gaps"]]
    return rows


def _measures(evaluation: EvaluationSummary | None) -> dict[str, str]:
    """Those that say most, of those that were taken, in words; or else the first ones."""
    systems = evaluation["systems"] if evaluation else {}
    taken = [*next(iter(systems.values()), {})]
    told = {name: words for name, words in MEASURES.items() if name in taken}
    return told or {name: name for name in taken[: len(MEASURES)]}


def _named(values: Iterable[Value], rest: str) -> list[tuple[str, int]]:
    return [(value["name"] or rest, value["articles"]) for value in values]


def _age(band: Band) -> str:
    start, end = band["from"], band["below"]
    if start is None:
        return "newer than the story"
    if end is None:
        return f"more than {_DAY_NAMES[start]}"
    return f"{'up to' if start else 'less than'} {_DAY_NAMES[end]}"


def _times(band: Band) -> str:
    start, end = band["from"] or 0, band["below"]
    if end is None:
        return f"in more than {start - 1} lists"
    if end == start + 1:
        return "in none" if not start else f"in {start} list{'' if start == 1 else 's'}"
    return f"in {start} to {end - 1} lists"


def _related(number: int) -> str:
    return f"{number or 'no'} related article{'' if number == 1 else 's'}"
